"""What is on both sides of a split: patients, pictures, centres; and folds that lack a class."""

from collections.abc import Iterator

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.leaks.alarms import Alarm, Row
from mayo_kedro.pipelines.reporting.leaks.near_duplicates import find_duplicates
from mayo_kedro.pipelines.reporting.wording import count_of

SPLIT_SETTING = "data_processing.split.method"


def look_across_folds(
    splits: pd.DataFrame, image_facts: pd.DataFrame, columns: Columns, duplicate_bits: int
) -> Iterator[Alarm]:
    """Look for what the training has seen of what it is judged on.

    Args:
        splits: every image with patient, label, fold and, where it is known, centre.
        image_facts: with the perceptual hashes.
        columns: names the classes.
        duplicate_bits: hashes that differ in at most so many bits are of the same picture.
    """
    yield from _find_patients(splits)
    yield from _find_copies(splits, image_facts, duplicate_bits)
    yield from _find_centres(splits)
    yield from _find_one_sided_folds(splits, columns)


def _find_patients(splits: pd.DataFrame) -> Iterator[Alarm]:
    rows = _spread(splits, "patient")
    if rows:
        yield Alarm(
            "patients_across_folds",
            True,
            f"{count_of(len(rows), 'patient')} on both sides",
            "Images of the same patient are in more than one fold, so that the network was judged on "
            f"patients it was trained with. Set {SPLIT_SETTING} to by_patient.",
            rows,
        )


def _spread(splits: pd.DataFrame, column: str) -> list[Row]:
    """The values of a column that are in several folds, those with the most images first."""
    folds = (
        splits.groupby(column)["fold"]
        .agg(list)
        .sort_values(key=lambda lists: -lists.str.len(), kind="stable")
    )
    return [
        {column: str(name), "images": len(numbers), "folds": ", ".join(map(str, sorted(set(numbers))))}
        for name, numbers in folds.items()
        if len(set(numbers)) > 1
    ]


def _find_copies(splits: pd.DataFrame, image_facts: pd.DataFrame, bits: int) -> Iterator[Alarm]:
    known = splits.set_index("image")[["patient", "label", "fold"]]
    pairs = find_duplicates(image_facts[image_facts["image"].isin(known.index)], bits)
    one, other = (known.loc[pairs[side]].reset_index() for side in ("image", "other"))
    apart = (one["fold"] != other["fold"]).to_numpy()
    rows: list[Row] = [
        {
            "image": str(first["image"]),
            "patient": str(first["patient"]),
            "fold": int(first["fold"]),
            "same picture as": str(second["image"]),
            "of patient": str(second["patient"]),
            "in fold": int(second["fold"]),
            "bits apart": int(difference),
        }
        for first, second, difference in zip(
            one[apart].to_dict("records"), other[apart].to_dict("records"), pairs["bits"][apart], strict=True
        )
    ]
    if rows:
        yield Alarm(
            "duplicates_across_folds",
            True,
            f"{count_of(len(rows), 'pair')} of near-duplicate images on both sides",
            "Images that look the same are in different folds, so that the network was judged on pictures it "
            "was trained with. Give the copies one patient in the label table, or take them out of it.",
            rows,
        )


def _find_centres(splits: pd.DataFrame) -> Iterator[Alarm]:
    rows = _spread(splits, "centre") if "centre" in splits else []
    if rows:
        yield Alarm(
            "centres_across_folds",
            False,
            f"{count_of(len(rows), 'centre')} on both sides",
            "Each of these centres is in more than one fold: the numbers hold for more patients of the same "
            f"centres, and tell nothing of a new one. To leave centres out, set {SPLIT_SETTING} to by_centre "
            "and data_processing.split.folds to their number.",
            rows,
        )


def _find_one_sided_folds(splits: pd.DataFrame, columns: Columns) -> Iterator[Alarm]:
    rows: list[Row] = [
        {"fold": int(str(fold)), "images": len(part), "only class": str(part["label"].iloc[0])}
        for fold, part in splits.groupby("fold")
        if part["label"].nunique() == 1
    ]
    if rows:
        yield Alarm(
            "folds_of_one_class",
            False,
            f"{count_of(len(rows), 'fold')} with one class only",
            f"A fold should hold patients of each of {', '.join(columns.ordered_classes)}. By itself such a "
            "fold can't be judged, and among others it makes the network of its fold look better or worse "
            "than it is.",
            rows,
        )
