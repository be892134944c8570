"""Predictions to one flat dictionary of metrics, each beside what needs no network."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.baselines import (
    BASELINES,
    answer_constantly,
    guess_by_size,
    share_classes,
)
from mayo_kedro.pipelines.reporting.scores.judged import REMEDY, Judged, judge_images, judge_patients
from mayo_kedro.pipelines.reporting.scores.metrics import METRICS, Floats, Metric, expected_calibration_error
from mayo_kedro.pipelines.reporting.scores.operating_points import choose_points
from mayo_kedro.pipelines.reporting.scores.resampling import (
    find_interval,
    reflect_interval,
    resample_patients,
)

COMPARED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "weighted_log_loss": tuple(BASELINES),
        "auc": tuple(BASELINES),
        "balanced_accuracy": ("majority", "size"),
        "accuracy": ("majority", "size"),
    }
)
"""The baselines told beside each metric. To name a class for even probabilities is to toss a coin."""

BEST_CONSTANTS: Mapping[str, str] = MappingProxyType(
    {"weighted_log_loss": "even", **dict.fromkeys(METRICS.keys() - {"weighted_log_loss"}, "prior")}
)
"""Which constant answer is the best, by metric."""

REFLECTED = frozenset({"calibration_error"})
"""Distances, which are larger in every resample than in the sample: see `reflect_interval`."""


@dataclass(frozen=True)
class Contest:
    """The model and its rivals on the same rows.

    Attributes:
        judged: the rows, and the model's probabilities for them.
        rivals: (rows, classes) for each baseline, by its name.
    """

    judged: Judged
    rivals: Mapping[str, Floats]


def evaluate(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    image_facts: pd.DataFrame,
    columns: Columns,
    parameters: ReportingParameters,
) -> dict[str, float | int]:
    """Score the held-out predictions, by patient and by image.

    Args:
        predictions: one row a held-out image (and seed).
        splits: every image with its fold.
        image_facts: width and height of every image.
        columns: names the classes.
        parameters: of the intervals, ranges and points.

    Returns:
        For every level ("patient", "image") and metric: `<level>_<metric>`, the ends of its interval
        `_low` and `_high`; for those of `BEST_CONSTANTS` the best constant answer's `_constant`, and how far
        the model is above it: `_difference`, `_difference_low`, `_difference_high`, from the same resamples.
        For those of `COMPARED` also each baseline's value `_<baseline>` with `_low` and
        `_high`, and how far the model is above it: `_over_<baseline>`, with `_low` and `_high` ("size" by
        patient only). Beside these the counts.

    Raises:
        UserError: a class has no held-out patient, a probability is no number, or the predictions are of
            other images than the splits.
    """
    _require_same_images(predictions, splits)
    contests = _arrange_contests(predictions, splits, image_facts, columns)
    patients, metrics = contests["patient"].judged, choose_metrics(columns, parameters)
    results: dict[str, float | int] = {
        "patients": len(patients.labels),
        "images": len(contests["image"].judged.labels),
        "folds_evaluated": int(predictions["fold"].nunique()),
    }
    for level, contest in contests.items():
        # Images of a patient are alike, so that an interval by image draws patients too.
        resamples = resample_patients(patients.labels, parameters.bootstrap_samples, parameters.seed)
        weights = (block[:, contest.judged.patients] for block in resamples)
        scored = _score_contest(contest, metrics, weights, parameters.confidence)
        results |= {f"{level}_{name}": float(value) for name, value in scored}
    return results


def _arrange_contests(
    predictions: pd.DataFrame, splits: pd.DataFrame, image_facts: pd.DataFrame, columns: Columns
) -> dict[str, Contest]:
    images = judge_images(predictions, columns)
    judged = {"patient": judge_patients(images, columns), "image": images}
    rivals = {
        level: answer_constantly(rows, share_classes(splits, columns, level))
        for level, rows in judged.items()
    }
    rivals["patient"]["size"] = guess_by_size(predictions, splits, image_facts, columns)
    return {level: Contest(judged[level], rivals[level]) for level in judged}


def choose_metrics(columns: Columns, parameters: ReportingParameters) -> dict[str, Metric]:
    """All metrics that make sense for so many classes, by name."""
    error = partial(expected_calibration_error, bins=parameters.calibration_bins)
    points = choose_points(parameters.operating_points) if len(columns.classes) == 2 else {}
    return {**METRICS, "calibration_error": error, **points}


def _require_same_images(predictions: pd.DataFrame, splits: pd.DataFrame) -> None:
    strangers = predictions.loc[~predictions["image"].isin(splits["image"]), "image"]
    if not strangers.empty:
        raise UserError(
            f"{len(strangers)} predictions are of images that the splits don't have, the first of "
            f"{strangers.iloc[0]!r}: they were made from another label table.",
            REMEDY,
        )


def _score_contest(
    contest: Contest, metrics: Mapping[str, Metric], resamples: Iterable[Floats], confidence: float
) -> Iterator[tuple[str, float]]:
    everyone = {"": contest.judged.probabilities, **contest.rivals}
    blocks = list(resamples)
    for metric, score in metrics.items():
        plain, drawn = {}, {}
        for name, probabilities in everyone.items():
            judge = partial(score, contest.judged.labels, probabilities)
            plain[name] = judge(np.ones((1, len(contest.judged.labels))))[0]
            drawn[name] = np.concatenate([judge(block) for block in blocks])
        yield from _tell_metric(metric, plain, drawn, confidence)


def _tell_metric(
    metric: str, plain: Mapping[str, float], drawn: Mapping[str, Floats], confidence: float
) -> Iterator[tuple[str, float]]:
    yield from _tell_value(metric, plain[""], drawn[""], confidence, metric in REFLECTED)
    if metric in BEST_CONSTANTS:
        constant = BEST_CONSTANTS[metric]
        yield f"{metric}_constant", plain[constant]
        yield from _tell_difference(f"{metric}_difference", plain, drawn, constant, confidence)
    for rival in COMPARED.get(metric, ()):
        if rival in plain:
            yield from _tell_value(f"{metric}_{rival}", plain[rival], drawn[rival], confidence)
            yield from _tell_difference(f"{metric}_over_{rival}", plain, drawn, rival, confidence)


def _tell_value(
    name: str, value: float, drawn: Floats, confidence: float, reflected: bool = False
) -> Iterator[tuple[str, float]]:
    low, high = find_interval(drawn, confidence)
    if reflected:
        low, high = reflect_interval(value, low, high)
    yield from {name: value, f"{name}_low": low, f"{name}_high": high}.items()


def _tell_difference(
    name: str, plain: Mapping[str, float], drawn: Mapping[str, Floats], rival: str, confidence: float
) -> Iterator[tuple[str, float]]:
    yield from _tell_value(name, plain[""] - plain[rival], drawn[""] - drawn[rival], confidence)
