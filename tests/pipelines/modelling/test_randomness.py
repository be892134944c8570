import keras
import numpy as np
import pytest

from mayo_kedro.pipelines.modelling.augmentation import add_augmentation
from mayo_kedro.pipelines.modelling.parameters import Augmentation
from mayo_kedro.pipelines.modelling.randomness import Randomness

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
