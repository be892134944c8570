"""EfficientNet-Lite without its head, which keras.applications does not have.

Tan and Le, "EfficientNet" (arXiv:1905.11946), table 1, with the changes of the Lite family: no
squeeze-and-excitation, ReLU6 for swish, and a stem, a head, a first and a last stage that do not grow.
"""

import math
from typing import NamedTuple

import keras

STEM_FILTERS = 32
TOP_FILTERS = 1280
BATCH_NORM_EPSILON = 1e-3
PIXEL_MEAN, PIXEL_RANGE = 127.0, 128.0


class Stage(NamedTuple):
    """A row of the paper's table: blocks of one kind."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
WIDTH_AND_DEPTH = {
    "EfficientNetLite0": (1.0, 1.0),
    "EfficientNetLite1": (1.0, 1.1),
    "EfficientNetLite2": (1.1, 1.2),
}


def build_lite(name: str, image_size: int) -> keras.Model:
    """Build EfficientNet-Lite up to its last activation, called "backbone", with random weights.

    Args:
        name: "EfficientNetLite0", "EfficientNetLite1" or "EfficientNetLite2".
        image_size: side of the images in pixels.

    Returns:
        A model from float images (batch, size, size, 3) from 0 to 255 to features
        (batch, size/32, size/32, 1280).
    """
    inputs = keras.Input((image_size, image_size, 3))
    scaled = keras.layers.Rescaling(1 / PIXEL_RANGE, offset=-PIXEL_MEAN / PIXEL_RANGE)(inputs)
    features = _activate(_convolve(scaled, STEM_FILTERS, kernel=3, stride=2, name="stem"))
    for number, stage in enumerate(_scaled_stages(*WIDTH_AND_DEPTH[name]), start=1):
        for repeat in range(stage.repeats):
            block = f"block{number}{chr(ord('a') + repeat)}"
            features = _add_block(features, stage, stage.stride if repeat == 0 else 1, block)
    features = _activate(_convolve(features, TOP_FILTERS, kernel=1, stride=1, name="top"))
    return keras.Model(inputs, features, name="backbone")


def _scaled_stages(width: float, depth: float) -> list[Stage]:
    inner = range(1, len(STAGES) - 1)
    return [
        stage._replace(
            filters=_round_filters(stage.filters * width),
            repeats=math.ceil(stage.repeats * depth) if position in inner else stage.repeats,
        )
        for position, stage in enumerate(STAGES)
    ]


def _round_filters(filters: float) -> int:
    """Round to a multiple of 8 that is not more than a tenth below."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * filters else rounded + 8


def _add_block(features: keras.KerasTensor, stage: Stage, stride: int, block: str) -> keras.KerasTensor:
    inputs, filters = features, features.shape[-1]
    if stage.expansion > 1:
        expanded = filters * stage.expansion
        features = _activate(_convolve(features, expanded, 1, 1, name=f"{block}_expand"))
    features = keras.layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", use_bias=False, name=f"{block}_dwconv"
    )(features)
    features = _activate(_normalize(features, f"{block}_bn"))
    features = _convolve(features, stage.filters, 1, 1, name=f"{block}_project")
    if stride == 1 and filters == stage.filters:
        features = keras.layers.Add(name=f"{block}_add")([features, inputs])
    return features


def _convolve(
    features: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str
) -> keras.KerasTensor:
    convolution = keras.layers.Conv2D(
        filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv"
    )
    return _normalize(convolution(features), f"{name}_bn")


def _normalize(features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=name)(features)


def _activate(features: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.ReLU(max_value=6.0)(features)
