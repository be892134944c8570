"""Nodes of the data processing: check, number the classes, split, sum up."""

import logging
import textwrap
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.data_processing.checks import PARAMETERS, refuse_mistakes, select_columns
from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters, SplitParameters
from mayo_kedro.pipelines.data_processing.split_checks import refuse_impossible_split

logger = logging.getLogger(__name__)

CELL_INCHES = 1.9
TITLE_INCHES = 0.5
TITLE_LETTERS = 120


class Images(Protocol):
    """What these nodes ask of a set of images."""

    def listed_ids(self) -> set[str]:
        """The ids of the files that exist."""

    def __getitem__(self, image: str) -> npt.NDArray[np.uint8]:
        """One image, RGB of shape (height, width, 3)."""


def record_data_version(data_source: Mapping[str, str]) -> dict[str, str]:
    """Note which data this is, so that later runs go on with the same.

    Args:
        data_source: repository, host, branch, commit and notice.

    Returns:
        The same without the notice.
    """
    return {name: value for name, value in data_source.items() if name != "notice"}


def check_labels(
    table: pd.DataFrame, images: Images, columns: Columns, parameters: DataProcessingParameters
) -> pd.DataFrame:
    """Refuse a label table that can't be trained on, and rename its columns.

    Args:
        table: the label table, all text.
        images: the images that its rows should name.
        columns: what the table calls its columns and classes.
        parameters: whether image files without a row are refused.

    Returns:
        `image`, `patient`, `label` and, where it is named, `centre`: all text, in the order of the rows.

    Raises:
        UserError: a column is missing, or a row is not as it must be.
    """
    checked = select_columns(table, columns)
    listed = images.listed_ids()
    if parameters.unlabelled_images == "ignore":
        listed = _leave_out_unlabelled(listed, set(checked["image"]))
    refuse_mistakes(checked, listed, columns)
    return checked


def _leave_out_unlabelled(listed: set[str], labelled: set[str]) -> set[str]:
    ignored = len(listed - labelled)
    if ignored:
        logger.warning("%d image files have no row in the label table and are ignored.", ignored)
    return listed & labelled


