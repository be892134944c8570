"""Sensitivity and specificity at chosen points, against thresholds tried one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.pipelines.reporting.scores.operating_points import (
    choose_points,
    sensitivity,
    sensitivity_at,
    specificity,
    specificity_at,
)

LABELS = np.array([0, 0, 0, 0, 1, 1])
SCORES = np.array([0.1, 0.2, 0.6, 0.3, 0.7, 0.3])
PROBABILITIES = np.column_stack([1 - SCORES, SCORES])
ONCE = np.ones((1, 6))


def test_by_hand() -> None:
    assert sensitivity(LABELS, PROBABILITIES, ONCE) == [0.5]
    assert specificity(LABELS, PROBABILITIES, ONCE) == [0.75]
    # To find both, 0.3 has to be flagged too, and with it 0.6 and the other 0.3.
    assert specificity_at(LABELS, PROBABILITIES, ONCE, 0.8) == [0.5]
    assert specificity_at(LABELS, PROBABILITIES, ONCE, 0.5) == [1.0]
    assert sensitivity_at(LABELS, PROBABILITIES, ONCE, 0.9) == [0.5]
    assert sensitivity_at(LABELS, PROBABILITIES, ONCE, 0.5) == [1.0]


def test_rows_count_as_often_as_they_weigh() -> None:
    weights = np.array([[1.0, 1, 2, 0, 3, 1]])
    assert sensitivity(LABELS, PROBABILITIES, weights) == [0.75]
    assert specificity(LABELS, PROBABILITIES, weights) == [0.5]


@st.composite
def scored_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rest = draw(st.lists(st.integers(0, 1), max_size=20))
    labels = np.array([0, 1, *rest])
    scores = draw(
        st.lists(st.sampled_from([0, 0.1, 0.4, 0.5, 0.9, 1]), min_size=len(labels), max_size=len(labels))
    )
    return labels, np.array(scores)


@given(scored_rows(), st.sampled_from([0.25, 0.5, 0.8, 0.9]))
@settings(max_examples=100, deadline=None)
def test_no_threshold_does_better(rows: tuple[np.ndarray, np.ndarray], required: float) -> None:
    labels, scores = rows
    flagged = [scores >= threshold for threshold in [*np.unique(scores), 2]]
    found = [(np.mean(one[labels == 1]), 1 - np.mean(one[labels == 0])) for one in flagged]
    probabilities, once = np.column_stack([1 - scores, scores]), np.ones((1, len(labels)))
    best = max(sensitive for sensitive, specific in found if specific >= required)
    assert sensitivity_at(labels, probabilities, once, required) == pytest.approx([best])
    best = max(specific for sensitive, specific in found if sensitive >= required)
    assert specificity_at(labels, probabilities, once, required) == pytest.approx([best])


def test_points_are_named_by_what_is_required() -> None:
    assert list(choose_points([0.9, 0.975])) == [
        "sensitivity",
        "specificity",
        "sensitivity_at_specificity_90",
        "specificity_at_sensitivity_90",
        "sensitivity_at_specificity_97.5",
        "specificity_at_sensitivity_97.5",
    ]
