"""How the model does on parts of the patients: by centre, number of images and amount of tissue."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.judged import Judged, average_seeds, judge_images, judge_patients
from mayo_kedro.pipelines.reporting.scores.metrics import METRICS, Floats, Labels
from mayo_kedro.pipelines.reporting.scores.resampling import find_interval, resample_patients

TOLD = ("auc", "weighted_log_loss")
THIRDS = ("least third", "middle third", "most third")
MANY = 3
"""Patients with so many images or more are one group."""


def score_subgroups(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    image_facts: pd.DataFrame,
    columns: Columns,
    parameters: ReportingParameters,
) -> pd.DataFrame:
    """Score the judged patients of each part by themselves.

    Args:
        predictions: one row a held-out image (and seed).
        splits: every image with patient and, where it is known, centre.
        image_facts: the tissue shares.
        columns: names the classes.
        parameters: of the intervals; a class needs `few_in_subgroup` patients for a score to be told.

    Returns:
        A row for each part: `division`, `part`, `patients`, `patients_<class>`, and `auc`
        and `weighted_log_loss` with `_low` and `_high`, NaN where there are too few patients.
    """
    images = judge_images(predictions, columns)
    patients = judge_patients(images, columns)
    # Numbered as `judge_images` does: in the order of their first rows.
    names = average_seeds(predictions, columns)["patient"].unique()
    rows: list[dict[str, Any]] = []
    for division, parts in _divide(names, splits, image_facts):
        for part in parts.cat.categories:
            chosen = (parts == part).to_numpy()
            rows.append({"division": division, "part": part, **_score(patients, chosen, columns, parameters)})
    return pd.DataFrame(rows)


def _divide(
    names: npt.NDArray[np.object_], splits: pd.DataFrame, image_facts: pd.DataFrame
) -> Iterator[tuple[str, "pd.Series[Any]"]]:
    """Each way to divide the patients, with the part that every patient is in, in the order of `names`."""
    of_patient = splits.merge(image_facts, on="image", how="left").groupby("patient")
    if "centre" in splits:
        centres = of_patient["centre"].first().reindex(names)
        largest_first = centres.value_counts(sort=True).index
        yield "centre", pd.Series(pd.Categorical(centres, largest_first))
    counts = of_patient.size().reindex(names)
    words = counts.map(lambda count: f"{MANY} or more" if count >= MANY else str(count))
    yield "images of the patient", words.astype("category")
    tissue = of_patient["tissue_share"].mean().reindex(names)
    if tissue.nunique() >= len(THIRDS):
        yield "tissue in the image", pd.qcut(tissue.rank(method="first"), len(THIRDS), labels=list(THIRDS))


def _score(
    patients: Judged, chosen: npt.NDArray[np.bool_], columns: Columns, parameters: ReportingParameters
) -> dict[str, float]:
    labels, probabilities = patients.labels[chosen], patients.probabilities[chosen]
    counts = np.bincount(labels, minlength=len(columns.classes))
    found: dict[str, float] = {"patients": len(labels)}
    for label, count in zip(columns.ordered_classes, counts, strict=True):
        found[f"patients_{label}"] = int(count)
    for name in TOLD:
        enough = counts.min() >= parameters.few_in_subgroup
        told = _tell(name, labels, probabilities, parameters) if enough else (np.nan,) * 3
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), told, strict=True))
    return found


def _tell(
    metric: str, labels: Labels, probabilities: Floats, parameters: ReportingParameters
) -> tuple[float, float, float]:
    score = partial(METRICS[metric], labels, probabilities)
    resamples = resample_patients(labels, parameters.bootstrap_samples, parameters.seed)
    low, high = find_interval(np.concatenate([score(block) for block in resamples]), parameters.confidence)
    return float(score(np.ones((1, len(labels))))[0]), float(low), float(high)
