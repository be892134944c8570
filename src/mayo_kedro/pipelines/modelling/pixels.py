"""Images of one size by id: streamed anew whenever they are read, or kept in memory."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mayo_kedro.pipelines.modelling.decoding import can_decode, decode_pixels, make_native, undecodable
from mayo_kedro.pipelines.modelling.interfaces import ImageStream


class Pixels(Protocol):
    """Images of one size by id, wherever they are kept."""

    signature: tf.TensorSpec

    def read(self, ids: Sequence[str]) -> Iterator[bytes | npt.NDArray[np.uint8]]:
        """Give one element for each id, in order."""

    def decode(self, element: tf.Tensor) -> tf.Tensor:
        """Turn an element into uint8 (size, size, 3), within TensorFlow."""

    def explain_failures(self, ids: Sequence[str]) -> AbstractContextManager[None]:
        """Raise what really went wrong where TensorFlow only tells that some batch failed."""


class StreamedPixels:
    """Images that are streamed anew, and decoded, each time they are read.

    Args:
        images: gives the encoded files.
        size: side in pixels to which every image is resized.
    """

    signature = tf.TensorSpec((), tf.string)

    def __init__(self, images: ImageStream, size: int) -> None:
        self.size = size
        self._images = images
        self._failure: Exception | None = None

    def read(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Stream the files in order; the first failure is kept for `explain_failures`."""
        try:
            for image, data in zip(ids, self._images.stream(ids), strict=True):
                yield make_native(image, data)
        except Exception as error:
            self._failure = error
            raise

    def decode(self, element: tf.Tensor) -> tf.Tensor:
        """Decode and resize one file."""
        return decode_pixels(element, self.size)

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
            for image, data in zip(ids, self._images.stream(ids), strict=True):
                if not can_decode(make_native(image, data)):
                    raise undecodable(image, data) from None
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
        self.signature = tf.TensorSpec(shape, tf.uint8)
        self._streamed = streamed
        self._pixels = np.empty((len(ids), *shape), np.uint8)
        self._positions = {image: position for position, image in enumerate(ids)}
        self._kept: set[str] = set()

    def read(self, ids: Sequence[str]) -> Iterator[npt.NDArray[np.uint8]]:
        """Look the images up; stream and keep those that are not here yet."""
        arriving = _decode_each(self._streamed, [image for image in ids if image not in self._kept])
        for image in ids:
            pixels = self._pixels[self._positions[image]]
            if image not in self._kept:
                pixels[:] = next(arriving)
                self._kept.add(image)
            yield pixels

    def decode(self, element: tf.Tensor) -> tf.Tensor:
        """Hand on what is decoded already."""
        return element

    def explain_failures(self, ids: Sequence[str]) -> AbstractContextManager[None]:
        """Raise what really went wrong, see `StreamedPixels.explain_failures`."""
        return self._streamed.explain_failures(ids)


def _decode_each(streamed: StreamedPixels, ids: Sequence[str]) -> Iterator[npt.NDArray[np.uint8]]:
    if not ids:
        return iter(())
    elements = tf.data.Dataset.from_generator(lambda: streamed.read(ids), output_signature=streamed.signature)
    decoded = elements.map(streamed.decode, num_parallel_calls=tf.data.AUTOTUNE)
    return iter(decoded.prefetch(tf.data.AUTOTUNE).as_numpy_iterator())


def open_pixels(images: ImageStream, ids: Sequence[str], size: int, memory_cache_mb: int) -> Pixels:
    """Keep the images in memory if all of them fit, else stream them whenever they are read."""
    streamed = StreamedPixels(images, size)
    if len(ids) * size * size * 3 > memory_cache_mb * 2**20:
        return streamed
    return KeptPixels(streamed, ids)
