"""Held-out predictions as arrays, by image and by patient."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.scores.metrics import Floats, Labels

REMEDY = "Run the modelling pipeline again, with more folds in modelling.folds or with more data."


@dataclass(frozen=True)
class Judged:
    """The truth beside what was predicted.

    Attributes:
        labels: (rows,), the numbers of the true classes.
        probabilities: (rows, classes).
        patients: (rows,), the number of each row's patient.
    """

    labels: Labels
    probabilities: Floats
    patients: npt.NDArray[np.int64]


def probability_columns(columns: Columns) -> list[str]:
    """The columns of the predictions that hold the probabilities, in the order of the classes."""
    return [f"probability_{name}" for name in columns.ordered_classes]


def average_seeds(predictions: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Average what the networks of several seeds gave to the same image.

    Args:
        predictions: one row a held-out image and seed; without a column `seed`, one row an image.
        columns: names the classes.

    Returns:
        One row an image, in the order of their first rows, without `seed`.
    """
    if "seed" not in predictions:
        return predictions
    means = predictions.groupby("image", sort=False)[probability_columns(columns)].transform("mean")
    averaged = predictions.assign(**means)
    return averaged.drop(columns="seed").drop_duplicates("image").reset_index(drop=True)


def judge_images(predictions: pd.DataFrame, columns: Columns) -> Judged:
    """Take each image as a row.

    Args:
        predictions: one row a held-out image, or several of different seeds, which are averaged.
        columns: names the classes.

    Raises:
        UserError: a probability is missing or no number.
    """
    names = probability_columns(columns)
    missing = [name for name in names if name not in predictions]
    if missing:
        raise UserError(
            f"The predictions lack the column {', '.join(missing)}: they were made for other classes.",
            "Run the modelling pipeline again after a change of columns.classes in globals.yml.",
        )
    _require_numbers(predictions, predictions[names].to_numpy(np.float64))
    predictions = average_seeds(predictions, columns)
    probabilities = predictions[names].to_numpy(np.float64)
    patients, _ = pd.factorize(predictions["patient"])
    return Judged(predictions["int_labels"].to_numpy(np.int64), probabilities, patients)


def judge_patients(images: Judged, columns: Columns) -> Judged:
    """Average the probabilities of each patient's images.

    The class of a patient with images of several classes is the commonest of them.

    Args:
        images: from `judge_images`.
        columns: names the classes.

    Raises:
        UserError: a class has no patient.
    """
    votes = count_classes(images.patients, images.labels, len(columns.classes))
    sums = np.zeros_like(votes)
    np.add.at(sums, images.patients, images.probabilities)
    labels = votes.argmax(axis=1)
    _require_classes(labels, columns)
    return Judged(labels, sums / votes.sum(axis=1, keepdims=True), np.arange(len(votes)))


def count_classes(patients: npt.NDArray[np.int64], labels: Labels, classes: int) -> Floats:
    """Count each patient's images of each class.

    Args:
        patients: (images,), numbered from 0.
        labels: (images,), the numbers of their classes.
        classes: how many there are.

    Returns:
        (patients, classes).
    """
    counts = np.zeros((int(patients.max(initial=-1)) + 1, classes))
    np.add.at(counts, (patients, labels), 1)
    return counts


def _require_numbers(predictions: pd.DataFrame, probabilities: Floats) -> None:
    broken = ~np.isfinite(probabilities).all(axis=1) | (probabilities < 0).any(axis=1)
    broken |= probabilities.sum(axis=1) <= 0
    if broken.any():
        raise UserError(
            f"{broken.sum()} of {len(broken)} predictions are no probabilities, the first for image "
            f"{predictions['image'].iloc[int(broken.argmax())]}.",
            "The training has probably diverged: lower the learning rates in parameters_modelling.yml.",
        )


def _require_classes(labels: Labels, columns: Columns) -> None:
    counts = np.bincount(labels, minlength=len(columns.classes))
    absent = [name for name, count in zip(columns.ordered_classes, counts, strict=True) if not count]
    if absent:
        raise UserError(
            f"Nothing can be said of the class {', '.join(absent)}: none of the {len(labels)} patients "
            "held out for evaluation has it.",
            REMEDY,
        )
