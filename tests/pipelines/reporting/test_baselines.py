"""Answers that need no network, and whether the model is clear of them."""

import numpy as np
import pandas as pd
import pytest

from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.baselines import guess_by_size, share_classes
from mayo_kedro.pipelines.reporting.scores.evaluation import evaluate
from mayo_kedro.pipelines.reporting.scores.judged import judge_images, judge_patients
from mayo_kedro.pipelines.reporting.scores.simple_models import cross_validate

from .examples import THREE, TWO, make_facts, make_predictions, make_splits, name_columns

FEW = ReportingParameters(bootstrap_samples=300)


def keep_rare(predictions: pd.DataFrame) -> pd.DataFrame:
    """Thirty patients of "no" and ten of "yes"."""
    return predictions[(predictions["label"] == "no") | (predictions["patient"] < "00020")]


def score(predictions: pd.DataFrame, facts: pd.DataFrame | None = None) -> dict[str, float]:
    splits = make_splits(predictions)
    facts = make_facts(splits) if facts is None else facts
    return evaluate(predictions, splits, facts, name_columns(TWO), FEW)


def test_constants_by_hand() -> None:
    found = score(keep_rare(make_predictions(TWO)))
    assert found["patient_weighted_log_loss_even"] == pytest.approx(np.log(2))
    assert found["patient_weighted_log_loss_prior"] == pytest.approx(-(np.log(0.75) + np.log(0.25)) / 2)
    assert found["patient_weighted_log_loss_majority"] == pytest.approx(-np.log(1e-15) / 2)
    for name in ("even", "prior", "majority"):
        assert found[f"patient_auc_{name}"] == 0.5
    assert found["patient_accuracy_majority"] == 0.75
    assert found["patient_balanced_accuracy_majority"] == 0.5
    assert "patient_accuracy_even" not in found


def test_the_prior_is_that_of_all_patients_and_not_of_the_judged() -> None:
    splits = make_splits(keep_rare(make_predictions(TWO)))
    assert share_classes(splits, name_columns(TWO), "patient") == pytest.approx([0.75, 0.25])
    by_image = share_classes(splits, name_columns(TWO), "image")
    assert by_image[1] == pytest.approx((splits["label"] == "yes").mean())


def test_a_difference_is_paired() -> None:
    found = score(make_predictions(TWO))
    name = "patient_weighted_log_loss"
    assert found[f"{name}_over_prior"] == pytest.approx(found[name] - found[f"{name}_prior"])
    # A constant answer costs the same in every resample, so that only the model moves.
    assert found[f"{name}_over_even_low"] == pytest.approx(found[f"{name}_low"] - np.log(2))
    # Both differ from resample to resample, but not independently.
    low, high = found[f"{name}_over_size_low"], found[f"{name}_over_size_high"]
    assert low < found[name] - found[f"{name}_size"] < high
    assert high < found[f"{name}_high"] - found[f"{name}_size_low"]


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_size_predicts_what_follows_from_it_and_no_more(classes: tuple[str, ...]) -> None:
    predictions, columns = make_predictions(classes, patients=120), name_columns(classes)
    splits = make_splits(predictions)
    facts = make_facts(splits)
    by_chance = evaluate(predictions, splits, facts, columns, FEW)
    assert by_chance["patient_auc_size_low"] < 0.5 < by_chance["patient_auc_size_high"]
    leaked = facts.assign(width=facts["width"] + 500 * splits["int_labels"])
    told = evaluate(predictions, splits, leaked, columns, FEW)
    assert told["patient_auc_size_low"] > 0.7
    assert told["patient_auc"] == by_chance["patient_auc"]


def test_size_is_judged_on_the_networks_own_folds() -> None:
    predictions, columns = make_predictions(TWO), name_columns(TWO)
    splits = make_splits(predictions)
    facts = make_facts(splits).assign(width=lambda table: 100 + 100 * splits["int_labels"])
    # In the only other fold of the judged one, the sizes tell the opposite.
    facts["width"] = facts["width"].where(splits["fold"] == 0, 300 - facts["width"])
    judged = predictions[predictions["fold"] == 0]
    guesses = guess_by_size(judged, splits, facts, columns)
    truth = judge_patients(judge_images(judged, columns), columns).labels
    assert (guesses.argmax(axis=1) != truth).all()


def test_images_of_one_size_tell_nothing() -> None:
    predictions = make_predictions(TWO)
    facts = make_facts(make_splits(predictions)).assign(width=224, height=224)
    found = score(predictions, facts)
    assert found["patient_auc_size"] == pytest.approx(0.5, abs=0.1)
    assert found["patient_weighted_log_loss_size"] == pytest.approx(np.log(2), abs=0.01)


def test_a_size_that_is_not_known_is_taken_to_be_the_median() -> None:
    predictions = make_predictions(TWO)
    facts = make_facts(make_splits(predictions))
    facts.loc[::7, ["width", "height"]] = np.nan
    assert np.isfinite(score(predictions, facts)["patient_weighted_log_loss_size"])


def test_nothing_is_learnt_from_folds_of_one_class() -> None:
    labels, folds = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    assert (cross_validate(np.arange(4.0)[:, None], labels, folds, 2) == 0.5).all()


def test_a_class_that_the_other_folds_lack_gets_no_probability() -> None:
    labels, folds = np.array([0, 1, 2, 0, 1]), np.array([1, 1, 0, 2, 2])
    found = cross_validate(np.arange(5.0)[:, None], labels, folds, 3)
    assert found.sum(axis=1) == pytest.approx(np.ones(5))
    assert found[2, 2] == 0
