"""Planted faults: each raises its alarm, with the rows, and honest data raise none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.pipelines.reporting import nodes
from mayo_kedro.pipelines.reporting.leaks.alarms import KINDS, Alarm, count_alarms
from mayo_kedro.pipelines.reporting.leaks.near_duplicates import find_close
from mayo_kedro.pipelines.reporting.leaks.search import look_above_ceiling, look_for_leaks
from mayo_kedro.pipelines.reporting.parameters import Ceiling, ReportingParameters

from .examples import THREE, TWO, make_facts, make_predictions, make_splits, name_columns

FEW = ReportingParameters(bootstrap_samples=300)
HONEST = {"patient_auc": 0.66, "patient_auc_low": 0.6, "patient_auc_high": 0.72} | {
    f"patient_weighted_log_loss{end}": loss for end, loss in {"": 0.65, "_low": 0.63, "_high": 0.67}.items()
}


def name_as_hospitals_do(predictions: pd.DataFrame) -> pd.DataFrame:
    """Ids without an order, unlike those of the other examples, which the classes follow in turn."""
    draw = np.random.default_rng(8)
    names = {name: f"{draw.integers(16**6):06x}" for name in predictions["patient"].unique()}
    patients = predictions["patient"].map(names)
    return predictions.assign(patient=patients, image=patients + predictions["image"].str[-2:])


@pytest.fixture
def splits() -> pd.DataFrame:
    return make_splits(name_as_hospitals_do(make_predictions(TWO, patients=90)))


def search(
    splits: pd.DataFrame, facts: pd.DataFrame | None = None, classes: tuple[str, ...] = TWO
) -> dict[str, Alarm]:
    facts = make_facts(splits) if facts is None else facts
    found = look_for_leaks(HONEST, splits, facts, name_columns(classes), FEW)
    return {alarm.kind: alarm for alarm in found}


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_honest_data_raise_no_alarm(classes: tuple[str, ...]) -> None:
    splits = make_splits(name_as_hospitals_do(make_predictions(classes, patients=90)))
    # One image each: of three classes, the examples give the last one's patients the most.
    assert search(splits.drop_duplicates("patient"), classes=classes) == {}


def test_a_patient_on_both_sides(splits: pd.DataFrame) -> None:
    (leaked,) = splits.loc[splits["image"].str.endswith("_2"), "patient"].head(1)
    here = (splits["patient"] == leaked) & splits["image"].str.endswith("_2")
    found = search(splits.assign(fold=splits["fold"].mask(here, (splits["fold"] + 1) % 5)))
    assert list(found) == ["patients_across_folds"]
    alarm = found["patients_across_folds"]
    assert alarm.voids
    fold = int(splits.loc[splits["patient"] == leaked, "fold"].iloc[0])
    folds = ", ".join(str(number) for number in sorted([fold, (fold + 1) % 5]))
    assert alarm.rows == [{"patient": leaked, "images": 3, "folds": folds}]
    assert "by_patient" in alarm.message


def copy_picture(facts: pd.DataFrame, source: int, target: int, flipped_bits: int = 0) -> None:
    """Make an image a larger copy of another."""
    copied = facts.loc[source].to_dict()
    copied["hash"] = f"{int(copied['hash'], 16) ^ flipped_bits:016x}"
    copied |= {"image": facts.loc[target, "image"], "bytes": 1}
    facts.loc[target] = copied | {"width": 2 * copied["width"], "height": 2 * copied["height"]}


def test_the_same_picture_under_two_names(splits: pd.DataFrame) -> None:
    facts = make_facts(splits)
    of_fold = {fold: splits.index[splits["fold"] == fold] for fold in (0, 1)}
    copy_picture(facts, of_fold[0][0], of_fold[1][0], flipped_bits=0b101)
    # Within a fold a copy does no harm.
    copy_picture(facts, of_fold[0][2], of_fold[0][8])
    found = search(splits, facts)
    assert list(found) == ["duplicates_across_folds"]
    assert found["duplicates_across_folds"].voids
    (row,) = found["duplicates_across_folds"].rows
    assert {row["image"], row["same picture as"]} == {
        splits.loc[of_fold[fold][0], "image"] for fold in (0, 1)
    }
    assert {row["fold"], row["in fold"]} == {0, 1}
    assert row["bits apart"] == 2


@pytest.mark.parametrize("change", [{"hash": "0123456789abcdef"}, {"red": 255.0, "green": 0.0}, {"width": 1}])
def test_pictures_that_only_resemble_are_no_copies(splits: pd.DataFrame, change: dict[str, object]) -> None:
    facts = make_facts(splits)
    one, other = (splits.index[splits["fold"] == fold][0] for fold in (0, 1))
    facts.loc[one, ["red", "green"]] = 100.0
    copy_picture(facts, one, other)
    assert "duplicates_across_folds" in search(splits, facts)
    facts.loc[other, list(change)] = list(change.values())
    assert "duplicates_across_folds" not in search(splits, facts)


def test_a_label_that_the_size_tells(splits: pd.DataFrame) -> None:
    facts = make_facts(splits)
    facts["height"] += 300 * splits["int_labels"]
    facts["bytes"] = facts["width"] * facts["height"]
    found = search(splits, facts)
    assert list(found) == ["size_predicts_label"]
    alarm = found["size_predicts_label"]
    assert not alarm.voids
    assert [row["class"] for row in alarm.rows] == list(TWO)
    assert alarm.rows[1]["median height"] > alarm.rows[0]["median height"] + 150
    assert "AUC by patient of 0." in alarm.message


def test_a_label_that_the_compression_tells(splits: pd.DataFrame) -> None:
    facts = make_facts(splits)
    share = np.where(splits["label"] == "yes", 0.3, 0.2)
    facts["bytes"] = (facts["width"] * facts["height"] * share).astype(int)
    assert list(search(splits, facts)) == ["compression_predicts_label"]


def test_a_label_that_is_part_of_the_name(splits: pd.DataFrame) -> None:
    marks = pd.Series(np.where(splits["label"] == "yes", "b", "a"), splits.index)
    names = "scan-" + splits["image"].str[:3] + marks + splits["image"].str[3:]
    found = search(splits.assign(image=names))
    assert list(found) == ["name_predicts_label"]
    assert names.min() in str(found["name_predicts_label"].rows)


def test_a_label_that_the_order_of_names_tells(splits: pd.DataFrame) -> None:
    order = splits.sort_values(["label", "image"]).index
    names = pd.Series([f"{number:04d}" for number in range(len(order))], order).reindex(splits.index)
    assert list(search(splits.assign(image=names))) == ["name_predicts_label"]


def test_centres_on_both_sides_are_told_and_those_that_tell_the_label(splits: pd.DataFrame) -> None:
    by_chance = splits.assign(centre=splits["patient"].map(lambda name: str(int(name, 16) % 4)))
    found = search(by_chance)
    assert list(found) == ["centres_across_folds"]
    assert not found["centres_across_folds"].voids
    assert {row["centre"] for row in found["centres_across_folds"].rows} == {"0", "1", "2", "3"}
    telling = splits.assign(centre=by_chance["centre"].where(by_chance["centre"] != "0", splits["label"]))
    assert set(search(telling)) == {"centres_across_folds", "centre_predicts_label"}
    left_out = by_chance.assign(fold=by_chance["centre"].astype(int))
    assert search(left_out) == {}


def test_a_fold_of_one_class(splits: pd.DataFrame) -> None:
    lonely = (splits["fold"] == 2) & (splits["label"] == "no")
    found = search(splits.assign(fold=splits["fold"].mask(lonely, 3)))
    assert list(found) == ["folds_of_one_class"]
    images = int(((splits["fold"] == 2) & (splits["label"] == "yes")).sum())
    assert found["folds_of_one_class"].rows == [{"fold": 2, "images": images, "only class": "yes"}]


def test_a_result_above_the_known_ceiling() -> None:
    known = FEW.model_copy(update={"ceiling": Ceiling(auc=0.75, weighted_log_loss=0.62)})
    assert list(look_above_ceiling(HONEST, known)) == []
    too_good = HONEST | {"patient_auc": 0.8, "patient_weighted_log_loss": 0.6}
    (alarm,) = look_above_ceiling(too_good, known)
    assert alarm.voids
    assert [row["measure"] for row in alarm.rows] == ["AUC", "Weighted log loss"]
    assert [row["best known"] for row in alarm.rows] == [0.75, 0.62]
    assert alarm.rows[0]["here"] == "0.800 [0.600, 0.720]"
    # Of other data none is known.
    assert list(look_above_ceiling(too_good, FEW)) == []


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_labels_leave_nothing_to_be_found(seed: int) -> None:
    predictions = name_as_hospitals_do(make_predictions(TWO, patients=90, skill=2))
    patients = predictions.drop_duplicates("patient")
    shuffled = patients["label"].sample(frac=1, random_state=seed).to_numpy()
    labels = predictions["patient"].map(dict(zip(patients["patient"], shuffled, strict=True)))
    planted = predictions.assign(label=labels, int_labels=(labels == "yes").astype(int))
    splits = make_splits(planted)
    metrics, alarms = nodes.evaluate_predictions(planted, splits, make_facts(splits), name_columns(TWO), FEW)
    assert metrics["patient_auc_low"] < 0.5 < metrics["patient_auc_high"]
    assert metrics["patient_weighted_log_loss_difference_high"] > 0
    assert alarms == {}


def test_alarms_are_counted_among_the_metrics() -> None:
    predictions = name_as_hospitals_do(make_predictions(TWO, patients=90))
    leaking = make_splits(predictions).assign(fold=np.arange(len(predictions)) % 5)
    metrics, alarms = nodes.evaluate_predictions(
        predictions, leaking, make_facts(leaking), name_columns(TWO), FEW
    )
    assert (metrics["leak_alarms"], metrics["leak_alarms_that_void"]) == (1, 1)
    assert metrics["alarm_patients_across_folds"] == len(alarms["patients_across_folds"]["rows"]) > 10
    assert metrics["alarm_size_predicts_label"] == 0
    assert set(count_alarms({})) >= {f"alarm_{kind}" for kind in KINDS}
    assert not any(count_alarms({}).values())


def test_too_few_patients_for_a_cross_validation_raise_nothing() -> None:
    splits = make_splits(make_predictions(TWO, patients=2)).assign(fold=[0, 1, 1])
    assert "size_predicts_label" not in search(splits)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=12), st.integers(0, 8), st.data())
@settings(max_examples=80, deadline=None)
def test_pairs_are_those_that_comparing_all_finds(numbers: list[int], bits: int, data: st.DataObject) -> None:
    flips = data.draw(st.lists(st.tuples(st.sampled_from(numbers), st.integers(0, 63)), max_size=12))
    hashes = np.array(numbers + [number ^ (1 << place) for number, place in flips], dtype=np.uint64)
    expected = {
        (one, other)
        for other in range(len(hashes))
        for one in range(other)
        if (int(hashes[one]) ^ int(hashes[other])).bit_count() <= bits
    }
    assert set(zip(*(side.tolist() for side in find_close(hashes, bits)), strict=True)) == expected
