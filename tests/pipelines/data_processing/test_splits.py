"""Folds: patients stay together, classes are spread, the seed decides."""

import json
import logging
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.data_processing.nodes import label_classes, split_patients, summarize_splits
from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters

from .tables import COLUMNS

FOLDS = 3


def settings_for(method: str = "by_patient", folds: int = FOLDS, seed: int = 1) -> DataProcessingParameters:
    return DataProcessingParameters.model_validate(
        {"split": {"method": method, "folds": folds, "seed": seed}}
    )


def labelled(images_of_patients: dict[str, list[int]]) -> pd.DataFrame:
    """A row for each image: for each class, how many images each of its patients has."""
    rows = [
        (f"{label}{patient}_{image}", f"{label}{patient}", label)
        for label, counts in images_of_patients.items()
        for patient, count in enumerate(counts)
        for image in range(count)
    ]
    return label_classes(pd.DataFrame(rows, columns=["image", "patient", "label"]), COLUMNS)


patients = st.lists(st.integers(1, 4), min_size=FOLDS, max_size=25)
tables = st.fixed_dictionaries({"red": patients, "blue": patients}).map(labelled)
seeds = st.integers(0, 2**32 - 1)


@given(tables, seeds)
@settings(deadline=None, max_examples=60)
def test_no_patient_is_in_two_folds_and_every_fold_has_every_class(table: pd.DataFrame, seed: int) -> None:
    splits = split_patients(table, settings_for(seed=seed))
    assert splits.drop(columns="fold").equals(table)
    assert splits["fold"].dtype == np.int64
    assert set(splits["fold"]) == set(range(FOLDS))
    assert (splits.groupby("patient")["fold"].nunique() == 1).all()
    assert (splits.groupby("label")["fold"].nunique() == FOLDS).all()


@given(tables, seeds)
@settings(deadline=None, max_examples=60)
def test_images_of_a_class_differ_between_folds_by_no_more_than_one_patient(
    table: pd.DataFrame, seed: int
) -> None:
    splits = split_patients(table, settings_for(seed=seed))
    counts = splits.groupby(["label", "fold"]).size().unstack()
    largest_patient = splits.groupby(["label", "patient"]).size().groupby("label").max()
    assert (counts.max(axis=1) - counts.min(axis=1) <= largest_patient).all()


