"""What the report tells beside the results: the split, how it was made, its limits."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.judged import Judged
from mayo_kedro.pipelines.reporting.wording import count_of, join_words

METHODS = {
    "by_patient": "all images of a patient are in one fold",
    "by_centre": "each centre is one, and left out in turn",
    "random": "images were divided at random, whoever they belong to",
}


CALIBRATIONS = {
    "none": "",
    "prior": "divided by the classes' shares in training",
    "temperature": "softened or sharpened by one number, fitted to validation patients of the training folds",
    "platt": "corrected by Platt's line, fitted to validation patients of the training folds",
}

CONTENTS = {
    "alarms": "Leak alarms",
    "worth": "What this accuracy is worth",
    "results": "By patient",
    "figures": "Curves and calibration",
    "subgroups": "Subgroups",
    "cases": "Single images",
    "data": "Data card",
    "by-image": "By image",
    "card": "Model card",
    "making": "How this was made",
}


def list_contents(weighs_accuracy: bool) -> dict[str, str]:
    """The parts of the page, by their names in its addresses.

    Args:
        weighs_accuracy: there is a part on what the accuracy is worth.
    """
    return {name: title for name, title in CONTENTS.items() if weighs_accuracy or name != "worth"}


SUBGROUPS = (
    "The judged patients in parts, each by itself. The intervals are wide, and among so many parts one looks "
    "bad or good by chance: a hint where to look, no finding."
)
LEFT_OUT = (
    "Leave one centre out: each centre below was judged by a network that saw no image of it, as a hospital "
    "would be that had no part in the training. Its row tells what to expect at such a place."
)


def introduce_subgroups(split_method: str) -> list[str]:
    """Tell how to read the table of subgroups.

    Args:
        split_method: one of `METHODS`.
    """
    return [LEFT_OUT, SUBGROUPS] if split_method == "by_centre" else [SUBGROUPS]


def describe_folds(
    split_summary: Mapping[str, Any], training_summary: Mapping[str, Any], columns: Columns
) -> list[dict[str, str]]:
    """Count patients, images and class shares of each fold, as rows of a table."""
    judged = training_summary["folds"]
    return [
        {
            "Fold": f"Fold {fold['fold']}" + (f", centre {fold['centre']}" if "centre" in fold else ""),
            "Part in this run": "held out and judged" if fold["fold"] in judged else "training only",
            "Patients": str(fold["patients"]),
            "Images": str(fold["images"]),
            **{
                f"Patients with {name}": _with_share(fold["patients_per_class"], name)
                for name in columns.ordered_classes
            },
        }
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
        "Probabilities": CALIBRATIONS[training_summary.get("calibration", "none")],
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
    several = split_summary.get("patients_with_several_labels", 0)
    if several:
        warnings.append(
            f"{count_of(several, 'patient')} with images of several classes: the commonest counts."
        )
    return warnings
