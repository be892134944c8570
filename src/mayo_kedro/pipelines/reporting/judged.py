"""Held-out predictions as arrays, by image and by patient."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.metrics import Floats, Labels

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

    @property
    def shares(self) -> Floats:
        """Each class's share of the rows, (classes,)."""
        return np.bincount(self.labels, minlength=self.probabilities.shape[1]) / len(self.labels)


def probability_columns(columns: Columns) -> list[str]:
    """The columns of the predictions that hold the probabilities, in the order of the classes."""
    return [f"probability_{name}" for name in columns.ordered_classes]


def judge_images(predictions: pd.DataFrame, columns: Columns) -> Judged:
    """Take each image as a row.

    Args:
        predictions: one row a held-out image.
        columns: names the classes.

    Raises:
        UserError: a probability is missing or no number.
    """
    names = probability_columns(columns)
    missing = [name for name in names if name not in predictions]
    if missing:
        raise UserError(
            f"The predictions lack the column {', '.join(missing)}: they were made for other classes.",
            "Run the modelling pipeline again after a change of columns.classes in conf/base/globals.yml.",
        )
    probabilities = predictions[names].to_numpy(np.float64)
    _require_numbers(predictions, probabilities)
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
    patients = int(images.patients.max(initial=-1)) + 1
    votes = np.zeros((patients, len(columns.classes)))
    np.add.at(votes, (images.patients, images.labels), 1)
    sums = np.zeros_like(votes)
    np.add.at(sums, images.patients, images.probabilities)
    labels = votes.argmax(axis=1)
    _require_classes(labels, columns)
    return Judged(labels, sums / votes.sum(axis=1, keepdims=True), np.arange(patients))


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
