"""Predictions to one flat dictionary of metrics, each beside what a constant guess scores."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.judged import Judged, judge_images, judge_patients
from mayo_kedro.pipelines.reporting.metrics import METRICS, Floats, expected_calibration_error
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.resampling import find_interval, resample_patients


def evaluate(
    predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> dict[str, float | int]:
    """Score the held-out predictions, by patient and by image.

    Args:
        predictions: one row a held-out image.
        columns: names the classes.
        parameters: of the intervals.

    Returns:
        For every level ("patient", "image") and metric: `<level>_<metric>`, the ends of its interval
        `_low` and `_high`, a constant guess's `_constant`, and how far the model is above it:
        `_difference`, `_difference_low`, `_difference_high`. Beside these the calibration error and counts.

    Raises:
        UserError: a class has no held-out patient, or a probability is no number.
    """
    images = judge_images(predictions, columns)
    patients = judge_patients(images, columns)
    results: dict[str, float | int] = {
        "patients": len(patients.labels),
        "images": len(images.labels),
        "folds_evaluated": int(predictions["fold"].nunique()),
    }
    for level, judged in {"patient": patients, "image": images}.items():
        # Images of a patient are alike, so that an interval by image draws patients too.
        resamples = resample_patients(patients.labels, parameters.bootstrap_samples, parameters.seed)
        weights = (block[:, judged.patients] for block in resamples)
        results |= _score_level(level, judged, weights, parameters)
    return results


def guess_constantly(judged: Judged, metric: str) -> Floats:
    """The probabilities of someone who gives every row the same answer.

    Args:
        judged: the rows to answer for.
        metric: the log loss weighs the classes alike, so that there the best answer is the same
            probability for each class; for the others it is the classes' shares.

    Returns:
        (rows, classes).
    """
    rows, classes = judged.probabilities.shape
    answer = np.full(classes, 1 / classes) if metric == "weighted_log_loss" else judged.shares
    return np.tile(answer, (rows, 1))


def _score_level(
    level: str, judged: Judged, resamples: Iterable[Floats], parameters: ReportingParameters
) -> dict[str, float]:
    plain = _score(judged, np.ones((1, len(judged.labels))))
    blocks = [_score(judged, weights) for weights in resamples]
    results: dict[str, float] = {}
    for number, metric in enumerate(METRICS):
        model, constant = plain[:, number, 0]
        resampled = np.concatenate([block[:, number] for block in blocks], axis=1)
        low, high = find_interval(resampled[0], parameters.confidence)
        least, most = find_interval(resampled[0] - resampled[1], parameters.confidence)
        name = f"{level}_{metric}"
        results |= {name: model, f"{name}_low": low, f"{name}_high": high, f"{name}_constant": constant}
        results |= {f"{name}_difference": model - constant}
        results |= {f"{name}_difference_low": least, f"{name}_difference_high": most}
    error = expected_calibration_error(judged.labels, judged.probabilities, parameters.calibration_bins)
    results[f"{level}_calibration_error"] = error
    return {name: float(value) for name, value in results.items()}


def _score(judged: Judged, weights: Floats) -> Floats:
    """(2, metrics, weightings): the model's values and the constant guess's."""
    model = [score(judged.labels, judged.probabilities, weights) for score in METRICS.values()]
    constant = [
        score(judged.labels, guess_constantly(judged, metric), weights) for metric, score in METRICS.items()
    ]
    return np.asarray([model, constant])