@given(tables, seeds, st.sampled_from(["by_patient", "random"]), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_same_seed_gives_the_same_folds_in_whatever_order_the_rows_come(
    table: pd.DataFrame, seed: int, method: str, random: Random
) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    first = split_patients(table, settings_for(method, seed=seed))
    second = split_patients(table.iloc[order], settings_for(method, seed=seed))
    assert second["image"].tolist() == table["image"].iloc[order].tolist()
    pd.testing.assert_series_equal(
        first.set_index("image")["fold"].sort_index(), second.set_index("image")["fold"].sort_index()
    )


def test_another_seed_gives_other_folds() -> None:
    table = labelled({"red": [1] * 20, "blue": [1] * 20})
    first, second = (split_patients(table, settings_for(seed=seed))["fold"] for seed in (1, 2))
    assert not first.equals(second)


def test_random_split_balances_images_and_leaks(caplog: pytest.LogCaptureFixture) -> None:
    splits = split_patients(labelled({"red": [3] * 6, "blue": [3] * 4}), settings_for("random"))
    summary = summarize_splits(splits, COLUMNS, settings_for("random"))
    assert [fold["images_per_class"] for fold in summary["folds"]] == [{"red": 6, "blue": 4}] * 3
    assert summary["leaks"] is True
    assert summary["patients_on_both_sides"] == (splits.groupby("patient")["fold"].nunique() > 1).sum() > 0
    assert "This split leaks" in caplog.text


def test_random_split_of_patients_with_one_image_each_does_not_leak() -> None:
    splits = split_patients(labelled({"red": [1] * 6, "blue": [1] * 4}), settings_for("random"))
    summary = summarize_splits(splits, COLUMNS, settings_for("random"))
    assert (summary["leaks"], summary["patients_on_both_sides"]) == (False, 0)


def test_summary_counts_patients_and_images() -> None:
    splits = split_patients(labelled({"red": [2, 2, 2], "blue": [1, 1, 1]}), settings_for())
    fold = {
        "patients": 2,
        "images": 3,
        "images_per_class": {"red": 2, "blue": 1},
        "patients_per_class": {"red": 1, "blue": 1},
    }
    summary = summarize_splits(splits, COLUMNS, settings_for())
    assert json.loads(json.dumps(summary)) == {
        "method": "by_patient",
        "seed": 1,
        "leaks": False,
        "patients_on_both_sides": 0,
        "patients_with_several_labels": 0,
        "patients": 6,
        "images": 9,
        "images_per_class": {"red": 6, "blue": 3},
        "patients_per_class": {"red": 3, "blue": 3},
        "folds": [{"fold": number, **fold} for number in range(FOLDS)],
    }


def test_summary_refuses_a_split_by_patient_with_a_patient_in_two_folds() -> None:
    splits = split_patients(labelled({"red": [2, 1, 1], "blue": [1, 1, 1]}), settings_for())
    one_of_two = splits["image"] == "red0_0"
    splits.loc[one_of_two, "fold"] = (splits.loc[one_of_two, "fold"] + 1) % FOLDS
    with pytest.raises(RuntimeError, match="1 patients are in more than one fold"):
        summarize_splits(splits, COLUMNS, settings_for())


def test_patient_with_two_labels_stays_in_one_fold_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    table = labelled({"red": [2] * 4, "blue": [2] * 4}).replace({"patient": {"blue3": "red0"}})
    splits = split_patients(table, settings_for())
    assert splits.loc[splits["patient"] == "red0", "fold"].nunique() == 1
    with caplog.at_level(logging.WARNING):
        summary = summarize_splits(splits, COLUMNS, settings_for())
    assert summary["patients_with_several_labels"] == 1
    assert "1 patients have images of more than one class" in caplog.text


@pytest.mark.parametrize(
    ("method", "counts", "message"),
    [
        (
            "by_patient",
            {"red": [1] * 9, "blue": [5, 5]},
            "Class 'blue' has 2 patients, too few for 3 folds.\nSet data_processing.split.folds in "
            "conf/base/parameters_data_processing.yml to 2, or add patients of that class.",
        ),
        (
            "by_patient",
            {"red": [1] * 9, "blue": [5]},
            "Class 'blue' has 1 patient, too few for 3 folds.\nAdd patients of that class.",
        ),
        (
            "random",
            {"red": [1] * 9, "blue": [2]},
            "Class 'blue' has 2 images, too few for 3 folds.\nSet data_processing.split.folds in "
            "conf/base/parameters_data_processing.yml to 2, or add images of that class.",
        ),
    ],
)
def test_class_smaller_than_the_number_of_folds(
    method: str, counts: dict[str, list[int]], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        split_patients(labelled(counts), settings_for(method))
    assert str(caught.value) == message


def test_positive_class_has_number_one_and_three_classes_are_numbered_as_listed() -> None:
    table = pd.DataFrame({"label": ["blue", "red", "red"]})
    assert label_classes(table, COLUMNS)["int_labels"].tolist() == [1, 0, 0]
    three = Columns(image="i", patient="p", label="l", classes=("blue", "red", "green"))
    numbers = label_classes(pd.DataFrame({"label": ["green", "red", "blue"]}), three)["int_labels"]
    assert numbers.tolist() == [2, 1, 0]
    assert numbers.dtype == np.int64


@pytest.mark.parametrize(
    "wrong",
    [
        {"split": {"folds": 1}},
        {"split": {"method": "by_image"}},
        {"split": {"fold": 5}},
        {"split": {"seed": -1}},
        {"contact_sheet": {"images_per_class": 0}},
        {"splits": {}},
    ],
)
def test_parameters_that_make_no_sense_or_are_misspelt(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"folds?|method|seed|images_per_class|splits"):
        DataProcessingParameters.model_validate(wrong)


def with_centres(centres: int) -> pd.DataFrame:
    """Two patients of each class in each centre, the first centre ten times as large."""
    rows = [
        (f"{label}-{centre}-{patient}", f"{label}-{centre}-{patient}", label, f"centre {centre}")
        for centre in range(centres)
        for label in ("red", "blue")
        for patient in range(20 if centre == 0 else 2)
    ]
    return label_classes(pd.DataFrame(rows, columns=["image", "patient", "label", "centre"]), COLUMNS)


@pytest.mark.parametrize("centres", [2, 12])
def test_each_centre_is_left_out_once(centres: int) -> None:
    splits = split_patients(with_centres(centres), settings_for("by_centre", folds=centres))
    assert splits["fold"].dtype == np.int64
    # By name, but centre 10 comes after centre 2.
    assert (splits["centre"] == "centre " + splits["fold"].astype(str)).all()
    summary = summarize_splits(splits, COLUMNS, settings_for("by_centre", folds=centres))
    assert [fold["centre"] for fold in summary["folds"]] == [f"centre {fold}" for fold in range(centres)]
    assert [fold["patients"] for fold in summary["folds"]] == [40] + [4] * (centres - 1)
    assert summary["leaks"] is False


@pytest.mark.parametrize("folds", [2, 5])
def test_other_folds_than_centres_are_refused_with_their_number(folds: int) -> None:
    with pytest.raises(UserError, match=r"has 3 centres, .* but . folds.*\n.*split\.folds in conf.* to 3,"):
        split_patients(with_centres(3), settings_for("by_centre", folds=folds))


def test_one_centre_cannot_be_left_out() -> None:
    with pytest.raises(UserError, match=r"one centre, so that none can be left out.*\n.*to by_patient"):
        split_patients(with_centres(1), settings_for("by_centre", folds=2))


def test_a_centre_without_a_class_is_named() -> None:
    table = with_centres(3)
    table = table[(table["centre"] != "centre 1") | (table["label"] == "blue")]
    with pytest.raises(UserError, match=r"Centre 'centre 1' has no patient of class 'red'.*\n.*by_patient"):
        split_patients(table, settings_for("by_centre", folds=3))


def test_a_patient_of_two_centres_is_a_leak(caplog: pytest.LogCaptureFixture) -> None:
    table = with_centres(3)
    table.loc[table["patient"] == "red-1-0", "patient"] = "red-2-0"
    summary = summarize_splits(
        split_patients(table, settings_for("by_centre", folds=3)), COLUMNS, settings_for("by_centre", folds=3)
    )
    assert summary["patients_on_both_sides"] == 1
    assert "This split leaks" in caplog.text


def test_a_split_by_centres_that_nobody_named_is_refused() -> None:
    with pytest.raises(UserError, match=r"needs to know the centre.*\n.*columns\.centre"):
        split_patients(labelled({"red": [1] * 4, "blue": [1] * 4}), settings_for("by_centre"))
