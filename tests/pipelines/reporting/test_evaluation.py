"""From predictions to numbers, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores import evaluation as scores
from mayo_kedro.pipelines.reporting.scores import resampling
from mayo_kedro.pipelines.reporting.scores.judged import Judged, judge_images, judge_patients
from mayo_kedro.pipelines.reporting.scores.metrics import weighted_log_loss

from .examples import THREE, TWO, make_facts, make_predictions, make_splits, name_columns


def evaluate(
    predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> dict[str, float]:
    """Score predictions of every image there is."""
    splits = make_splits(predictions.drop_duplicates("image"))
    return scores.evaluate(predictions, splits, make_facts(splits), columns, parameters)


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


def test_what_several_seeds_gave_an_image_is_averaged_first() -> None:
    predictions, columns = make_predictions(TWO), name_columns(TWO)
    other = make_predictions(TWO, seed=2)
    # Twice as many networks saw the first image; it must not count more.
    again = predictions.head(1).assign(seed=3)
    seeds = pd.concat([predictions.assign(seed=1), other.assign(seed=2), again])
    names = ["probability_no", "probability_yes"]
    means = predictions.assign(**((predictions[names] + other[names]) / 2))
    means.loc[0, names] = (2 * predictions.loc[0, names] + other.loc[0, names]) / 3
    assert evaluate(seeds, columns, FEW) == pytest.approx(evaluate(means, columns, FEW))


def test_predictions_of_other_images_than_the_splits_are_refused() -> None:
    predictions = make_predictions(TWO)
    splits = make_splits(predictions)
    with pytest.raises(UserError, match=r"1 predictions are of images.*00000_0.*\n.*modelling"):
        scores.evaluate(predictions, splits.iloc[1:], make_facts(splits), name_columns(TWO), FEW)


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


def test_the_calibration_error_of_honest_probabilities_reaches_down_to_nothing() -> None:
    columns, reached = name_columns(TWO), 0
    for seed in range(10):
        draw = np.random.default_rng(seed)
        probability = draw.uniform(0.05, 0.95, 120)
        happened = (draw.uniform(size=120) < probability).astype(int)
        honest = pd.DataFrame(
            {
                "image": np.arange(120).astype(str),
                "patient": np.arange(120).astype(str),
                "label": np.array(TWO)[happened],
                "int_labels": happened,
                "fold": 0,
                "probability_no": 1 - probability,
                "probability_yes": probability,
            }
        )
        found = evaluate(honest, columns, FEW)
        assert found["patient_calibration_error"] > 0.03
        reached += found["patient_calibration_error_low"] < 0.02
    # The ends of the plain percentile intervals never do.
    assert reached >= 6


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    columns = name_columns(TWO)

    def judge(patients: int, seed: int) -> Judged:
        return judge_patients(judge_images(make_predictions(TWO, patients, 0.5, seed), columns), columns)

    many = judge(4000, 99)
    (truth,) = weighted_log_loss(many.labels, many.probabilities, np.ones((1, 4000)))
    covered = 0
    for seed in range(60):
        few = judge(60, seed)
        (weights,) = resampling.resample_patients(few.labels, 150, seed)
        drawn = weighted_log_loss(few.labels, few.probabilities, weights)
        low, high = resampling.find_interval(drawn, 0.8)
        covered += low < truth < high
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
        {"operating_points": [1]},
        {"ceiling": {"auc": 0.4}},
        {"duplicate_bits": 64},
        {"most_wrong": 0},
        {"bootstrap_sample": 10},
    ],
)
def test_parameters_refuse_mistakes(mistake: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(mistake))):
        ReportingParameters(**mistake)