def label_classes(checked: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Number the classes.

    Args:
        checked: from `check_labels`.
        columns: the classes in order.

    Returns:
        The table with `int_labels` (int64): of two classes the positive one is 1.
    """
    numbers = {name: number for number, name in enumerate(columns.ordered_classes)}
    return checked.assign(int_labels=checked["label"].map(numbers).astype("int64"))


def split_patients(labelled: pd.DataFrame, parameters: DataProcessingParameters) -> pd.DataFrame:
    """Divide the images into folds: with about the same share of each class, or one for each centre.

    Args:
        labelled: from `label_classes`.
        parameters: method, number of folds and seed.

    Returns:
        The table with `fold` (int64), from 0.

    Raises:
        UserError: a class is too small for so many folds, or the centres do not fit these.
    """
    split = parameters.split
    refuse_impossible_split(labelled, split)
    folds = _number_centres(labelled) if split.method == "by_centre" else _divide(labelled, split)
    return labelled.assign(fold=folds)


def _number_centres(labelled: pd.DataFrame) -> "pd.Series[int]":
    """By name, with 2 before 10."""
    names = sorted(labelled["centre"].unique(), key=lambda name: (len(name), name))
    numbers = {name: number for number, name in enumerate(names)}
    return labelled["centre"].map(numbers).astype("int64")


def _divide(labelled: pd.DataFrame, split: SplitParameters) -> "pd.Series[int]":
    # Kedro imports this file for every command, and scikit-learn takes a second.
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # noqa: PLC0415

    ordered = labelled.sort_values("image")
    folds = pd.Series(-1, index=ordered.index, dtype="int64")
    by_patient = split.method == "by_patient"
    kind = StratifiedGroupKFold if by_patient else StratifiedKFold
    parts = kind(n_splits=split.folds, shuffle=True, random_state=split.seed).split(
        ordered, ordered["int_labels"], ordered["patient"] if by_patient else None
    )
    for fold, (_, held_out) in enumerate(parts):
        folds.iloc[held_out] = fold
    return folds


def summarize_splits(
    splits: pd.DataFrame, columns: Columns, parameters: DataProcessingParameters
) -> dict[str, Any]:
    """Count patients and images in each fold, and those patients that are in several.

    Args:
        splits: from `split_patients`.
        columns: the classes in order.
        parameters: method and seed.

    Returns:
        Plain numbers for JSON: method, seed, leaks, patients_on_both_sides,
        patients_with_several_labels, the counts of all rows and, under "folds", those of each fold, with its
        `centre` where each centre is a fold.

    Raises:
        RuntimeError: a split by patient has a patient in two folds.
    """
    by_patient = splits.groupby("patient")
    shared = int((by_patient["fold"].nunique() > 1).sum())
    several_labels = int((by_patient["label"].nunique() > 1).sum())
    _judge_overlap(parameters.split.method, shared)
    if several_labels:
        logger.warning("%d patients have images of more than one class.", several_labels)
    return {
        "method": parameters.split.method,
        "seed": parameters.split.seed,
        "leaks": shared > 0,
        "patients_on_both_sides": shared,
        "patients_with_several_labels": several_labels,
        **_count_rows(splits, columns),
        "folds": [
            {"fold": fold, **_name_centre(rows, parameters.split), **_count_rows(rows, columns)}
            for fold, rows in splits.groupby("fold")
        ],
    }


def _name_centre(rows: pd.DataFrame, split: SplitParameters) -> dict[str, str]:
    return {"centre": rows["centre"].iloc[0]} if split.method == "by_centre" else {}


def _judge_overlap(method: str, shared: int) -> None:
    if not shared:
        return
    if method == "by_patient":
        raise RuntimeError(f"{shared} patients are in more than one fold of a split by patient")
    logger.warning(
        "This split leaks: %d patients have images in several folds, so that scores on the held-out images "
        "are too good. Set data_processing.split.method to by_patient in %s.",
        shared,
        PARAMETERS,
    )


def _count_rows(rows: pd.DataFrame, columns: Columns) -> dict[str, Any]:
    by_label = {name: rows[rows["label"] == name] for name in columns.ordered_classes}
    return {
        "patients": rows["patient"].nunique(),
        "images": len(rows),
        "images_per_class": {name: len(part) for name, part in by_label.items()},
        "patients_per_class": {name: part["patient"].nunique() for name, part in by_label.items()},
    }


def draw_contact_sheet(
    labelled: pd.DataFrame,
    images: Images,
    columns: Columns,
    parameters: DataProcessingParameters,
    data_source: Mapping[str, str],
) -> Figure:
    """Show a few images of each class, one row a class.

    Args:
        labelled: from `label_classes`.
        images: streams the ones that are chosen, and no other.
        columns: the classes in order.
        parameters: how many images, and the seed that chooses them.
        data_source: its "notice" says what the data are.

    Returns:
        A figure with ids under the images and the notice above all.
    """
    sheet = parameters.contact_sheet
    width = sheet.images_per_class
    figure = Figure((CELL_INCHES * width, CELL_INCHES * len(columns.classes) + TITLE_INCHES))
    figure.set_layout_engine("constrained")
    grid = figure.subplots(len(columns.classes), width, squeeze=False)
    for cells, label in zip(grid, columns.ordered_classes, strict=True):
        of_class = labelled.loc[labelled["label"] == label, "image"]
        chosen = of_class.sample(min(width, len(of_class)), random_state=sheet.seed)
        for cell, image in zip(cells, chosen, strict=False):
            _show(cell, images[image], f"{label}\n{image}")
        for cell in cells[len(chosen) :]:
            cell.set_axis_off()
    figure.suptitle(textwrap.fill(data_source["notice"], TITLE_LETTERS), fontsize=9, color="firebrick")
    return figure


def _show(cell: Axes, pixels: npt.NDArray[np.uint8], title: str) -> None:
    cell.imshow(pixels)
    cell.set_title(title, fontsize=7)
    # A frame shows where a white slide ends.
    cell.set(xticks=[], yticks=[], anchor="N")
    cell.spines[:].set_color("lightgray")
