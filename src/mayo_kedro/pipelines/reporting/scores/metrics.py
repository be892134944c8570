"""How good probabilities are, for many weightings of the same rows at once.

Every metric takes `labels` (rows,), the numbers of the true classes; `probabilities` (rows, classes);
and `weights` (weightings, rows), how often each row counts. It gives one value for each weighting.
A single row of ones gives the plain metric; the counts of bootstrap resamples give all of theirs.
Every class needs a row with weight in every weighting.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

SMALLEST_PROBABILITY = 1e-15


class Metric(Protocol):
    """What all metrics look like."""

    def __call__(self, labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
        """One value for each row of `weights`."""


def mark_classes(labels: Labels, classes: int) -> Floats:
    """Turn class numbers into (rows, classes): 1 where the row is of the class, else 0."""
    return np.eye(classes)[labels]


def log_losses(labels: Labels, probabilities: Floats) -> Floats:
    """Each row's -ln of the probability of its class, rescaled and clipped as in the competition."""
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    of_truth = np.take_along_axis(shares, labels[:, None], axis=1)[:, 0]
    return np.asarray(-np.log(np.clip(of_truth, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)))


def weighted_log_loss(labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """The competition's metric: the mean of the classes' mean log losses, the classes counting alike."""
    losses = log_losses(labels, probabilities)
    return np.asarray(_means_by_class(losses, labels, probabilities.shape[1], weights).mean(axis=1))


def auc(labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve: of two classes the last one's, of more the mean of one against the rest."""
    classes = probabilities.shape[1]
    judged = [1] if classes == 2 else range(classes)
    areas = [rank_area(labels == number, probabilities[:, number], weights) for number in judged]
    return np.asarray(np.mean(areas, axis=0))


def rank_area(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """How often a positive row has a higher score than a negative one; a tie counts one half.

    Args:
        positive: (rows,), whether the row is positive.
        scores: (rows,).
        weights: (weightings, rows).

    Returns:
        The area under the ROC curve, (weightings,).
    """
    order = np.argsort(scores, kind="stable")
    ranked = weights[:, order]
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    of_positive = np.add.reduceat(ranked * positive[order], starts, axis=1)
    of_negative = np.add.reduceat(ranked * ~positive[order], starts, axis=1)
    below = np.cumsum(of_negative, axis=1) - of_negative
    won = (of_positive * (below + of_negative / 2)).sum(axis=1)
    return np.asarray(won / (of_positive.sum(axis=1) * of_negative.sum(axis=1)))


def balanced_accuracy(labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Mean over the classes of the share of its rows whose most probable class is the right one."""
    hits = _hits(labels, probabilities)
    return np.asarray(_means_by_class(hits, labels, probabilities.shape[1], weights).mean(axis=1))


def accuracy(labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Share of the rows whose most probable class is the right one."""
    return _means(_hits(labels, probabilities), weights)


def brier_score(labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Mean squared distance to the truth: of two classes the last one's, of more the sum over all."""
    squares = (probabilities - mark_classes(labels, probabilities.shape[1])) ** 2
    return _means(squares[:, 1] if squares.shape[1] == 2 else squares.sum(axis=1), weights)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "weighted_log_loss": weighted_log_loss,
        "auc": auc,
        "balanced_accuracy": balanced_accuracy,
        "accuracy": accuracy,
        "brier_score": brier_score,
    }
)


def expected_calibration_error(labels: Labels, probabilities: Floats, weights: Floats, bins: int) -> Floats:
    """Mean distance, over ranges of equal width, between the mean probability and the share of rows.

    Of two classes that of the last one is looked at; of more that of the most probable one
    (Guo et al. 2017, On Calibration of Modern Neural Networks).

    Args:
        labels: (rows,).
        probabilities: (rows, classes).
        weights: (weightings, rows).
        bins: how many ranges.
    """
    if probabilities.shape[1] == 2:
        scores, happened = probabilities[:, 1], labels == 1
    else:
        scores, happened = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    excess = mark_classes(find_bins(scores, bins), bins) * (scores - happened)[:, None]
    return np.asarray(np.abs(weights @ excess).sum(axis=1) / weights.sum(axis=1))


def find_bins(scores: Floats, bins: int) -> npt.NDArray[np.int64]:
    """Number the range of equal width, between 0 and 1, that each score falls into."""
    return np.minimum((scores * bins).astype(np.int64), bins - 1)


def _hits(labels: Labels, probabilities: Floats) -> Floats:
    return np.asarray(probabilities.argmax(axis=1) == labels, dtype=np.float64)


def _means(values: Floats, weights: Floats) -> Floats:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _means_by_class(values: Floats, labels: Labels, classes: int, weights: Floats) -> Floats:
    members = mark_classes(labels, classes)
    return np.asarray((weights @ (members * values[:, None])) / (weights @ members))
