"""Where in an image a trained network sees evidence for a class."""

import keras
import numpy as np
import numpy.typing as npt

Maps = npt.NDArray[np.float32]


def map_evidence(network: keras.Model, images: npt.NDArray[np.uint8]) -> Maps:
    """Take the evidence for each class apart by place.

    The network's head is a global average pooling and one dense layer, so the score of a class is a sum
    over the places of the last features, and this map holds its terms. For such a head it is the class
    activation map (Zhou et al. 2016, arxiv.org/abs/1512.04150), and Grad-CAM before its ReLU
    (arxiv.org/abs/1610.02391) and HiResCAM (arxiv.org/abs/2011.08891) give the same, but for a factor.

    Args:
        network: made by `build_network`.
        images: (batch, size, size, 3), of the network's size.

    Returns:
        (batch, rows, columns, classes). Positive numbers speak for the class and negative ones for the
        others; of two classes, the two numbers of a place differ in sign only. Summed over all places,
        and with the head's bias, a class's numbers are its logit less the mean of the other classes';
        of two classes that is the logarithm of the odds.
    """
    features = keras.Model(network.input, network.get_layer("pool").input)
    # Called, not predicted with: `predict` would trace a new graph each time.
    places = keras.ops.convert_to_numpy(features(images, training=False)).astype(np.float32)
    kernel = np.asarray(network.get_layer("probabilities").get_weights()[0], np.float32)
    return compare_classes(places @ kernel / np.float32(places.shape[1] * places.shape[2]))


def compare_classes(logits: Maps) -> Maps:
    """Take from each class's number the mean of the other classes'.

    Args:
        logits: (..., classes).
    """
    others = logits.shape[-1] - 1
    compared: Maps = logits - (logits.sum(axis=-1, keepdims=True) - logits) / others
    return compared
