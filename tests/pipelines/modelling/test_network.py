from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.augmentation import add_augmentation
from mayo_kedro.pipelines.modelling.lite import build_lite
from mayo_kedro.pipelines.modelling.network import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    build_backbone,
    build_network,
    correct_normalization,
    freeze_backbone,
    load_backbone_weights,
    unfreeze_stages,
)
from mayo_kedro.pipelines.modelling.parameters import BACKBONES, Augmentation, ModellingParameters
from mayo_kedro.sandbox.weights import export_weights

PARAMETERS = ModellingParameters(image_size=32)


@dataclass
class WeightsFile:
    path: Path
    name: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    export_weights(folder)
    return folder


@pytest.fixture(scope="module")
def weights(folder) -> WeightsFile:
    return WeightsFile(folder / "efficientnet_lite0.h5", "efficientnet_lite0.h5")


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    return build_lite("EfficientNetLite0", 32)


@pytest.fixture(scope="module")
def network(weights) -> keras.Model:
    keras.utils.set_random_seed(1)  # its head is random
    return build_network(PARAMETERS, 3, weights)


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)


def test_takes_bytes_and_gives_probabilities(network, batch):
    probabilities = network.predict(batch, verbose=0)
    assert network.inputs[0].dtype == "uint8"
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (4, 3)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert np.ptp(probabilities, axis=0).max() > 0.01


