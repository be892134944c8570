"""What a network makes of the parts of an image, beside its probabilities and in the same pass."""

import math

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from mayo_kedro.pipelines.modelling.ensemble import find_members

Frames = npt.NDArray[np.float32]
"""Left, top, right and bottom, in shares of the image's width and height: (..., 4)."""


def open_network(network: keras.Model) -> keras.Model:
    """Have a network tell what it sees in an image and where, beside what it predicts.

    Its head is one dense layer, and what the head gets is a mean of the features of the image's parts: of all
    cells of the last map alike, or of tiles by their attention. So the score of a class is a sum over the
    parts, and the evidence holds its terms. For a network of whole images that is the class activation map
    (Zhou et al. 2016, arxiv.org/abs/1512.04150), and Grad-CAM before its ReLU (arxiv.org/abs/1610.02391) and
    HiResCAM (arxiv.org/abs/2011.08891) give the same, but for a factor.

    Args:
        network: made by `build_network` or `build_tile_network`, calibrated or averaged with others or not,
            as it was trained or loaded from a file.

    Returns:
        A model of the same images with four outputs by name, which shares the network's weights.
        "probabilities" are what the network gives, (batch, classes).
        "embeddings" are the features that its head gets, (batch, features). Those of averaged networks lie
        one after another: each sees something of its own, and an image is strange if it is to any of them.
        "attention" is the share of each part in these, (batch, parts), which add up to 1.
        "evidence" speaks for a class where it is positive and for the others where it is negative, (batch,
        parts, classes). Summed over all parts, and with the head's bias, a class's numbers are its logit
        before any calibration, less the mean of the other classes'; of two classes that is the logarithm of
        the odds. Of averaged networks attention and evidence are averaged.
    """
    name, members = f"{network.name}_opened", find_members(network)
    if not members:
        return keras.Model(network.input, _tell(network), name=name)
    told = [open_network(member)(network.input) for member in members]
    by_output = {output: [one[output] for one in told] for output in told[0]}
    joined = {output: keras.layers.Average(dtype="float32")(given) for output, given in by_output.items()}
    joined["embeddings"] = keras.layers.Concatenate(dtype="float32")(by_output["embeddings"])
    return keras.Model(network.input, joined, name=name)


def _tell(network: keras.Model) -> dict[str, keras.KerasTensor]:
    head = network.get_layer("probabilities")
    parts, attention = _find_tiles(network) if len(network.input_shape) == 5 else _find_cells(network)
    evidence = ops.expand_dims(attention, -1) * ops.matmul(parts, head.kernel)
    return {
        "probabilities": network.output,
        "embeddings": ops.cast(head.input, "float32"),
        "attention": attention,
        "evidence": compare_classes(evidence),
    }


def _find_cells(network: keras.Model) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The features of the last map, (batch, cells, features), and the same attention for each cell."""
    features = network.get_layer("pool").input
    cells = features.shape[1] * features.shape[2]
    parts = ops.reshape(ops.cast(features, "float32"), (-1, cells, features.shape[3]))
    return parts, ops.ones_like(parts[:, :, 0]) / cells


def _find_tiles(network: keras.Model) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The features of the tiles, (batch, tiles, features), and their attention."""
    pooled = network.get_layer("pool").output
    parts = ops.reshape(ops.cast(pooled, "float32"), (-1, network.input_shape[1], pooled.shape[-1]))
    return parts, network.get_layer("attention").output


def compare_classes(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Take from each class's number the mean of the other classes'.

    Args:
        logits: (..., classes).
    """
    others = logits.shape[-1] - 1
    return logits - (ops.sum(logits, axis=-1, keepdims=True) - logits) / others


def frame_cells(cells: int) -> Frames:
    """Where the cells of the last map lie in an image, row by row: (cells, 4).

    Args:
        cells: of a square map, as images are square when a network sees them.
    """
    side = math.isqrt(cells)
    top, left = (places.ravel() / side for places in np.indices((side, side)))
    return np.stack([left, top, left + 1 / side, top + 1 / side], axis=1).astype(np.float32)
