"""What the report tells beside the results: the split, how it was made, its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.judged import Judged
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.wording import count_of, join_words

METHODS = {
    "by_patient": "all images of a patient are in one fold",
    "random": "images were divided at random, whoever they belong to",
}


@dataclass(frozen=True)
class FoldRow:
    """A row of the table of folds, as text."""

    fold: int
    evaluated: bool
    patients: int
    images: int
    patients_per_class: tuple[str, ...]


def describe_folds(
    split_summary: Mapping[str, Any], training_summary: Mapping[str, Any], columns: Columns
) -> list[FoldRow]:
    """Count patients, images and class shares of each fold."""
    return [
        FoldRow(
            fold["fold"],
            fold["fold"] in training_summary["folds"],
            fold["patients"],
            fold["images"],
            tuple(_with_share(fold["patients_per_class"], name) for name in columns.ordered_classes),
        )
        for fold in split_summary["folds"]
    ]


def _with_share(counts: Mapping[str, int], name: str) -> str:
    return f"{counts[name]} ({counts[name] / max(1, sum(counts.values())):.0%})"


def describe_making(
    data_source: Mapping[str, str],
    training_summary: Mapping[str, Any],
    split_summary: Mapping[str, Any],
    parameters: ReportingParameters,
) -> dict[str, str]:
    """Tell what one needs to make the same again."""
    size = training_summary["image_size"]
    making = {
        "Data": " at ".join(filter(None, [data_source["repository"], data_source["host"]])),
        "Branch": data_source["branch"],
        "Commit of the data": data_source["commit"],
        "Network": f"{training_summary['backbone']}, images resized to {size} x {size} pixels",
        "Folds trained and evaluated": join_words([str(fold) for fold in training_summary["folds"]]),
        "Training took": f"{training_summary['seconds']:,.0f} s, "
        f"{training_summary['images_per_second']:,.1f} images a second",
        "Seeds": f"split {split_summary['seed']}, training {training_summary['seed']}, "
        f"intervals {parameters.seed}",
        "Intervals": f"{parameters.confidence:.0%}, from {parameters.bootstrap_samples:,} draws of the "
        "patients with replacement, class by class",
        "MLflow run": training_summary["mlflow_run"] or "",
    }
    return {name: text for name, text in making.items() if text}


def list_warnings(
    patients: Judged, split_summary: Mapping[str, Any], columns: Columns, parameters: ReportingParameters
) -> list[str]:
    """Tell what makes the numbers doubtful in this very run."""
    counts = np.bincount(patients.labels, minlength=len(columns.classes))
    warnings = [
        f"Only {count_of(int(count), 'patient')} with {name} could be judged: the intervals are too narrow "
        "and the curves coarse."
        for name, count in zip(columns.ordered_classes, counts, strict=True)
        if count < parameters.few_patients
    ]
    if split_summary["leaks"]:
        warnings.insert(
            0,
            f"The split leaks: {count_of(split_summary['patients_on_both_sides'], 'patient')} with images in "
            "more than one fold, so that the network was judged on patients it was trained with. "
            "Set data_processing.split.method to by_patient.",
        )
    several = split_summary.get("patients_with_several_labels", 0)
    if several:
        warnings.append(
            f"{count_of(several, 'patient')} with images of several classes: the commonest counts."
        )
    return warnings


def list_limits(split_summary: Mapping[str, Any], training_summary: Mapping[str, Any]) -> list[str]:
    """Tell what these results cannot show."""
    evaluated, folds = len(training_summary["folds"]), len(split_summary["folds"])
    limits = [
        "This is a research result. It is no medical device and must not guide the care of a patient.",
        "The intervals tell how much the numbers would move with other patients of the same kind. They do "
        "not cover other hospitals, stains or scanners, nor what another training run would give.",
        f"The network sees each image at {training_summary['image_size']} x {training_summary['image_size']} "
        "pixels: what is finer than that is lost to it.",
    ]
    if evaluated < folds:
        verb = "was" if evaluated == 1 else "were"
        limits.append(
            f"{evaluated} of {folds} folds {verb} held out and judged; the others only served for training. "
            'Setting modelling.folds to "all" judges every patient, in more time.'
        )
    if evaluated > 1:
        limits.append(
            "The patients of each fold were judged by a network of its own; the numbers are over all of them "
            "together."
        )
    return limits
