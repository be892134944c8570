"""Encoded image files to pixels of one size."""

import io

import tensorflow as tf
from PIL import Image

from mayo_kedro.errors import UserError

# First bytes of what TensorFlow always decodes itself: PNG, JPEG and GIF.
NATIVE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")


def make_native(image: str, data: bytes) -> bytes:
    """Hand on what TensorFlow decodes, and turn any other format that Pillow knows into BMP.

    Args:
        image: id of the image, for the message.
        data: the encoded file.

    Raises:
        UserError: the file is no image.
    """
    if data.startswith(NATIVE_SIGNATURES):
        return data
    converted = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.convert("RGB").save(converted, "BMP")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise undecodable(image, data) from error
    return converted.getvalue()


def decode_pixels(data: tf.Tensor, size: int) -> tf.Tensor:
    """Decode a file and resize it, as uint8 (size, size, 3)."""
    pixels = tf.io.decode_image(data, channels=3, expand_animations=False)
    pixels.set_shape((None, None, 3))
    resized = tf.image.resize(pixels, (size, size), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def can_decode(data: bytes) -> bool:
    """Tell whether TensorFlow decodes the file to its end."""
    try:
        tf.io.decode_image(data, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return False
    return True


def undecodable(image: str, data: bytes) -> UserError:
    """Make the error for a file that is damaged or no image at all."""
    size = f"{len(data)} bytes" if data else "an empty file"
    return UserError(
        f"The image {image} cannot be decoded ({size}): it is damaged, cut short or no image.",
        "Replace the file in the repository, or take its row out of the table of labels.",
    )
