import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mayo_kedro.pipelines.modelling.augmentation import Augment
from mayo_kedro.pipelines.modelling.parameters import Augmentation
from mayo_kedro.pipelines.modelling.stains import VECTORS, restain, stain_matrices

images = arrays(np.uint8, (1, 3, 4, 3))
factors = st.tuples(*[st.floats(0.5, 1.5, width=32)] * 3)


def change(image: np.ndarray, changes: tuple[float, ...]) -> np.ndarray:
    matrices = stain_matrices(np.array([[changes]], np.float32))
    return np.array(restain(image.astype(np.float32), matrices))


def paint(amounts: tuple[float, float, float]) -> np.ndarray:
    """One pixel with so much of each stain."""
    return (256 * np.exp(-np.array(amounts) @ VECTORS) - 1).reshape(1, 1, 1, 3)


@settings(deadline=None, max_examples=40)
@given(images)
def test_no_change_is_none(image):
    np.testing.assert_allclose(change(image, (1, 1, 1)), image, atol=0.02)


@settings(deadline=None, max_examples=40)
@given(images, factors)
def test_pixels_stay_in_range_and_white_stays_white(image, changes):
    image[0, 0, 0] = 255
    changed = change(image, changes)
    assert changed.min() >= 0
    assert changed.max() <= 255
    np.testing.assert_allclose(changed[0, 0, 0], 255, atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.tuples(*[st.floats(0.05, 0.9)] * 3), factors)
def test_each_stain_is_changed_by_its_own_factor(amounts, changes):
    more = tuple(amount * factor for amount, factor in zip(amounts, changes, strict=True))
    np.testing.assert_allclose(change(paint(amounts), changes), paint(more), atol=0.05)


@settings(deadline=None, max_examples=40)
@given(images, factors)
def test_a_change_can_be_undone(image, changes):
    """But where it made a pixel as white or as black as can be."""
    changed = change(image, changes)
    inside = ((changed > 2) & (changed < 253)).all(axis=-1)
    back = change(changed, tuple(1 / factor for factor in changes))
    np.testing.assert_allclose(back[inside], image[inside], atol=1.5)


@pytest.mark.parametrize("colour", [(186, 110, 160), (234, 216, 254), (196, 211, 192)])
def test_tissue_and_tinted_glass_change_by_a_little_at_the_slight_strength(colour):
    """Glass that is lilac or green changes as if it were stained, by less than tissue does at most."""
    layer = Augment(
        Augmentation(
            flips=False, quarter_turns=False, brightness=0, contrast=0, saturation=0, hue=0, stain=0.05
        )
    )
    glass = np.broadcast_to(np.array(colour, np.uint8), (64, 2, 2, 3))
    changes = np.abs(np.array(layer(glass, training=True)) - glass)
    assert 0.1 < changes.max() < 15
