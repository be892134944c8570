"""The colours of images, as six numbers each."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf


def measure_colours(images: tf.Tensor) -> npt.NDArray[np.float32]:
    """Measure what a network's features tell little of: it learns to see through stains and light.

    Args:
        images: uint8, (images, …, 3), as a network sees them.

    Returns:
        The mean of red, green and blue over each image, then their standard deviations, all in levels from 0
        to 255: (images, 6).
    """
    places = tf.reshape(tf.cast(images, tf.float32), (tf.shape(images)[0], -1, 3))
    mean, variance = tf.nn.moments(places, axes=1)
    return np.asarray(tf.concat([mean, tf.sqrt(variance)], axis=1).numpy(), np.float32)
