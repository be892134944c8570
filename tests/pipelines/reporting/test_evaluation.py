"""From predictions to numbers, and what is refused."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.reporting import resampling
from mayo_kedro.pipelines.reporting.evaluation import evaluate
from mayo_kedro.pipelines.reporting.judged import judge_images, judge_patients
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters

from .examples import THREE, TWO, make_predictions, name_columns

FEW = ReportingParameters(bootstrap_samples=200)


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_each_metric_lies_in_its_interval_beside_a_constant_guess(classes: tuple[str, ...]) -> None:
    predictions = make_predictions(classes)
    found = evaluate(predictions, name_columns(classes), FEW)
    chance = 1 / len(classes)
    constants = {"weighted_log_loss": np.log(len(classes)), "auc": 0.5, "balanced_accuracy": chance}
    for level in ("patient", "image"):
        for name, constant in constants.items():
            assert found[f"{level}_{name}_constant"] == pytest.approx(constant)
            low, value, high = (found[f"{level}_{name}{end}"] for end in ("_low", "", "_high"))
            assert low < value < high
            difference = found[f"{level}_{name}_difference"]
            assert difference == pytest.approx(value - constant)
            assert found[f"{level}_{name}_difference_low"] == pytest.approx(low - constant)
    assert found["patient_accuracy_constant"] == pytest.approx(chance)
    assert (found["patients"], found["images"], found["folds_evaluated"]) == (60, len(predictions), 5)
    assert found["patient_auc"] > 0.8 > found["patient_weighted_log_loss"]


def test_the_accuracy_of_a_constant_guess_is_the_commonest_class() -> None:
    predictions = make_predictions(TWO)
    rare = predictions[(predictions["label"] == "no") | (predictions["patient"] < "00020")]
    found = evaluate(rare, name_columns(TWO), FEW)
    assert found["patient_accuracy_constant"] == pytest.approx(30 / 40)
    assert found["image_accuracy_constant"] == pytest.approx((rare["label"] == "no").mean())


def test_patients_are_judged_by_the_mean_of_their_images() -> None:
    predictions = make_predictions(TWO)
    by_patient = predictions.groupby("patient").agg({"int_labels": "first", "probability_yes": "mean"})
    expected = roc_auc_score(by_patient["int_labels"], by_patient["probability_yes"])
    assert evaluate(predictions, name_columns(TWO), FEW)["patient_auc"] == pytest.approx(expected)


def test_the_order_of_rows_changes_no_score() -> None:
    predictions, columns = make_predictions(THREE), name_columns(THREE)
    plain = evaluate(predictions, columns, FEW)
    shuffled = evaluate(predictions.sample(frac=1, random_state=2), columns, FEW)
    for name in (
        "patient_auc",
        "patient_weighted_log_loss",
        "image_brier_score",
        "patient_calibration_error",
    ):
        assert shuffled[name] == pytest.approx(plain[name])


def test_the_same_seed_gives_the_same_intervals() -> None:
    predictions, columns = make_predictions(TWO), name_columns(TWO)
    assert evaluate(predictions, columns, FEW) == evaluate(predictions, columns, FEW)
    other = evaluate(predictions, columns, FEW.model_copy(update={"seed": 2}))
    assert other["patient_auc_low"] != evaluate(predictions, columns, FEW)["patient_auc_low"]


def test_intervals_widen_with_confidence() -> None:
    predictions, columns = make_predictions(TWO), name_columns(TWO)
    wide = evaluate(predictions, columns, FEW.model_copy(update={"confidence": 0.99}))
    narrow = evaluate(predictions, columns, FEW.model_copy(update={"confidence": 0.5}))
    for name in ("patient_auc", "image_weighted_log_loss"):
        assert wide[f"{name}_low"] < narrow[f"{name}_low"] < narrow[f"{name}_high"] < wide[f"{name}_high"]


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    columns, settings = name_columns(TWO), ReportingParameters(bootstrap_samples=150, confidence=0.8)
    truth = evaluate(make_predictions(TWO, 4000, 0.5, seed=99), columns, FEW)["patient_weighted_log_loss"]
    covered = 0
    for seed in range(60):
        found = evaluate(make_predictions(TWO, 60, 0.5, seed=seed), columns, settings)
        covered += found["patient_weighted_log_loss_low"] < truth < found["patient_weighted_log_loss_high"]
    assert 38 <= covered <= 57


def test_resamples_keep_the_patients_of_each_class(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.array([0, 1, 0, 2, 0, 1])
    whole = np.concatenate(list(resampling.resample_patients(labels, 25, 7)))
    assert whole.shape == (25, 6)
    for number, count in enumerate([3, 2, 1]):
        assert (whole[:, labels == number].sum(axis=1) == count).all()
    assert (whole != 1).any()
    monkeypatch.setattr(resampling, "BLOCK_CELLS", 12)
    blocks = list(resampling.resample_patients(labels, 25, 7))
    assert [len(block) for block in blocks] == [2] * 12 + [1]


def test_a_patient_with_images_of_several_classes_is_of_the_commonest() -> None:
    predictions = make_predictions(TWO)
    predictions.loc[predictions["image"] == "00002_0", ["label", "int_labels"]] = ["yes", 1]
    columns = name_columns(TWO)
    patients = judge_patients(judge_images(predictions, columns), columns)
    assert patients.labels[2] == 0


def test_a_class_without_held_out_patients_is_refused() -> None:
    predictions = make_predictions(THREE)
    with pytest.raises(
        UserError, match=r"the class ash, elm.* none of the 20 patients.*\n.*modelling\.folds"
    ):
        evaluate(predictions[predictions["label"] == "oak"], name_columns(THREE), FEW)


def test_a_single_patient_is_refused() -> None:
    predictions = make_predictions(TWO)
    with pytest.raises(UserError, match="the class yes: none of the 1 patients"):
        evaluate(predictions[predictions["patient"] == "00002"], name_columns(TWO), FEW)


def test_no_predictions_at_all_are_refused() -> None:
    with pytest.raises(UserError, match="none of the 0 patients"):
        evaluate(make_predictions(TWO).head(0), name_columns(TWO), FEW)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5])
def test_what_is_no_probability_is_refused(value: float) -> None:
    predictions = make_predictions(TWO)
    predictions.loc[4, "probability_no"] = value
    image = predictions.loc[4, "image"]
    with pytest.raises(
        UserError, match=rf"1 of \d+ predictions are no probabilities.*{image}.*\n.*learning rates"
    ):
        evaluate(predictions, name_columns(TWO), FEW)


def test_predictions_for_other_classes_are_refused() -> None:
    with pytest.raises(UserError, match="lack the column probability_oak, probability_ash, probability_elm"):
        evaluate(make_predictions(TWO), name_columns(THREE), FEW)


@pytest.mark.parametrize(
    "mistake",
    [
        {"bootstrap_samples": 0},
        {"confidence": 1},
        {"confidence": 0},
        {"calibration_bins": 1},
        {"most_wrong": 0},
        {"bootstrap_sample": 10},
    ],
)
def test_parameters_refuse_mistakes(mistake: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(mistake))):
        ReportingParameters(**mistake)
