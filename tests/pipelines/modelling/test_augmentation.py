import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.pipelines.modelling.augmentation import (
    Augment,
    enlarging_matrices,
    hue_matrices,
    saturation_matrices,
)
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


@pytest.mark.parametrize("change", ["brightness", "contrast", "saturation", "hue", "stain", "crop"])
def test_each_strength_changes_images_by_the_seed_and_stays_in_range(batch, change):
    changed = augment(batch, **{change: 0.3})
    assert changed.min() >= 0
    assert changed.max() <= 255
    assert (changed == augment(batch, **{change: 0.3})).all()
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


def test_a_crop_shows_a_part_of_the_image_as_large_as_the_whole():
    """On a slope of brightness the part tells by its ends where it was cut."""
    slope = np.repeat(np.linspace(0, 248, 32)[None, :, None, None], 64, axis=0)
    image = np.broadcast_to(slope, (64, 32, 32, 3)).astype(np.float32)
    cropped = augment(image, crop=0.4)
    top, bottom = cropped[:, 0, 0, 0] / 248, cropped[:, -1, 0, 0] / 248
    assert (np.diff(cropped, axis=1) > 0).all()
    assert np.abs(np.diff(cropped, axis=2)).max() < 1e-2
    shares = bottom - top
    assert shares.min() > 0.6 - 1e-3
    assert np.ptp(shares) > 0.3
    # Anywhere: at the beginning, in the middle and at the end.
    assert np.ptp(top / (1 - shares)) > 0.8


@settings(deadline=None, max_examples=40)
@given(before=st.floats(0, 0.5, width=32), kept=st.floats(0.5, 1, width=32), size=st.integers(2, 40))
def test_enlarging_averages_neighbours(before, kept, size):
    (weights,) = np.array(enlarging_matrices(np.array([[before]]), np.array([[kept]]), size))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert weights.min() >= 0
    assert (np.count_nonzero(weights > 1e-5, axis=1) <= 2).all()


def test_all_of_a_line_is_the_line_itself():
    assert np.allclose(
        np.array(enlarging_matrices(np.zeros((1, 1)), np.ones((1, 1)), 9))[0], np.eye(9), atol=1e-5
    )
