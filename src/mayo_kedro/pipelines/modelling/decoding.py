"""Encoded image files to pixels of one size."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.tiles import choose_tiles

# First bytes of what TensorFlow always decodes itself: PNG, JPEG and GIF.
NATIVE_BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")


def read_pixels(path: tf.Tensor, size: int) -> tf.Tensor:
    """Read a local file, decode it and resize it, within TensorFlow.

    Formats that TensorFlow does not know but Pillow does, such as TIFF, are decoded by Pillow.

    Args:
        path: of the file, a scalar string.
        size: side in pixels.

    Returns:
        uint8 of shape (size, size, 3).
    """
    return decode_pixels(_read_known(path), size)


def decode_pixels(data: tf.Tensor, size: int) -> tf.Tensor:
    """Decode a file and resize it, as uint8 (size, size, 3)."""
    pixels = _decode(data)
    shape = tf.shape(pixels)
    # Nothing to resize is the common case: images are often stored at the size they are used at.
    fits = tf.logical_and(tf.equal(shape[0], size), tf.equal(shape[1], size))
    resized = tf.cond(fits, lambda: pixels, lambda: _resize(pixels, size))
    resized.set_shape((size, size, 3))
    return resized


def read_tiles(path: tf.Tensor, size: int, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Read a local file and decode it, and take its tiles with the most tissue, see `choose_tiles`.

    Args:
        path: of the file, a scalar string.
        size: side of a tile in pixels of the file.
        count: of tiles.

    Returns:
        uint8 of shape (count, size, size, 3), and where the tiles lie, float32 of shape (count, 4).
    """
    return choose_tiles(_decode(_read_known(path)), size, count)


def _read_known(path: tf.Tensor) -> tf.Tensor:
    """Read a file, and have formats that TensorFlow does not know turned into one that it does."""
    data = tf.io.read_file(path)
    beginnings = [tf.strings.substr(data, 0, len(first)) == first for first in NATIVE_BEGINNINGS]
    is_native = tf.reduce_any(beginnings)
    return tf.cond(is_native, lambda: data, lambda: tf.numpy_function(_convert, [data], tf.string))


def _decode(data: tf.Tensor) -> tf.Tensor:
    pixels = tf.io.decode_image(data, channels=3, expand_animations=False)
    pixels.set_shape((None, None, 3))
    return pixels


def _resize(pixels: tf.Tensor, size: int) -> tf.Tensor:
    resized = tf.image.resize(pixels, (size, size), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def _convert(data: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Turn any format that Pillow knows into BMP; what is no image becomes nothing, and fails."""
    converted = io.BytesIO()
    # Objects all along: numpy's own kind of text would lose zero bytes at the end.
    encoded = np.asarray(data, np.object_).item()
    try:
        with Image.open(io.BytesIO(encoded)) as picture:
            picture.convert("RGB").save(converted, "BMP")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return np.array(b"", np.object_)
    return np.array(converted.getvalue(), np.object_)


def can_decode(path: Path) -> bool:
    """Tell whether the file decodes to its end."""
    try:
        read_pixels(str(path), 8)
    except tf.errors.InvalidArgumentError:
        return False
    return True


def undecodable(image: str, path: Path) -> UserError:
    """Make the error for a file that is damaged or no image at all."""
    length = path.stat().st_size
    size = f"{length} bytes" if length else "an empty file"
    return UserError(
        f"The image {image} cannot be decoded ({size}): it is damaged, cut short or no image.",
        "Replace the file in the repository, take its row out of the table of labels, or let "
        "modelling.unreadable_share be the share of images that may be left out.",
    )
