"""The evidence holds the terms of the network's own score, at the place where they come from."""

import keras
import numpy as np
import pandas as pd
import pytest

from mayo_kedro.pipelines.modelling.calibration import Correction, correct_network
from mayo_kedro.pipelines.modelling.ensemble import average_networks
from mayo_kedro.pipelines.modelling.evidence import compare_classes, frame_cells, open_network
from mayo_kedro.pipelines.modelling.network import build_network
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pixels import open_pixels
from mayo_kedro.pipelines.modelling.predicting import (
    Predicted,
    predict,
    tabulate_embeddings,
    tabulate_evidence,
)
from mayo_kedro.pipelines.modelling.tile_network import build_tile_network

from .conftest import encode

TILES = 3


def build(recipe: str, classes: int = 2, seed: int = 3) -> keras.Model:
    """A network at random with a head that decides."""
    keras.utils.set_random_seed(seed)
    parameters = ModellingParameters(recipe=recipe, tiles=TILES, image_size=64)
    make = build_tile_network if recipe == "tiles" else build_network
    network = make(parameters, classes)
    head = network.get_layer("probabilities")
    head.set_weights([head.get_weights()[0] * 30, np.linspace(-0.4, 0.7, classes)])
    return network


def draw_noise(network: keras.Model, count: int = 2) -> np.ndarray:
    shape = (count, *network.input_shape[1:])
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def tell(network: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    told = open_network(network)(images, training=False)
    return {name: np.asarray(tensor) for name, tensor in told.items()}


def compare(logits: np.ndarray) -> np.ndarray:
    return np.asarray(compare_classes(logits))


@pytest.mark.parametrize(("recipe", "parts"), [("whole_image", 4), ("tiles", TILES)])
@pytest.mark.parametrize("classes", [2, 3])
def test_evidence_and_bias_add_up_to_what_the_network_predicts(recipe, parts, classes):
    network = build(recipe, classes)
    images = draw_noise(network)
    told = tell(network, images)
    assert told["evidence"].shape == (2, parts, classes)
    assert (told["probabilities"] == np.asarray(network(images, training=False))).all()
    np.testing.assert_allclose(told["evidence"].sum(axis=-1), 0, atol=1e-4)
    np.testing.assert_allclose(told["attention"].sum(axis=-1), 1, rtol=1e-6)
    kernel, bias = network.get_layer("probabilities").get_weights()
    logits = compare(np.log(told["probabilities"]))
    added = told["evidence"].sum(axis=1) + compare(bias)
    np.testing.assert_allclose(added, logits, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(compare(told["embeddings"] @ kernel + bias), logits, rtol=1e-3, atol=1e-3)


def test_evidence_lies_where_the_network_looks():
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
    evidence = tell(network, picture)["evidence"][0, :, 1]
    found = {tuple(frame): value for frame, value in zip(frame_cells(16).tolist(), evidence, strict=True)}
    assert found.pop((0.75, 0.25, 1.0, 0.5)) == pytest.approx(1 / 16)
    assert found.pop((0.0, 0.75, 0.25, 1.0)) == pytest.approx(-1 / 16)
    np.testing.assert_allclose(list(found.values()), 0, atol=1e-6)


def build_small(seed: int) -> keras.Model:
    """A network whose last map is a single convolution."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((32, 32, 3), dtype="uint8", name="image")
    features = keras.layers.Conv2D(4, 8, strides=8)(keras.layers.Rescaling(1 / 255)(image))
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    head = keras.layers.Dense(2, activation="softmax", name="probabilities")
    return keras.Model(image, head(keras.layers.Dropout(0.5)(pooled)))


def test_calibrated_and_averaged_networks_tell_as_well(tmp_path):
    singles = [build_small(seed) for seed in (1, 2)]
    halved = Correction(np.eye(2) / 2, np.array([0.2, -0.1]))
    network = average_networks([correct_network(single, halved) for single in singles])
    network.save(tmp_path / "network.keras")
    images = draw_noise(network)
    for one in (network, keras.saving.load_model(tmp_path / "network.keras")):
        told = tell(one, images)
        assert (told["probabilities"] == np.asarray(one(images, training=False))).all()
        parts = [tell(single, images) for single in singles]
        expected = {name: np.mean([part[name] for part in parts], axis=0) for name in told}
        expected["embeddings"] = np.concatenate([part["embeddings"] for part in parts], axis=1)
        for name in ("embeddings", "attention", "evidence"):
            np.testing.assert_allclose(told[name], expected[name], rtol=1e-5, atol=1e-6)


def test_each_tile_is_found_where_it_was_cut(images):
    """Tiles of noise lie in four places of a wide image; a table without labels is enough."""
    slide = np.full((64, 200, 3), 255, np.uint8)
    noise = np.random.default_rng(5).integers(0, 200, (64, 64, 3))
    for left in (4, 68, 132):
        slide[:, left : left + 64] = noise
    slide[:40, 132:196] = 255
    images.files["wide"] = encode(slide)
    table = pd.DataFrame({"image": ["wide"]})
    network = build("tiles")
    # The slide is padded to 256 pixels, 28 on each side.
    places = [(-28 + 64 * number) / 200 for number in range(4)]
    for cache in (0, 1):
        predicted = predict(network, open_pixels(images, ["wide"], 64, cache, tiles=TILES), table, 4)
        assert predicted.rows.tolist() == [0]
        left, top, right, bottom = predicted.frames[0].T
        np.testing.assert_allclose(left, [places[1], places[2], places[0]], atol=1e-6)
        np.testing.assert_allclose(right - left, [64 / 200] * TILES, atol=1e-6)
        assert (top.tolist(), bottom.tolist()) == ([0] * TILES, [1] * TILES)


def test_whole_images_have_the_cells_of_the_last_map(images, splits):
    pixels = open_pixels(images, splits["image"].tolist(), 32, 1)
    predicted = predict(build_small(1), pixels, splits, 5)
    assert predicted.rows.tolist() == list(range(len(splits)))
    assert predicted.embeddings.dtype == predicted.evidence.dtype == np.float32
    assert predicted.frames[3].tolist() == frame_cells(16).tolist()
    embeddings = tabulate_embeddings(splits, predicted)
    assert list(embeddings)[:4] == ["image", "patient", "fold", "feature_0"]
    assert embeddings["image"].tolist() == splits["image"].tolist()
    assert (embeddings.filter(like="feature_").to_numpy() == predicted.embeddings).all()
    assert (embeddings.filter(like="colour_").to_numpy() == predicted.colours).all()


def test_parts_that_count_for_nothing_are_not_listed():
    frames = np.array([[[0, 0, 1, 1], [0, 0, 0.5, 0.5]], [[0, 0, 1, 1], [np.nan] * 4]], np.float32)
    predicted = Predicted(
        rows=np.array([2, 0]),
        probabilities=np.full((2, 2), 0.5),
        embeddings=np.zeros((2, 1), np.float32),
        colours=np.zeros((2, 6), np.float32),
        frames=frames,
        attention=np.array([[0.25, 0.75], [1, 0]], np.float32),
        evidence=np.arange(8, dtype=np.float32).reshape(2, 2, 2),
    )
    table = pd.DataFrame({"image": ["a", "b", "c"]})
    listed = tabulate_evidence(table, predicted, ("no", "yes"))
    assert listed.to_dict("list") == {
        "image": ["c", "c", "a"],
        "left": [0, 0, 0],
        "top": [0, 0, 0],
        "right": [1, 0.5, 1],
        "bottom": [1, 0.5, 1],
        "attention": [0.25, 0.75, 1],
        "evidence_no": [0, 2, 4],
        "evidence_yes": [1, 3, 5],
    }
    assert listed.dtypes.iloc[1:].eq("float32").all()
