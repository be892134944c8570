"""Parts of the patients, scored by themselves; and the data in numbers."""

import numpy as np
import pandas as pd
import pytest

from mayo_kedro.pipelines.reporting.data_card import describe_images
from mayo_kedro.pipelines.reporting.page.data_rows import describe_data, describe_subgroups
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.evaluation import evaluate
from mayo_kedro.pipelines.reporting.scores.subgroups import score_subgroups

from .examples import THREE, TWO, make_facts, make_predictions, make_splits, name_columns

FEW = ReportingParameters(bootstrap_samples=100)


def score(predictions: pd.DataFrame, splits: pd.DataFrame, classes: tuple[str, ...] = TWO) -> pd.DataFrame:
    found = score_subgroups(predictions, splits, make_facts(splits), name_columns(classes), FEW)
    return found.set_index(["division", "part"])


def test_the_parts_of_a_division_hold_every_judged_patient_once() -> None:
    predictions = make_predictions(THREE, patients=90)
    splits = make_splits(predictions)
    centres = splits["patient"].str[-2]
    judged = predictions[predictions["fold"] < 3]
    found = score(judged, splits.assign(centre=centres), THREE)
    assert list(found.groupby("division", sort=False).size().index) == [
        "centre",
        "images of the patient",
        "tissue in the image",
    ]
    for _, parts in found.groupby("division"):
        assert parts["patients"].sum() == 54
        for name in THREE:
            of_class = judged.loc[judged["label"] == name, "patient"].nunique()
            assert parts[f"patients_{name}"].sum() == of_class
    assert found.loc["centre"]["patients"].is_monotonic_decreasing


def test_a_part_is_scored_as_if_there_were_no_other() -> None:
    predictions = make_predictions(TWO, patients=90)
    splits = make_splits(predictions)
    found = score(predictions, splits).loc[("images of the patient", "2")]
    alone = predictions[predictions.groupby("patient")["image"].transform("size") == 2]
    alone_splits = make_splits(alone)
    expected = evaluate(alone, alone_splits, make_facts(alone_splits), name_columns(TWO), FEW)
    for name in ("auc", "auc_low", "auc_high", "weighted_log_loss", "weighted_log_loss_high"):
        assert found[name] == pytest.approx(expected[f"patient_{name}"])


def test_a_weak_centre_stands_out() -> None:
    predictions = make_predictions(TWO, patients=120, skill=2.5)
    weak = predictions["patient"].str[-2].isin(["0", "1", "2"])
    names = ["probability_no", "probability_yes"]
    predictions.loc[weak, names] = np.random.default_rng(3).dirichlet([1, 1], weak.sum())
    splits = make_splits(predictions).assign(centre=np.where(weak, "weak", "strong"))
    found = score(predictions, splits).loc["centre"]
    assert found.loc["weak", "auc_high"] < found.loc["strong", "auc_low"]


def test_too_few_patients_have_no_score() -> None:
    predictions = make_predictions(TWO)
    small = predictions["patient"] < "00007"
    splits = make_splits(predictions).assign(centre=np.where(small, "small", "large"))
    found = score(predictions, splits).loc["centre"]
    assert found.loc["small", "patients"] == 7
    assert np.isnan(found.loc["small", "auc"])
    assert np.isfinite(found.loc["large", "auc"])
    table = found.reset_index().assign(division="centre")
    written = describe_subgroups(table, "by_patient", name_columns(TWO))
    assert [row["AUC"] for row in written["centre"]][1] == "too few"
    assert [row["Centre"] for row in written["centre"]] == ["large", "small"]


def test_tissue_that_is_not_known_makes_no_division() -> None:
    predictions = make_predictions(TWO)
    splits = make_splits(predictions)
    facts = make_facts(splits).assign(tissue_share=np.nan)
    found = score_subgroups(predictions, splits, facts, name_columns(TWO), FEW)
    assert set(found["division"]) == {"images of the patient"}


def test_the_data_in_numbers() -> None:
    splits = make_splits(make_predictions(TWO, patients=6)).assign(centre=list("aabbcccabcab"))
    facts = make_facts(splits).assign(width=[100] * 12, bytes=250_000)
    facts.loc[3, ["width", "height", "tissue_share"]] = np.nan
    columns = name_columns(TWO)
    card = describe_images(splits, facts, columns)
    assert (card["patients"], card["images"], card["centres"]) == (6, 12, 3)
    assert card["patients_by_images"] == {"1": 2, "2": 2, "3 or more": 2}
    assert sum(card["images_per_class"].values()) == 12
    assert card["width"] == [100, 100, 100]
    assert card["height"] == [facts["height"].min(), facts["height"].median(), facts["height"].max()]
    assert (card["megabytes"], card["undecodable"]) == (3.0, 1)
    words = describe_data(card, columns)
    assert words["Width"] == "100 pixels throughout"
    assert words["Images of a patient"] == "1: 2 patients; 2: 2 patients; 3 or more: 2 patients"
    assert words["Cannot be decoded"] == "1 image"


def test_what_is_not_known_of_the_data_is_left_out() -> None:
    splits = make_splits(make_predictions(TWO))
    unreadable = make_facts(splits).assign(width=np.nan, height=np.nan, tissue_share=np.nan)
    words = describe_data(describe_images(splits, unreadable, name_columns(TWO)), name_columns(TWO))
    assert words.keys() & {"Width", "Height", "Tissue in an image", "Centres"} == set()
