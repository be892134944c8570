"""A network that looks at several tiles of an image and learns which of them tell something."""

import keras
from keras import ops

from mayo_kedro.pipelines.modelling.interfaces import BackboneWeights
from mayo_kedro.pipelines.modelling.network import build_backbone, load_backbone_weights
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters

WIDTH = 128
"""Numbers by which attention judges a tile."""

NOTHING = -1e9
"""Score of a tile without any structure, which no other tile can fall below."""


def build_tile_network(
    parameters: ModellingParameters, class_count: int, weights: BackboneWeights | None = None
) -> keras.Model:
    """Build a network with one backbone for all tiles and gated attention over them.

    This is attention-based multiple-instance learning (Ilse et al. 2018, arxiv.org/abs/1802.04712): the
    image's features are the mean of its tiles', weighted by what a small network thinks of each tile.

    Args:
        parameters: settings; the backbone, the size and number of the tiles and the dropout count here.
        class_count: classes to tell apart.
        weights: pretrained weights of the backbone without its top, or None.

    Returns:
        A model from tiles (batch, tiles, size, size, 3), uint8, to probabilities (batch, class_count),
        float32. Its layer "attention" gives the tiles' shares (batch, tiles), which add up to 1.

    Raises:
        UserError: the weights are not those of the backbone.
    """
    size, tiles = parameters.image_size, parameters.tiles
    backbone = build_backbone(parameters.backbone, size)
    if weights is not None:
        load_backbone_weights(backbone, weights, parameters.backbone)
    images = keras.Input((tiles, size, size, 3), dtype="uint8", name="image")
    pixels = keras.layers.Rescaling(1.0, dtype="float32", name="pixels")(images)
    singly = ops.reshape(pixels, (-1, size, size, 3))
    features = backbone(singly) if weights is None else backbone(singly, training=False)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    embedded = ops.reshape(pooled, (-1, tiles, pooled.shape[-1]))
    attention = _attend(embedded, pixels)
    mean = ops.squeeze(ops.matmul(ops.expand_dims(attention, 1), ops.cast(embedded, "float32")), 1)
    dropped = keras.layers.Dropout(parameters.dropout, dtype="float32", name="dropout")(mean)
    head = keras.layers.Dense(class_count, activation="softmax", dtype="float32", name="probabilities")
    return keras.Model(images, head(dropped), name="classifier")


def _attend(embedded: keras.KerasTensor, pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Score each tile by a gated layer; bare background, which is of a single colour, counts for nothing."""
    content = keras.layers.Dense(WIDTH, activation="tanh", dtype="float32", name="attention_content")(
        embedded
    )
    gate = keras.layers.Dense(WIDTH, activation="sigmoid", dtype="float32", name="attention_gate")(embedded)
    scores = keras.layers.Dense(1, dtype="float32", name="attention_score")(content * gate)
    range_ = ops.max(pixels, axis=(2, 3)) - ops.min(pixels, axis=(2, 3))
    is_bare = ops.cast(ops.max(range_, axis=-1) < 0.5, "float32")
    masked = ops.squeeze(scores, -1) + is_bare * NOTHING
    return keras.layers.Softmax(dtype="float32", name="attention")(masked)
