import random
import threading
from contextlib import contextmanager

import keras
import numpy as np
import pytest

from mayo_kedro.pipelines.modelling.augmentation import add_augmentation
from mayo_kedro.pipelines.modelling.devices import open_devices
from mayo_kedro.pipelines.modelling.parameters import Augmentation, ModellingParameters
from mayo_kedro.pipelines.modelling.randomness import Randomness
from mayo_kedro.pipelines.modelling.stages import Training
from mayo_kedro.pipelines.modelling.training import build

SETTINGS = {"seed": 1, "worker": 0, "epoch": 0, "batch": 0}


def draw(**changes) -> np.ndarray:
    """What a new network with augmentation and dropout makes of one batch."""
    told = SETTINGS | changes
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    pixels = keras.layers.Rescaling(1.0, name="pixels")(inputs)
    network = keras.Model(inputs, keras.layers.Dropout(0.5)(pixels))
    trainer = add_augmentation(network, Augmentation())
    randomness = Randomness(trainer, told["seed"], told["worker"])
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    for _ in range(told["epoch"]):
        trainer(images, training=True)
    randomness.move_to(told["epoch"], told["batch"])
    return np.asarray(trainer(images, training=True))


def test_what_was_drawn_before_has_no_effect():
    keras.utils.set_random_seed(0)
    first = draw(epoch=1)
    keras.utils.set_random_seed(99)
    assert (draw(epoch=1) == first).all()


@pytest.mark.parametrize("change", SETTINGS)
def test_seed_worker_epoch_and_batch_all_count(change):
    assert (draw(**{change: SETTINGS[change] + 1}) != draw()).any()


@contextmanager
def another_thread_that_draws():
    """As a retry of the streaming does, or the keep-alive of a connection."""
    is_over = threading.Event()

    def draw_on() -> None:
        while not is_over.wait(0.001):
            random.random()

    thread = threading.Thread(target=draw_on)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def begin(recipe: str, seed: int) -> list[np.ndarray]:
    parameters = ModellingParameters(recipe=recipe, image_size=32, tiles=2, seed=seed)
    training = Training(parameters, ("a", "b"), None, None, None, None, open_devices("auto"))
    return build(training)[0].get_weights()


@pytest.mark.parametrize("recipe", ["whole_image", "tiles"])
def test_networks_begin_alike_whatever_other_threads_draw(recipe):
    expected = begin(recipe, seed=1)
    with another_thread_that_draws():
        found = begin(recipe, seed=1)
    assert all(map(np.array_equal, found, expected))
    kernels = [weights for weights in expected if weights.ndim > 1]
    others = [weights for weights in begin(recipe, seed=2) if weights.ndim > 1]
    assert not any(map(np.array_equal, kernels, others))
