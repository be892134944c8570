"""Whether the images can be divided as asked for."""

import numpy as np
import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.data_processing.checks import GLOBALS, PARAMETERS
from mayo_kedro.pipelines.data_processing.parameters import SplitParameters

UNITS = {"by_patient": "patient", "random": "image"}
"""What those ways of splitting keep whole that make folds of about the same size."""

OTHER_METHOD = f"set data_processing.split.method in {PARAMETERS} to by_patient"


def refuse_impossible_split(labelled: pd.DataFrame, split: SplitParameters) -> None:
    """Refuse folds in which a class is missing, and other folds than one a centre where one is left out.

    Args:
        labelled: table with `image`, `patient` and `label`; with `centre` for a split by it.
        split: the folds that are asked for.

    Raises:
        UserError: a class can't be in every fold, the centres are not known, or they are not as many as the
            folds.
    """
    if split.method == "by_centre":
        _refuse_centres(labelled, split.folds)
    else:
        _refuse_small_classes(labelled, UNITS[split.method], split.folds)


def _refuse_small_classes(labelled: pd.DataFrame, unit: str, folds: int) -> None:
    counts = labelled.groupby("label", sort=True)[unit].nunique()
    label, count = str(counts.idxmin()), int(counts.min())
    if count < folds:
        fewer = f"Set data_processing.split.folds in {PARAMETERS} to {count}, or add" if count > 1 else "Add"
        raise UserError(
            f"Class {label!r} has {_count(count, unit)}, too few for {folds} folds.",
            f"{fewer} {unit}s of that class.",
        )


def _refuse_centres(labelled: pd.DataFrame, folds: int) -> None:
    if "centre" not in labelled:
        raise UserError(
            "A split by centre needs to know the centre of each image.",
            f"Name that column of the label table in columns.centre of {GLOBALS}, or {OTHER_METHOD}.",
        )
    counts = labelled.groupby(["centre", "label"])["patient"].nunique().unstack(fill_value=0)
    if len(counts) < 2:
        raise UserError(
            "All images are of one centre, so that none can be left out.", f"Add others, or {OTHER_METHOD}."
        )
    if len(counts) != folds:
        # Kedro makes a node for each fold before the table is read, so the number can't follow from it.
        raise UserError(
            f"The label table has {len(counts)} centres, each of which is a fold of its own, but {folds} "
            "folds are asked for.",
            f"Set data_processing.split.folds in {PARAMETERS} to {len(counts)}, or {OTHER_METHOD}.",
        )
    for row, column in np.argwhere(counts.to_numpy() == 0)[:1]:
        centre, label = counts.index[row], counts.columns[column]
        raise UserError(
            f"Centre {centre!r} has no patient of class {label!r}, so that it can't be judged alone.",
            f"Give it the name of another centre in the label table, add patients, or {OTHER_METHOD}.",
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
