"""How far is far: the threshold comes from other patients' held-out images, and holds its promised rate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.pipelines.prediction.likeness import make_reference, normalise

FEATURES = 6


def draw(generator, images):
    return normalise(1 + 0.3 * generator.normal(size=(images, FEATURES)))


def name(patients, images_each=1):
    return np.repeat([f"p{number}" for number in range(patients)], images_each)


@pytest.mark.parametrize("quantile", [0.8, 0.95])
@pytest.mark.parametrize("nearest", [1, 5])
def test_images_like_the_held_out_ones_are_refused_at_the_rate_of_the_quantile(quantile, nearest):
    generator = np.random.default_rng(7)
    beyond = []
    for _ in range(40):
        reference = make_reference(draw(generator, 60), name(60), nearest, quantile)
        beyond.append(np.mean(reference.measure(draw(generator, 200)) >= 1))
    # The mean of 40 draws of the reference; its standard error is below 0.01.
    assert np.mean(beyond) == pytest.approx(1 - quantile, abs=0.03)


@given(
    seed=st.integers(0, 1000),
    patients=st.integers(2, 12),
    images_each=st.integers(1, 3),
    nearest=st.integers(1, 40),
    quantile=st.floats(0.01, 0.999),
)
@settings(max_examples=40, deadline=None)
def test_of_the_held_out_images_themselves_at_most_the_promised_share_is_beyond(
    seed, patients, images_each, nearest, quantile
):
    points, whose = draw(np.random.default_rng(seed), patients * images_each), name(patients, images_each)
    reference = make_reference(points, whose, nearest, quantile)
    left_out = []
    for row, patient in enumerate(whose):
        distances = np.sort(np.linalg.norm(points[whose != patient] - points[row], axis=1))
        left_out.append(distances[min(nearest, len(distances)) - 1])
    beyond = np.array(left_out) > reference.threshold + 1e-9
    assert beyond.mean() <= 1 - quantile + 1e-9
    assert min(left_out) - 1e-9 <= reference.threshold <= max(left_out) + 1e-9


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_neither_the_length_of_features_nor_the_order_of_images_counts(seed, scale):
    generator = np.random.default_rng(seed)
    points, new, whose = draw(generator, 16), draw(generator, 5), name(8, 2)
    order = generator.permutation(16)
    expected = make_reference(points, whose, 2, 0.9).measure(new)
    shuffled = make_reference(normalise(points[order] * scale), whose[order], 2, 0.9)
    np.testing.assert_allclose(shuffled.measure(normalise(new * 3)), expected)


def test_a_patients_own_images_do_not_make_its_neighbours_near():
    """Copies of each image would make the threshold 0 if a patient's own images counted."""
    points, whose = draw(np.random.default_rng(3), 20), name(20)
    once = make_reference(points, whose, 1, 0.9)
    twice = make_reference(np.concatenate([points, points]), np.concatenate([whose, whose]), 1, 0.9)
    assert twice.threshold == pytest.approx(once.threshold, rel=0.2)
    assert twice.threshold > 0


def test_farther_directions_have_larger_distances():
    points = draw(np.random.default_rng(1), 30)
    middle = points.mean(axis=0)
    away = np.array([1.0, -1.0] * (FEATURES // 2)) * np.linalg.norm(middle)
    steps = normalise([(1 - share) * middle + share * away for share in (0, 0.3, 0.6, 1)])
    measured = make_reference(points, name(30), 1, 0.99).measure(steps)
    assert list(measured) == sorted(measured)
    assert measured[0] < 1 < measured[-1]


def test_features_that_are_all_zero_are_far_and_no_error():
    reference = make_reference(draw(np.random.default_rng(1), 10), name(10), 3, 0.9)
    assert reference.measure(normalise(np.zeros((2, FEATURES)))).min() > 1
