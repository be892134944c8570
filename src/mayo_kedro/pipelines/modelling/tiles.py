"""The parts of an image that hold the most tissue."""

import tensorflow as tf

FAR = 30.0
"""Distance of two colours (of 256 levels a channel) from which on one is not the other's shade."""

_LEVELS = 16


def choose_tiles(pixels: tf.Tensor, size: int, count: int) -> tf.Tensor:
    """Cut an image into squares and take those with the most tissue, the richest first.

    Tissue is what differs from the background, and the background is the commonest colour of the border:
    slides are lilac or green as well as white, so that no fixed colour or saturation would do.

    Args:
        pixels: uint8, (height, width, 3).
        size: side of a tile in pixels.
        count: of tiles; where the image has fewer, tiles of the bare background are added.

    Returns:
        uint8, (count, size, size, 3).
    """
    background = find_background(pixels)
    squares = _cut(_pad(pixels, size, background), size)
    distances = tf.norm(tf.cast(squares, tf.float32) - background, axis=-1)
    tissue = tf.reduce_mean(tf.cast(distances > FAR, tf.float32), axis=(1, 2))
    found = tf.minimum(count, tf.shape(squares)[0])
    chosen = tf.gather(squares, tf.math.top_k(tissue, found).indices)
    bare = tf.cast(tf.round(background), tf.uint8) * tf.ones((count - found, size, size, 1), tf.uint8)
    tiles = tf.concat([chosen, bare], axis=0)
    tiles.set_shape((count, size, size, 3))
    return tiles


def find_background(pixels: tf.Tensor) -> tf.Tensor:
    """The mean of the commonest shade along the border.

    Args:
        pixels: uint8, (height, width, 3).

    Returns:
        float32, (3,).
    """
    border = tf.concat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]], axis=0)
    shades = tf.cast(border, tf.int32) // _LEVELS
    codes = tf.reduce_sum(shades * tf.constant([_LEVELS**2, _LEVELS, 1]), axis=1)
    _, places, counts = tf.unique_with_counts(codes)
    commonest = tf.equal(places, tf.argmax(counts, output_type=tf.int32))
    return tf.reduce_mean(tf.cast(tf.boolean_mask(border, commonest), tf.float32), axis=0)


def _pad(pixels: tf.Tensor, size: int, background: tf.Tensor) -> tf.Tensor:
    """Make height and width multiples of the tile's size, with background on all sides."""
    shape = tf.shape(pixels)[:2]
    missing = -shape % size
    before = missing // 2
    edges = tf.concat([tf.stack([before, missing - before], axis=1), [[0, 0]]], axis=0)
    mask = tf.pad(tf.ones((*tf.unstack(shape), 1), tf.uint8), edges)
    bare = tf.cast(tf.round(background), tf.uint8)
    return tf.pad(pixels, edges) + (1 - mask) * bare


def _cut(pixels: tf.Tensor, size: int) -> tf.Tensor:
    """Into squares, row by row: (squares, size, size, 3)."""
    rows, columns = (length // size for length in tf.unstack(tf.shape(pixels)[:2]))
    squares = tf.reshape(pixels, (rows, size, columns, size, 3))
    return tf.reshape(tf.transpose(squares, (0, 2, 1, 3, 4)), (rows * columns, size, size, 3))
