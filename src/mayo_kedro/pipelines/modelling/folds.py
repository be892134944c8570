"""Which rows train, stop and test the network of each fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters


@dataclass(frozen=True)
class FoldTables:
    """The rows of one fold, no patient in two of the tables.

    Attributes:
        fold: its number.
        training: what the network learns from.
        validation: what early stopping looks at; None without early stopping.
        held_out: the fold itself, which is predicted.
    """

    fold: int
    training: pd.DataFrame
    validation: pd.DataFrame | None
    held_out: pd.DataFrame


def require_all_folds(
    splits: pd.DataFrame, with_node: Sequence[int], parameters: ModellingParameters
) -> None:
    """Refuse to leave folds out where all are asked for, and to train some that are not there.

    Args:
        splits: the checked table with `fold`.
        with_node: the folds that have a node; Kedro made these before there was a table.
        parameters: `folds` counts here.

    Raises:
        UserError: they do not fit together.
    """
    present = sorted(int(fold) for fold in splits["fold"].unique())
    if parameters.folds == "all" and present != sorted(with_node):
        raise UserError(
            f"modelling.folds asks for all folds, of which the splits hold {len(present)} and "
            f"data_processing.split.folds tells of {len(with_node)}.",
            "Give both runs the same data_processing.split.folds, or run data_processing again.",
        )
    for fold in with_node:
        if fold not in present:
            raise UserError(
                f"modelling.folds asks for fold {fold}, but the splits hold {_listed(present)}.",
                'Choose among these, or say "all".',
            )


def split_fold(
    splits: pd.DataFrame, fold: int, columns: Columns, parameters: ModellingParameters
) -> FoldTables:
    """Hold one fold out, and set validation patients apart from the rest.

    Args:
        splits: the checked table with `fold`.
        fold: to hold out.
        columns: names the classes.
        parameters: `validation_share` and `seed` count here.

    Raises:
        UserError: a class is missing on one side.
    """
    held_out, others = splits[splits["fold"] == fold], splits[splits["fold"] != fold]
    _require_classes(held_out, columns, f"in fold {fold}")
    _require_classes(others, columns, f"outside fold {fold}")
    if parameters.validation_share == 0:
        return FoldTables(fold, others, None, held_out)
    chosen = _validation_patients(others, fold, columns, parameters)
    validates = others["patient"].isin(chosen)
    _require_classes(others[~validates], columns, f"to train on outside fold {fold}")
    return FoldTables(fold, others[~validates], others[validates], held_out)


def _require_classes(table: pd.DataFrame, columns: Columns, place: str) -> None:
    present = set(table["int_labels"])
    missing = [name for number, name in enumerate(columns.ordered_classes) if number not in present]
    if missing:
        raise UserError(
            f"There is no image of the class {_listed(missing)} {place}.",
            "Every class needs patients on both sides: add patients of that class, or make fewer folds.",
        )


def _validation_patients(
    table: pd.DataFrame, fold: int, columns: Columns, parameters: ModellingParameters
) -> set[str]:
    """Draw the share of each class's patients, at least one; a patient's class is its commonest."""
    classes = table.groupby("patient")["int_labels"].agg(lambda labels: labels.mode().iloc[0])
    draw = np.random.default_rng(parameters.seed)
    chosen: set[str] = set()
    for number, name in enumerate(columns.ordered_classes):
        patients = sorted(classes.index[classes == number])
        if len(patients) < 2:
            raise UserError(
                f"The class {name} has fewer than two patients outside fold {fold}: "
                "one must train, another decide when to stop.",
                "Add patients of that class, or set modelling.validation_share to 0.",
            )
        count = max(1, round(parameters.validation_share * len(patients)))
        chosen.update(draw.permutation(patients)[:count].tolist())
    return chosen


def _listed(values: list[int] | list[str]) -> str:
    return ", ".join(str(value) for value in values)
