"""The metrics agree with scikit-learn's, for any weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.utils.class_weight import compute_sample_weight

from mayo_kedro.pipelines.reporting.scores import metrics


@st.composite
def judged_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels with every class, probabilities with ties, and counts that leave no class out."""
    classes = draw(st.integers(2, 4))
    rows = draw(st.integers(classes, 30))
    rest = draw(arrays(np.int64, rows - classes, elements=st.integers(0, classes - 1)))
    labels = np.concatenate([np.arange(classes), rest])
    # Few different numbers make ties; zeros make the clipping count.
    scores = draw(arrays(np.float64, (rows, classes), elements=st.sampled_from([0.0, 0.1, 0.25, 0.3, 1.0])))
    scores[scores.sum(axis=1) == 0] = 1
    counts = draw(arrays(np.float64, rows, elements=st.integers(0, 3)))
    counts[:classes] += 1
    return labels, scores / scores.sum(axis=1, keepdims=True), counts


@settings(max_examples=150, deadline=None)
@given(judged_rows())
def test_agrees_with_scikit_learn(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, probabilities, counts = rows
    classes = probabilities.shape[1]
    # scikit-learn is given each row as often as it counts.
    often = counts.astype(int)
    truth, given_probabilities = labels.repeat(often), probabilities.repeat(often, axis=0)
    named = given_probabilities.argmax(axis=1)
    clipped = np.clip(given_probabilities, 1e-15, 1 - 1e-15)
    balanced = compute_sample_weight("balanced", truth)
    of_truth = clipped[np.arange(len(truth)), truth]
    scores = given_probabilities[:, 1] if classes == 2 else given_probabilities
    expected = {
        "weighted_log_loss": np.average(-np.log(of_truth), weights=balanced),
        "auc": roc_auc_score(truth, scores, multi_class="ovr", labels=range(classes)),
        "balanced_accuracy": balanced_accuracy_score(truth, named),
        "accuracy": accuracy_score(truth, named),
        "brier_score": brier_score_loss(truth, scores, labels=range(classes)),
    }
    found = {name: score(labels, probabilities, counts[None])[0] for name, score in metrics.METRICS.items()}
    assert found == pytest.approx(expected, abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(judged_rows())
def test_log_loss_agrees_with_scikit_learn_balanced(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, probabilities, _ = rows
    inside = (probabilities + 0.05) / (probabilities + 0.05).sum(axis=1, keepdims=True)
    expected = log_loss(labels, inside, sample_weight=compute_sample_weight("balanced", labels))
    # Rows need not add up to 1: the competition rescales them.
    found = metrics.weighted_log_loss(labels, 3 * inside, np.ones((1, len(labels))))
    assert found[0] == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(judged_rows(), st.integers(1, 5))
def test_weightings_are_judged_one_by_one(rows: tuple[np.ndarray, np.ndarray, np.ndarray], many: int) -> None:
    labels, probabilities, counts = rows
    weights = np.stack([counts + number for number in range(many)])
    for score in metrics.METRICS.values():
        together = score(labels, probabilities, weights)
        assert together == pytest.approx([score(labels, probabilities, row[None])[0] for row in weights])


def test_a_sure_mistake_costs_the_clipped_probability() -> None:
    losses = metrics.log_losses(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert losses == pytest.approx([-np.log(1e-15), 0], abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "probabilities", "expected"),
    [
        ([0, 0, 1, 1], [[0.8, 0.2], [0.8, 0.2], [0.2, 0.8], [0.2, 0.8]], 0.2),
        ([0, 1, 1, 1], [[0.25, 0.75]] * 4, 0.0),
        ([0, 1], [[1.0, 0.0], [0.0, 1.0]], 0.0),
        ([0, 1, 2], [[0.6, 0.2, 0.2], [0.6, 0.2, 0.2], [0.2, 0.2, 0.6]], 0.6 - 2 / 3),
    ],
)
def test_calibration_error_by_hand(
    labels: list[int], probabilities: list[list[float]], expected: float
) -> None:
    once = np.ones((1, len(labels)))
    found = metrics.expected_calibration_error(np.array(labels), np.array(probabilities), once, bins=4)
    assert found == pytest.approx([abs(expected)])


@pytest.mark.parametrize(
    ("labels", "probabilities", "expected"),
    [
        # Even answers cost ln 2, however many patients each class has.
        ([0, 0, 0, 1], [[0.5, 0.5]] * 4, 0.693147),
        # The classes' shares of the competition's patients, 457 and 175: (-ln 0.723101 - ln 0.276899) / 2.
        ([0] * 457 + [1] * 175, [[457 / 632, 175 / 632]] * 632, 0.804155),
        # ((-ln 0.9 - ln 0.6 - ln 0.8) / 3 - ln 0.3) / 2 = (0.839330 / 3 + 1.203973) / 2
        ([0, 0, 0, 1], [[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3]], 0.741875),
        # The same rows before they are scaled to add up to 1.
        ([0, 0, 0, 1], [[1.8, 0.2], [3.0, 2.0], [0.4, 0.1], [70, 30]], 0.741875),
        # A sure mistake: -ln 1e-15 = 34.538776; a sure hit costs nothing that shows.
        ([0, 1], [[1.0, 0.0], [1.0, 0.0]], 17.269388),
        ([0, 1], [[1.0, 0.0], [0.0, 1.0]], 0.0),
        # Three classes of one, one and two rows: (-ln 0.5 - ln 0.25 - (ln 0.2 + ln 0.8) / 2) / 3
        ([0, 1, 2, 2], [[0.5, 0.25, 0.25]] * 2 + [[0.4, 0.4, 0.2], [0.1, 0.1, 0.8]], 0.998577),
    ],
)
def test_weighted_log_loss_by_hand(
    labels: list[int], probabilities: list[list[float]], expected: float
) -> None:
    found = metrics.weighted_log_loss(np.array(labels), np.array(probabilities), np.ones((1, len(labels))))
    assert found == pytest.approx([expected], abs=1e-6)


@given(judged_rows())
@settings(max_examples=50, deadline=None)
def test_calibration_error_counts_each_row_as_often_as_it_weighs(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    labels, probabilities, counts = rows
    often = counts.astype(int)
    repeated = labels.repeat(often), probabilities.repeat(often, axis=0), np.ones((1, often.sum()))
    found = metrics.expected_calibration_error(labels, probabilities, counts[None], bins=5)
    assert found == pytest.approx(metrics.expected_calibration_error(*repeated, bins=5))
