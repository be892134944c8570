import math

import keras
import numpy as np
import pytest

from mayo_kedro.pipelines.modelling.augmentation import Augment, hue_matrices, saturation_matrices
from mayo_kedro.pipelines.modelling.parameters import Augmentation

NOTHING = {"flips": False, "quarter_turns": False, "brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    """64 times the same picture, whose eight symmetric copies all differ."""
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3))
    return np.repeat(picture[None], 64, axis=0).astype(np.uint8)


def augment(batch, **changes) -> np.ndarray:
    keras.utils.set_random_seed(0)
    return np.array(Augment(Augmentation(**(NOTHING | changes)))(batch, training=True))


def test_only_training_changes_anything(batch):
    layer = Augment(Augmentation())
    assert (np.array(layer(batch, training=False)) == batch).all()
    assert (np.array(layer(batch, training=True)) != batch).any()
    assert np.allclose(augment(batch), batch, atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [({"flips": True}, 4), ({"quarter_turns": True}, 4), ({"flips": True, "quarter_turns": True}, 8)],
)
def test_turned_and_mirrored_images_are_the_symmetries_of_the_square(batch, changes, kinds):
    symmetries = [np.rot90(copy, turns) for copy in (batch[0], batch[0][::-1]) for turns in range(4)]
    found = {
        next(number for number, symmetry in enumerate(symmetries) if np.allclose(image, symmetry, atol=1e-3))
        for image in augment(batch, **changes)
    }
    assert len(found) == kinds
    if changes == {"quarter_turns": True}:
        assert found == {0, 1, 2, 3}


@pytest.mark.parametrize("change", ["brightness", "contrast", "saturation", "hue"])
def test_each_strength_changes_colours_and_stays_in_range(batch, change):
    changed = augment(batch, **{change: 0.3})
    assert changed.min() >= 0
    assert changed.max() <= 255
    assert len({round(float(image.std()), 3) + round(float(image.mean()), 3) for image in changed}) > 32


def test_brightness_shifts_by_at_most_its_share_of_the_range():
    grey = np.full((64, 4, 4, 3), 128, np.uint8)
    shifts = augment(grey, brightness=0.1).mean((1, 2, 3)) - 128
    assert 15 < np.abs(shifts).max() <= 25.5


def test_grey_stays_grey_under_hue_and_saturation():
    grey = np.array([90.0, 90.0, 90.0])
    values = np.linspace(-1, 1, 5, dtype=np.float32).reshape(-1, 1, 1)
    assert np.allclose(np.array(hue_matrices(values)) @ grey, grey, atol=1e-3)
    assert np.allclose(np.array(saturation_matrices(1 + values)) @ grey, grey, atol=1e-3)


def test_a_third_of_the_circle_turns_red_into_green():
    angle = np.full((1, 1, 1), 2 * math.pi / 3, np.float32)
    assert np.allclose(np.array(hue_matrices(angle))[0] @ [255, 0, 0], [0, 255, 0], atol=1e-3)


def test_no_saturation_leaves_the_luma():
    grey = np.array(saturation_matrices(np.zeros((1, 1, 1), np.float32)))[0] @ [100, 200, 50]
    assert np.allclose(grey, 0.299 * 100 + 0.587 * 200 + 0.114 * 50, atol=1e-3)
