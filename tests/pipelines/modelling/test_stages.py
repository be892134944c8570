import keras
import numpy as np
import pytest

from mayo_kedro.pipelines.modelling.devices import open_devices
from mayo_kedro.pipelines.modelling.folds import split_fold
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pixels import open_pixels
from mayo_kedro.pipelines.modelling.reading import Order
from mayo_kedro.pipelines.modelling.stages import fit_stages
from mayo_kedro.pipelines.modelling.training import Training, take_up

from .conftest import EventList


@pytest.fixture
def fit(splits, columns, images, checkpoints):
    """Train a network of eight numbers: the mean colour decides."""

    def train(**settings):
        parameters = ModellingParameters(
            **({"image_size": 32, "batch_size": 4, "validation_share": 0.5} | settings)
        )
        pixels = open_pixels(images, splits["image"].tolist(), 32, 1)
        devices = open_devices("auto")
        training = Training(
            parameters, columns.ordered_classes, pixels, None, EventList(), checkpoints, devices
        )
        tables = split_fold(splits, 0, columns, parameters)
        keras.utils.set_random_seed(0)
        inputs = keras.Input((32, 32, 3), dtype="uint8")
        means = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
        network = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(means))
        history = fit_stages(training, take_up(training, tables, 0, "fold_0", network, network), network)
        return history, network, pixels, tables

    return train


def validation_loss(network, pixels, tables) -> float:
    images = np.concatenate(
        [part for _, part, _ in pixels.read(tables.validation["image"].tolist(), Order(8)).epoch()]
    )
    probabilities = network.predict(images, verbose=0)
    labels = tables.validation["int_labels"].to_numpy()
    losses = -np.log(probabilities[np.arange(len(labels)), labels])
    return float(np.mean([losses[labels == label].mean() for label in (0, 1)]))


@pytest.mark.parametrize("rates", [(0.05, 1.0), (1e-6, 0.05)])
def test_the_best_weights_of_either_stage_are_kept(fit, rates):
    history, network, pixels, tables = fit(
        frozen_epochs=4,
        fine_tune_epochs=4,
        frozen_learning_rate=rates[0],
        fine_tune_learning_rate=rates[1],
    )
    kept = validation_loss(network, pixels, tables)
    assert kept == pytest.approx(history["val_loss"].min(), rel=1e-4)
    assert history["val_loss"].max() > kept * 1.01


def test_weights_of_the_first_stage_come_back_when_the_second_is_worse(fit, images):
    """Every image is the same, so that a huge step can only move away from even odds."""
    for image in images.files:
        images.files[image] = images.files["000_0"]
    history, network, pixels, tables = fit(
        frozen_epochs=40,
        fine_tune_epochs=2,
        frozen_learning_rate=0.02,
        fine_tune_learning_rate=1.0,
        early_stopping_patience=40,
    )
    best = history.groupby("stage")["val_loss"].min()
    assert best["fine_tune"] > best["frozen"]
    assert validation_loss(network, pixels, tables) == pytest.approx(best["frozen"], rel=1e-4)


def test_a_stage_ends_when_the_validation_loss_no_longer_falls(fit, images):
    for image in images.files:
        images.files[image] = images.files["000_0"]
    history, *_ = fit(
        frozen_epochs=2,
        fine_tune_epochs=40,
        early_stopping_patience=2,
        fine_tune_learning_rate=1.0,
    )
    tuned = history[history["stage"] == "fine_tune"]
    assert len(tuned) < 40
    assert tuned["epoch"].tolist() == list(range(2, 2 + len(tuned)))
    assert tuned["val_loss"].argmin() == len(tuned) - 3


def test_without_validation_every_epoch_runs(fit):
    history, *_ = fit(frozen_epochs=0, fine_tune_epochs=3, validation_share=0)
    assert history["stage"].tolist() == ["fine_tune"] * 3
    assert "val_loss" not in history


@pytest.mark.parametrize(("weighted", "expected"), [(True, 1 / 2), (False, 2 / 3)])
def test_class_weights_make_the_classes_count_the_same(fit, images, weighted, expected):
    """Two of three images are red: a network that cannot see leans to red unless they are weighed."""
    for image in images.files:
        images.files[image] = images.files["000_0"]
    _, network, pixels, _ = fit(
        frozen_epochs=40,
        fine_tune_epochs=0,
        frozen_learning_rate=0.02,
        validation_share=0,
        class_weights=weighted,
    )
    ((_, seen, _),) = pixels.read(["000_0"], Order(1)).epoch()
    assert float(network.predict(seen, verbose=0)[0, 1]) == pytest.approx(expected, abs=0.06)