def test_saves_with_stock_layers_and_predicts_the_same_when_loaded(network, batch, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert np.allclose(loaded.predict(batch, verbose=0), network.predict(batch, verbose=0), atol=1e-6)
    modules = {type(layer).__module__.split(".")[0] for layer in loaded._flatten_layers()}
    assert modules == {"keras"}


def test_training_keeps_the_statistics_of_pretrained_weights(weights, batch):
    network = build_network(PARAMETERS, 3, weights)
    unfreeze_stages(network, 1)
    trainer = add_augmentation(network, Augmentation())
    statistics = [weight for weight in network.non_trainable_weights if "moving" in weight.name]
    before = [keras.ops.convert_to_numpy(value) for value in statistics]
    kernel = np.array(network.get_layer("backbone").get_layer("top_conv").kernel)
    trainer.compile("sgd", "sparse_categorical_crossentropy")
    trainer.fit(batch, np.array([0, 1, 2, 0]), verbose=0)
    assert all((np.array(new) == old).all() for new, old in zip(statistics, before, strict=True))
    assert (np.array(network.get_layer("backbone").get_layer("top_conv").kernel) != kernel).any()


def test_a_random_start_learns_the_statistics(batch):
    network = build_network(PARAMETERS, 3)
    network(batch, training=True)
    assert np.array(network.get_layer("backbone").get_layer("stem_bn").moving_mean).any()


@pytest.mark.parametrize(
    ("count", "stem", "stage_six", "stage_seven"),
    [(1, False, False, True), (2, False, True, True), (7, False, True, True), ("all", True, True, True)],
)
def test_unfreezes_the_last_stages_but_no_batch_normalisation(network, count, stem, stage_six, stage_seven):
    unfreeze_stages(network, count)
    trained = {weight.path.split("/")[-2] for weight in network.trainable_weights}
    assert {"stem_conv" in trained, "block6a_dwconv" in trained} == {stem, stage_six}
    assert {"block7a_dwconv" in trained, "top_conv" in trained} == {stage_seven}
    assert ("block1a_dwconv" in trained) == (count in (7, "all"))
    assert not any(name.endswith("bn") for name in trained)
    freeze_backbone(network)
    assert len(network.trainable_weights) == 2


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_exported_lite_weights_load_layer_by_layer(folder, variant):
    backbone = build_lite(f"EfficientNetLite{variant}", 32)
    name = f"efficientnet_lite{variant}.h5"
    load_backbone_weights(backbone, WeightsFile(folder / name, name), "lite")
    with h5py.File(folder / name) as file:
        saved = [str(layer) for layer in file.attrs["layer_names"] if len(file[layer].attrs["weight_names"])]
    assert [layer.name for layer in backbone.layers if layer.weights] == saved
    assert saved[:4] == ["stem_conv", "stem_bn", "block1a_dwconv", "block1a_bn"]
    assert saved[-2:] == ["top_conv", "top_bn"]


def test_pretrained_lite_tells_pictures_apart(network):
    """Features of natural weights differ between a smooth ramp and noise, and are not negative."""
    ramp = np.tile(np.linspace(0, 255, 32)[None, :, None], (32, 1, 3))
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    features = network.get_layer("backbone").predict(np.stack([ramp, noise]), verbose=0).mean((1, 2))
    assert features.min() >= 0
    assert features.max() <= 6
    assert np.corrcoef(features)[0, 1] < 0.9


def wrong_files(folder: Path) -> dict[str, bytes]:
    lite1 = (folder / "efficientnet_lite1.h5").read_bytes()
    return {"other.h5": lite1, "empty.h5": b"", "text.h5": b"weights", "cut.h5": lite1[:9999]}


@pytest.mark.parametrize("kind", ["other.h5", "empty.h5", "text.h5", "cut.h5"])
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras", ".pth"])
def test_wrong_weights_are_refused_with_the_setting_to_change(folder, backbone, tmp_path, kind, suffix):
    path = tmp_path / "0a1b2c"
    path.write_bytes(wrong_files(folder)[kind])
    with pytest.raises(UserError, match=r"my\S+ does not hold the weights of EfficientNetLite0") as raised:
        load_backbone_weights(backbone, WeightsFile(path, f"my{suffix}"), "EfficientNetLite0")
    assert "modelling.backbone" in raised.value.remedy
    assert len(str(raised.value).splitlines()) == 2


def test_file_that_leaves_a_layer_untouched_is_refused(backbone, tmp_path):
    """What the network holds already stands for layers that a file does not reach."""
    backbone.save_weights(tmp_path / "same.weights.h5")
    with pytest.raises(UserError, match="some layers are not in the file"):
        load_backbone_weights(
            backbone, WeightsFile(tmp_path / "same.weights.h5", "same.weights.h5"), "EfficientNetLite0"
        )


def test_failures_to_fetch_the_weights_come_through(backbone):
    class Unreachable:
        name = "lite.h5"

        @property
        def path(self):
            raise ConnectionError("no route")

    with pytest.raises(ConnectionError, match="no route"):
        load_backbone_weights(backbone, Unreachable(), "EfficientNetLite0")


def test_official_weights_normalise_as_imagenet_did(tmp_path):
    """Files of EfficientNetB0 to B7 hold deviations as variances, and Keras mends it only by name."""
    official = build_backbone("EfficientNetB0", 32)
    find_normalization(official).adapt_mean.assign(IMAGENET_MEAN)
    find_normalization(official).adapt_variance.assign(IMAGENET_DEVIATION)
    path = tmp_path / "efficientnetb0_notop.h5"
    official.save(path)  # the layout of the official files
    backbone = build_backbone("EfficientNetB0", 32)
    load_backbone_weights(backbone, WeightsFile(path, path.name), "EfficientNetB0")
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    first_layers = keras.Model(backbone.input, find_normalization(backbone).output)
    first_layers.save(tmp_path / "saved.keras")
    for model in (first_layers, keras.saving.load_model(tmp_path / "saved.keras")):
        expected = (image / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION
        assert np.allclose(model.predict(image, verbose=0), expected, atol=1e-4)


def test_other_statistics_of_the_inputs_are_left_alone():
    images = keras.Input((32, 32, 3))
    normalization = keras.layers.Normalization()
    model = keras.Model(images, normalization(images))
    normalization.adapt_variance.assign([4.0, 4.0, 4.0])
    correct_normalization(model)
    assert np.allclose(normalization.adapt_variance, 4)


def find_normalization(model: keras.Model) -> keras.layers.Normalization:
    return next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))


def test_every_backbone_name_is_one_that_keras_or_this_project_builds():
    assert all("Lite" in name or callable(getattr(keras.applications, name)) for name in BACKBONES)


def test_version_two_has_stages_to_unfreeze():
    network = build_network(PARAMETERS.model_copy(update={"backbone": "EfficientNetV2B0"}), 2)
    unfreeze_stages(network, 1)
    trained = {weight.path.split("/")[-2] for weight in network.trainable_weights}
    assert "top_conv" in trained
    assert any(name.startswith("block6") for name in trained)
    assert not any(name.startswith("block5") for name in trained)
