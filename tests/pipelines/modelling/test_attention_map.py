"""The map holds the terms of the network's own score, at the place where they come from."""

import keras
import numpy as np
import pytest

from mayo_kedro.pipelines.modelling.attention_map import compare_classes, map_evidence
from mayo_kedro.pipelines.modelling.network import build_network
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters


@pytest.mark.parametrize("classes", [2, 3])
def test_evidence_and_bias_add_up_to_what_the_network_predicts(classes: int) -> None:
    keras.utils.set_random_seed(3)
    parameters = ModellingParameters(backbone="EfficientNetLite0", image_size=64)
    network = build_network(parameters, classes)
    head = network.get_layer("probabilities")
    kernel, _ = head.get_weights()
    bias = np.linspace(-0.4, 0.7, classes)
    head.set_weights([kernel * 30, bias])
    images = np.random.default_rng(3).integers(0, 256, (2, 64, 64, 3), np.uint8)

    evidence = map_evidence(network, images)

    assert evidence.shape == (2, 2, 2, classes)
    np.testing.assert_allclose(evidence.sum(axis=-1), 0, atol=1e-4)
    logits = compare_classes(np.log(network.predict_on_batch(images)))
    np.testing.assert_allclose(
        evidence.sum(axis=(1, 2)) + compare_classes(bias), logits, rtol=1e-3, atol=1e-3
    )


def test_evidence_lies_where_the_network_looks() -> None:
    """A network that scores the red of 8-pixel squares for class 1 and their blue for class 0."""
    image = keras.Input((32, 32, 3), dtype="uint8")
    squares = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(image))
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(squares)
    head = keras.layers.Dense(2, activation="softmax", name="probabilities")
    network = keras.Model(image, head(pooled))
    head.set_weights([np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]), np.zeros(2)])
    picture = np.zeros((1, 32, 32, 3), np.uint8)
    picture[0, 8:16, 24:32, 0] = 255
    picture[0, 24:32, 0:8, 2] = 255

    evidence = map_evidence(network, picture)[0, :, :, 1]

    expected = np.zeros((4, 4))
    expected[1, 3], expected[3, 0] = 1 / 16, -1 / 16
    np.testing.assert_allclose(evidence, expected, atol=1e-6)
