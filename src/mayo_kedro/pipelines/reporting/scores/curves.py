"""The points of curves, for many weightings of the same rows at once (see metrics.py)."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from mayo_kedro.pipelines.reporting.scores.metrics import Floats, find_bins


def rank_rows(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Count what is found when rows are taken from the highest score down.

    Rows of the same score are taken together.

    Args:
        positive: (rows,), whether the row is positive.
        scores: (rows,).
        weights: (weightings, rows).

    Returns:
        The positive and the negative rows found so far, each (weightings, 1 + different scores), from 0.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    ranked = weights[:, order]
    found = np.cumsum(ranked * positive[order], axis=1)[:, ends]
    mistaken = np.cumsum(ranked * ~positive[order], axis=1)[:, ends]
    return np.pad(found, ((0, 0), (1, 0))), np.pad(mistaken, ((0, 0), (1, 0)))


def roc_curve(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """False and true positive rates, each (weightings, points)."""
    found, mistaken = rank_rows(positive, scores, weights)
    return mistaken / mistaken[:, -1:], found / found[:, -1:]


def roc_heights(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats, grid: Floats) -> Floats:
    """True positive rates at given false positive rates, (weightings, len(grid))."""
    false_rates, true_rates = roc_curve(positive, scores, weights)
    return np.array([np.interp(grid, *rates) for rates in zip(false_rates, true_rates, strict=True)])


def precision_recall_curve(positive: npt.NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats]:
    """Recall and precision, each (points,), from the highest score down."""
    found, mistaken = rank_rows(positive, scores, np.ones((1, len(scores))))
    found, mistaken = found[0, 1:], mistaken[0, 1:]
    return found / found[-1], found / (found + mistaken)


def average_precision(recall: Floats, precision: Floats) -> float:
    """Mean precision over the recall, as steps."""
    return float(np.sum(np.diff(recall, prepend=0) * precision))


def reliability_curve(
    happened: npt.NDArray[np.bool_], scores: Floats, bins: int
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Sort scores into ranges of equal width.

    Returns:
        For each range that is not empty: the mean score, the share of rows in which it happened,
        and the number of rows.
    """
    numbers = find_bins(scores, bins)
    counts = np.bincount(numbers, minlength=bins)
    filled = counts > 0
    means = np.bincount(numbers, weights=scores, minlength=bins)[filled] / counts[filled]
    shares = np.bincount(numbers, weights=happened, minlength=bins)[filled] / counts[filled]
    return means, shares, counts[filled]


def wilson_interval(shares: Floats, counts: npt.NDArray[np.int64], confidence: float) -> Floats:
    """Wilson's interval of a share (Wilson 1927).

    Args:
        shares: observed, (...).
        counts: of what, (...).
        confidence: of the interval.

    Returns:
        (2, ...): low and high.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (shares + z**2 / (2 * counts)) / (1 + z**2 / counts)
    reach = z / (1 + z**2 / counts) * np.sqrt(shares * (1 - shares) / counts + z**2 / (4 * counts**2))
    return np.asarray(np.clip([centre - reach, centre + reach], 0, 1))
