"""What two classes are told apart at: how many are found, and how many of the others are left in peace.

The functions are metrics (see metrics.py). The last class is the one to detect.
"""

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np

from mayo_kedro.pipelines.reporting.scores.curves import roc_curve
from mayo_kedro.pipelines.reporting.scores.metrics import Floats, Labels, Metric

ROUNDING = 1e-9


def sensitivity(labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Share of the rows to detect whose class is also the most probable one."""
    return _share_named_right(labels, probabilities, weights, 1)


def specificity(labels: Labels, probabilities: Floats, weights: Floats) -> Floats:
    """Share of the other rows whose class is also the most probable one."""
    return _share_named_right(labels, probabilities, weights, 0)


def sensitivity_at(labels: Labels, probabilities: Floats, weights: Floats, required: float) -> Floats:
    """The highest sensitivity of all thresholds whose specificity is at least `required`."""
    false_rates, true_rates = roc_curve(labels == 1, probabilities[:, 1], weights)
    return np.asarray(np.where(1 - false_rates >= required - ROUNDING, true_rates, 0).max(axis=1))


def specificity_at(labels: Labels, probabilities: Floats, weights: Floats, required: float) -> Floats:
    """The highest specificity of all thresholds whose sensitivity is at least `required`."""
    false_rates, true_rates = roc_curve(labels == 1, probabilities[:, 1], weights)
    return np.asarray(np.where(true_rates >= required - ROUNDING, 1 - false_rates, 0).max(axis=1))


def choose_points(required: Iterable[float]) -> Mapping[str, Metric]:
    """Name the metrics of the chosen points.

    Args:
        required: sensitivities, and in turn specificities, that are asked for.

    Returns:
        `sensitivity`, `specificity` and, for 0.9, `sensitivity_at_specificity_90` and
        `specificity_at_sensitivity_90`.
    """
    points: dict[str, Metric] = {"sensitivity": sensitivity, "specificity": specificity}
    for share in required:
        percent = f"{100 * share:g}"
        points[f"sensitivity_at_specificity_{percent}"] = partial(sensitivity_at, required=share)
        points[f"specificity_at_sensitivity_{percent}"] = partial(specificity_at, required=share)
    return points


def _share_named_right(labels: Labels, probabilities: Floats, weights: Floats, number: int) -> Floats:
    of_class = labels == number
    hits = of_class & (probabilities.argmax(axis=1) == number)
    return np.asarray((weights @ hits) / (weights @ of_class))
