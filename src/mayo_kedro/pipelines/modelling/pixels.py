"""Images of one size in batches: streamed anew in every epoch, or kept in memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mayo_kedro.pipelines.modelling.decoding import can_decode, read_pixels, read_tiles, undecodable
from mayo_kedro.pipelines.modelling.interfaces import Batch, ImageStream
from mayo_kedro.pipelines.modelling.reading import (
    Arriving,
    Decoded,
    Framed,
    Order,
    ReadBatch,
    Reader,
    Rows,
    skip_all,
)
from mayo_kedro.pipelines.modelling.unreadable import UnreadableImages

_PATHS = (tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.string))

Pass = Iterator[tuple[Rows, npt.NDArray[np.uint8], npt.NDArray[np.float32]]]
"""Row numbers, pixels and the places of the tiles of one batch after another."""


class Pixels(Protocol):
    """Images of one size by id, wherever they are kept."""

    @property
    def unreadable(self) -> UnreadableImages:
        """Which images could not be decoded."""

    @property
    def images(self) -> ImageStream:
        """Where the encoded files come from."""

    def read(self, ids: Sequence[str], order: Order) -> Reader:
        """Give batches of these images in an order."""

    def explain_failures(self, ids: Sequence[str]) -> AbstractContextManager[None]:
        """Raise what really went wrong where TensorFlow only tells that some batch failed."""


class StreamedPixels:
    """Images that are streamed, and decoded, each time they are read.

    The files come ahead of their use, as paths; TensorFlow reads and decodes them with all cores.

    Args:
        images: gives the encoded files.
        size: side in pixels to which every image is resized, or of its tiles.
        unreadable_share: of the images that may be left out because they cannot be decoded.
        tiles: how many parts of each image are taken at its own scale; None takes the whole image.
    """

    def __init__(
        self, images: ImageStream, size: int, unreadable_share: float = 0.0, tiles: int | None = None
    ) -> None:
        self.shape = (size, size, 3) if tiles is None else (tiles, size, size, 3)
        self.frames_shape = (tiles or 0, 4)
        self.images = images
        self.unreadable = UnreadableImages(unreadable_share)
        self._failure: Exception | None = None

    def read(self, ids: Sequence[str], order: Order) -> Reader:
        """Give batches of these images in an order.

        Args:
            ids: of the rows of a table.
            order: which rows make up which batch.
        """
        loader = order.load(self.images, ids)
        if order.shards == 1 and not self.unreadable.share:
            return Reader(loader, lambda reader: self._read_by_counting(reader, order.batch_size))
        return Reader(loader, lambda reader: _make_dataset(lambda: self._gather(reader), self))

    def _read_by_counting(self, reader: Reader, batch_size: int) -> tf.data.Dataset:
        """Within TensorFlow all along; where all images arrive, counting finds the ends of the batches."""
        paths = tf.data.Dataset.from_generator(lambda: self._guard(reader.files()), output_signature=_PATHS)
        return self._decode(paths).batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def _gather(self, reader: Reader) -> Pass:
        # None where there is nothing to skip: asking for each of a million rows takes half a second.
        skip = self.unreadable.__contains__ if self.unreadable else None
        arriving = Arriving(self.decode_each(reader.files(skip)))
        for batch in reader.files(skip_all):
            found = [(row, *image) for row in batch.rows if (image := arriving.take(row)) is not None]
            rows = np.array([row for row, _, _ in found], np.int64)
            pixels = np.array([pixels for _, pixels, _ in found], np.uint8)
            frames = np.array([frames for _, _, frames in found], np.float32)
            count = len(rows)
            yield rows, pixels.reshape(count, *self.shape), frames.reshape(count, *self.frames_shape)

    def decode_each(self, batches: Iterator[Batch]) -> Iterator[Decoded]:
        """Give one image after another with its row number, without those that were skipped."""
        paths = tf.data.Dataset.from_generator(lambda: self._guard(batches), output_signature=_PATHS)
        return iter(self._decode(paths).prefetch(tf.data.AUTOTUNE).as_numpy_iterator())

    def _decode(self, paths: tf.data.Dataset) -> tf.data.Dataset:
        decoded = paths.unbatch().map(
            lambda row, path: (row, *self._read_file(path)), num_parallel_calls=tf.data.AUTOTUNE
        )
        return decoded.ignore_errors() if self.unreadable.share else decoded

    def _read_file(self, path: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        *tiles, size, _, _ = self.shape
        if tiles:
            return read_tiles(path, size, *tiles)
        return read_pixels(path, size), tf.zeros(self.frames_shape)

    def _guard(self, batches: Iterator[Batch]) -> Iterator[tuple[npt.NDArray[np.int64], list[str]]]:
        """Keep what the stream raises, of which TensorFlow makes an error of its own."""
        try:
            for batch in batches:
                wanted = [position for position, path in enumerate(batch.paths) if path]
                yield batch.rows[wanted], [batch.paths[position] for position in wanted]
        except Exception as error:
            self._failure = error
            raise

    @contextmanager
    def explain_failures(self, ids: Sequence[str]) -> Iterator[None]:
        """Raise what really went wrong where TensorFlow only tells that some batch failed.

        Args:
            ids: the images among which a damaged one is looked for.

        Raises:
            UserError: a file cannot be decoded, or the stream raised one.
        """
        try:
            yield
        except tf.errors.OpError:
            if self._failure is not None:
                raise self._failure from None
            for image, path in zip(ids, self.images.stream(ids), strict=True):
                if not can_decode(path):
                    raise undecodable(image, path) from None
            raise


class KeptPixels:
    """Images that are decoded when they are first read, and stay in memory.

    Training begins with the first images to arrive: the first epoch streams in its own order, and later
    ones find everything here.

    Args:
        streamed: where they come from.
        ids: all images that will be asked for.
    """

    def __init__(self, streamed: StreamedPixels, ids: Sequence[str]) -> None:
        self._streamed = streamed
        self._pixels = np.empty((len(ids), *streamed.shape), np.uint8)
        self._frames = np.empty((len(ids), *streamed.frames_shape), np.float32)
        self._is_kept = np.zeros(len(ids), np.bool_)
        self._places = {image: place for place, image in enumerate(ids)}

    @property
    def unreadable(self) -> UnreadableImages:
        """Which images could not be decoded."""
        return self._streamed.unreadable

    @property
    def images(self) -> ImageStream:
        """Where the encoded files come from."""
        return self._streamed.images

    def read(self, ids: Sequence[str], order: Order) -> Reader:
        """Give batches of these images in an order, see `StreamedPixels.read`."""
        places = np.array([self._places[image] for image in ids])
        return Reader(order.load(self.images, ids), lambda reader: _KeptPasses(self, reader, places))

    def has_all(self, places: Rows) -> bool:
        """Whether nothing has to be decoded any more."""
        return bool(self._is_kept[places].all())

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an image, or of its tiles."""
        return self._streamed.shape

    @property
    def frames_shape(self) -> tuple[int, int]:
        """Of the places of an image's tiles."""
        return self._streamed.frames_shape

    def gather(self, reader: Reader, places: Rows) -> Pass:
        """Give the batches of the epoch that was asked for last, and keep what is decoded for them."""
        missing = Arriving(self._decode_missing(reader, places))
        for batch in reader.files(skip_all):
            for row in batch.rows[~self._is_kept[places[batch.rows]]]:
                self._keep(places[row], missing.take(row))
            rows = batch.rows[self._is_kept[places[batch.rows]]]
            yield rows, self._pixels[places[rows]], self._frames[places[rows]]

    def _decode_missing(self, reader: Reader, places: Rows) -> Iterator[Decoded]:
        if self.has_all(places):
            return iter(())
        return self._streamed.decode_each(reader.files(self._needs_no_file))

    def _needs_no_file(self, image: str) -> bool:
        return bool(self._is_kept[self._places[image]]) or image in self.unreadable

    def _keep(self, place: int, image: Framed | None) -> None:
        if image is not None:
            self._pixels[place], self._frames[place] = image
            self._is_kept[place] = True

    def explain_failures(self, ids: Sequence[str]) -> AbstractContextManager[None]:
        """Raise what really went wrong, see `StreamedPixels.explain_failures`."""
        return self._streamed.explain_failures(ids)


