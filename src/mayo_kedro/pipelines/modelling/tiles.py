"""The parts of an image that hold the most tissue."""

import math

import tensorflow as tf

FAR = 30.0
"""Distance of two colours (of 256 levels a channel) from which on one is not the other's shade."""

_LEVELS = 16


def choose_tiles(pixels: tf.Tensor, size: int, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Cut an image into squares and take those with the most tissue, the richest first.

    Tissue is what differs from the background, and the background is the commonest colour of the border:
    slides are lilac or green as well as white, so that no fixed colour or saturation would do.

    Args:
        pixels: uint8, (height, width, 3).
        size: side of a tile in pixels.
        count: of tiles; where the image has fewer, tiles of the bare background are added.

    Returns:
        The tiles, uint8, (count, size, size, 3); and where they lie, float32, (count, 4): left, top, right
        and bottom in shares of the image's width and height. A tile at the edge may reach beyond it; one
        that was added has NaN.
    """
    background = find_background(pixels)
    squares = _cut(_pad(pixels, size, background), size)
    distances = tf.norm(tf.cast(squares, tf.float32) - background, axis=-1)
    tissue = tf.reduce_mean(tf.cast(distances > FAR, tf.float32), axis=(1, 2))
    found = tf.minimum(count, tf.shape(squares)[0])
    richest = tf.math.top_k(tissue, found).indices
    bare = tf.cast(tf.round(background), tf.uint8) * tf.ones((count - found, size, size, 1), tf.uint8)
    nowhere = tf.fill((count - found, 4), math.nan)
    tiles = tf.concat([tf.gather(squares, richest), bare], axis=0)
    frames = tf.concat([tf.gather(_frame(tf.shape(pixels)[:2], size), richest), nowhere], axis=0)
    return tf.ensure_shape(tiles, (count, size, size, 3)), tf.ensure_shape(frames, (count, 4))


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
    edges = tf.concat([_margins(shape, size), [[0, 0]]], axis=0)
    mask = tf.pad(tf.ones((*tf.unstack(shape), 1), tf.uint8), edges)
    bare = tf.cast(tf.round(background), tf.uint8)
    return tf.pad(pixels, edges) + (1 - mask) * bare


def _margins(shape: tf.Tensor, size: int) -> tf.Tensor:
    """How many pixels of background come before and after, down and across: (2, 2)."""
    missing = -shape % size
    return tf.stack([missing // 2, missing - missing // 2], axis=1)


def _frame(shape: tf.Tensor, size: int) -> tf.Tensor:
    """Where the squares of `_cut` lie in an image of this height and width: (squares, 4)."""
    before, after = tf.unstack(_margins(shape, size), axis=1)
    down, across = (tf.range(0, length, size) for length in tf.unstack(shape + before + after))
    top, left = (tf.reshape(places, [-1]) for places in tf.meshgrid(down, across, indexing="ij"))
    corners = tf.stack([left, top, left + size, top + size], axis=1) - tf.tile(before[::-1], [2])
    return tf.cast(corners / tf.tile(shape[::-1], [2]), tf.float32)


def _cut(pixels: tf.Tensor, size: int) -> tf.Tensor:
    """Into squares, row by row: (squares, size, size, 3)."""
    rows, columns = (length // size for length in tf.unstack(tf.shape(pixels)[:2]))
    squares = tf.reshape(pixels, (rows, size, columns, size, 3))
    return tf.reshape(tf.transpose(squares, (0, 2, 1, 3, 4)), (rows * columns, size, size, 3))
