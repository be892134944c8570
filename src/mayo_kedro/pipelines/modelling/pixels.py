"""Images of one size in batches: streamed anew in every epoch, or kept in memory."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mayo_kedro.pipelines.modelling.decoding import can_decode, read_pixels, undecodable
from mayo_kedro.pipelines.modelling.interfaces import Batch, BatchLoader, ImageStream
from mayo_kedro.pipelines.modelling.unreadable import UnreadableImages

_PATHS = (tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.string))

Decoded = tuple[np.int64, npt.NDArray[np.uint8]]
"""A row number and the pixels of its image."""


class Pixels(Protocol):
    """Images of one size by id, wherever they are kept."""

    @property
    def unreadable(self) -> UnreadableImages:
        """Which images could not be decoded."""

    @property
    def images(self) -> ImageStream:
        """Where the encoded files come from."""

    def read(
        self, ids: Sequence[str], batch_size: int, seed: int | None = None, epochs: int | None = None
    ) -> tf.data.Dataset:
        """Give batches of (row number, uint8 pixels); each pass over them is the next epoch."""

    def explain_failures(self, ids: Sequence[str]) -> AbstractContextManager[None]:
        """Raise what really went wrong where TensorFlow only tells that some batch failed."""


class StreamedPixels:
    """Images that are streamed, and decoded, each time they are read.

    The files come ahead of their use, as paths; TensorFlow reads and decodes them with all cores.

    Args:
        images: gives the encoded files.
        size: side in pixels to which every image is resized.
        unreadable_share: of the images that may be left out because they cannot be decoded.
    """

    def __init__(self, images: ImageStream, size: int, unreadable_share: float = 0.0) -> None:
        self.size = size
        self.images = images
        self.unreadable = UnreadableImages(unreadable_share)
        self._failure: Exception | None = None

    def read(
        self, ids: Sequence[str], batch_size: int, seed: int | None = None, epochs: int | None = None
    ) -> tf.data.Dataset:
        """Give batches of (row number, pixels); each pass over them is the next epoch.

        Args:
            ids: of the rows of a table.
            batch_size: images a batch; the last may be smaller.
            seed: of another order in every epoch; None keeps the order of the table.
            epochs: how many there will be at most; None if that is not known.

        Returns:
            int64 of shape (batch,) and uint8 of shape (batch, size, size, 3).
        """
        loader, numbers = self.images.batches(ids, batch_size, seed=seed, epochs=epochs), count()

        def read_pass() -> Iterator[tuple[npt.NDArray[np.int64], list[str]]]:
            # None where there is nothing to skip: asking for each of a million rows takes half a second.
            skip = self.unreadable.__contains__ if self.unreadable else None
            return self._guard(loader.epoch(next(numbers), skip=skip))

        paths = tf.data.Dataset.from_generator(read_pass, output_signature=_PATHS)
        return self._decode(paths).batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def decode_each(self, batches: Iterator[Batch]) -> Iterator[Decoded]:
        """Give (row number, pixels) one by one, without those that were skipped."""
        paths = tf.data.Dataset.from_generator(lambda: self._guard(batches), output_signature=_PATHS)
        return iter(self._decode(paths).prefetch(tf.data.AUTOTUNE).as_numpy_iterator())

    def _decode(self, paths: tf.data.Dataset) -> tf.data.Dataset:
        decoded = paths.unbatch().map(
            lambda row, path: (row, read_pixels(path, self.size)), num_parallel_calls=tf.data.AUTOTUNE
        )
        return decoded.ignore_errors() if self.unreadable.share else decoded

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
        shape = (streamed.size, streamed.size, 3)
        self._streamed = streamed
        self._pixels = np.empty((len(ids), *shape), np.uint8)
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

    def read(
        self, ids: Sequence[str], batch_size: int, seed: int | None = None, epochs: int | None = None
    ) -> tf.data.Dataset:
        """Give batches as `StreamedPixels.read` does."""
        loader, numbers = self.images.batches(ids, batch_size, seed=seed, epochs=epochs), count()
        places = np.array([self._places[image] for image in ids])

        def read_pass() -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
            number = next(numbers)
            missing = _Arriving(self._decode_missing(loader, number, places))
            for batch in loader.epoch(number, skip=lambda _: True):
                for row in batch.rows[~self._is_kept[places[batch.rows]]]:
                    self._keep(places[row], missing.take(row))
                rows = batch.rows[self._is_kept[places[batch.rows]]]
                yield rows, self._pixels[places[rows]]

        pixels = tf.TensorSpec((None, *self._pixels.shape[1:]), tf.uint8)
        return tf.data.Dataset.from_generator(read_pass, output_signature=(_PATHS[0], pixels)).prefetch(2)

    def _decode_missing(
        self, loader: BatchLoader, epoch: int, places: npt.NDArray[np.int64]
    ) -> Iterator[Decoded]:
        if self._is_kept[places].all():
            return iter(())
        return self._streamed.decode_each(loader.epoch(epoch, skip=self._needs_no_file))

    def _needs_no_file(self, image: str) -> bool:
        return bool(self._is_kept[self._places[image]]) or image in self.unreadable

    def _keep(self, place: int, pixels: npt.NDArray[np.uint8] | None) -> None:
        if pixels is not None:
            self._pixels[place] = pixels
            self._is_kept[place] = True

    def explain_failures(self, ids: Sequence[str]) -> AbstractContextManager[None]:
        """Raise what really went wrong, see `StreamedPixels.explain_failures`."""
        return self._streamed.explain_failures(ids)


class _Arriving:
    """Decoded images in the order of their rows, among which unreadable ones are missing."""

    def __init__(self, decoded: Iterator[Decoded]) -> None:
        self._decoded = decoded
        self._next: Decoded | None = None

    def take(self, row: int) -> npt.NDArray[np.uint8] | None:
        """The pixels of a row, waited for; None if it does not arrive."""
        if self._next is None:
            self._next = next(self._decoded, None)
        if self._next is None or self._next[0] != row:
            return None
        pixels, self._next = self._next[1], None
        return pixels


def open_pixels(
    images: ImageStream, ids: Sequence[str], size: int, memory_cache_mb: int, unreadable_share: float = 0.0
) -> Pixels:
    """Keep the images in memory if all of them fit, else stream them whenever they are read."""
    streamed = StreamedPixels(images, size, unreadable_share)
    if len(ids) * size * size * 3 > memory_cache_mb * 2**20:
        return streamed
    return KeptPixels(streamed, ids)