class _KeptPasses:
    """One pass after another over kept images: those that are all there are taken as they lie.

    TensorFlow's threads, busy with a training step, would let a generator among them wait for up to half of
    an epoch.
    """

    def __init__(self, kept: KeptPixels, reader: Reader, places: Rows) -> None:
        self._kept, self._reader, self._places = kept, reader, places
        self._arriving = _make_dataset(lambda: kept.gather(reader, places), kept)

    def __iter__(self) -> Iterator[ReadBatch]:
        if not self._kept.has_all(self._places):
            return iter(self._arriving)
        passes = self._kept.gather(self._reader, self._places)
        return (tuple(map(tf.constant, arrays)) for arrays in passes)


def _make_dataset(read_pass: Callable[[], Pass], source: StreamedPixels | KeptPixels) -> tf.data.Dataset:
    pixels = tf.TensorSpec((None, *source.shape), tf.uint8)
    frames = tf.TensorSpec((None, *source.frames_shape), tf.float32)
    signature = (_PATHS[0], pixels, frames)
    return tf.data.Dataset.from_generator(read_pass, output_signature=signature).prefetch(2)


def open_pixels(
    images: ImageStream,
    ids: Sequence[str],
    size: int,
    memory_cache_mb: int,
    unreadable_share: float = 0.0,
    tiles: int | None = None,
) -> Pixels:
    """Keep the images in memory if all of them fit, else stream them whenever they are read."""
    streamed = StreamedPixels(images, size, unreadable_share, tiles)
    if len(ids) * math.prod(streamed.shape) > memory_cache_mb * 2**20:
        return streamed
    return KeptPixels(streamed, ids)
