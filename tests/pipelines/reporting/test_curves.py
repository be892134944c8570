"""The curves agree with scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn_metrics
from sklearn.calibration import calibration_curve

from mayo_kedro.pipelines.reporting.scores import curves


@st.composite
def scored_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rows = draw(st.integers(2, 40))
    positive = draw(arrays(np.bool_, rows))
    positive[:2] = [True, False]
    return positive, draw(arrays(np.float64, rows, elements=st.sampled_from([0, 0.1, 0.5, 0.55, 0.9, 1])))


@settings(max_examples=80, deadline=None)
@given(scored_rows())
def test_roc_curve(rows: tuple[np.ndarray, np.ndarray]) -> None:
    positive, scores = rows
    false_rates, true_rates, _ = sklearn_metrics.roc_curve(positive, scores, drop_intermediate=False)
    found_false, found_true = curves.roc_curve(positive, scores, np.ones((1, len(scores))))
    assert found_false[0] == pytest.approx(false_rates)
    assert found_true[0] == pytest.approx(true_rates)


@settings(max_examples=80, deadline=None)
@given(scored_rows())
def test_average_precision(rows: tuple[np.ndarray, np.ndarray]) -> None:
    positive, scores = rows
    recall, precision = curves.precision_recall_curve(positive, scores)
    expected = sklearn_metrics.average_precision_score(positive, scores)
    assert curves.average_precision(recall, precision) == pytest.approx(expected)


def test_reliability_curve_leaves_out_empty_ranges() -> None:
    draw = np.random.default_rng(3)
    scores = draw.uniform(0.3, 1, 200)
    happened = draw.uniform(size=200) < scores
    means, shares, counts = curves.reliability_curve(happened, scores, 5)
    expected_shares, expected_means = calibration_curve(happened, scores, n_bins=5)
    assert shares == pytest.approx(expected_shares)
    assert means == pytest.approx(expected_means)
    assert len(counts) == 4
    assert counts.sum() == 200


def test_heights_grow_from_the_resampled_curve() -> None:
    positive, scores = np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1])
    heights = curves.roc_heights(
        positive, scores, np.array([[1, 1, 1, 1], [2, 1, 0, 1]]), np.array([0.25, 0.75])
    )
    assert heights == pytest.approx(np.array([[0.5, 1.0], [1.0, 1.0]]))


def test_wilson_interval_by_hand() -> None:
    low, high = curves.wilson_interval(np.array([0.0, 0.5]), np.array([10, 100]), 0.95)
    assert (low[0], high[0]) == pytest.approx((0, 0.2775), abs=1e-4)
    assert (low[1], high[1]) == pytest.approx((0.4038, 0.5962), abs=1e-4)
