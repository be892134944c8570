"""The article's protocol: what its accuracy is worth, and that conf/article is that protocol."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader

from mayo_kedro.pipelines.data_processing.nodes import split_patients
from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.reporting.page.accuracy_worth import weigh_random_split
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.evaluation import evaluate
from mayo_kedro.pipelines.reporting.scores.siblings import Siblings, count_siblings

from .examples import TWO, make_facts, make_predictions, make_splits, name_columns

CONF = Path(__file__).parents[3] / "conf"
FEW = ReportingParameters(bootstrap_samples=200)


@pytest.fixture
def article() -> dict[str, dict[str, object]]:
    loader = OmegaConfigLoader(
        str(CONF),
        base_env="base",
        default_run_env="article",
        merge_strategy={"parameters": "soft", "globals": "soft"},
    )
    return dict(loader["parameters"])


def test_the_article_is_a_matter_of_configuration(article: dict[str, dict[str, object]]) -> None:
    split = DataProcessingParameters.model_validate(article["data_processing"]).split
    assert (split.method, split.folds) == ("random", 5)
    modelling = ModellingParameters.model_validate(article["modelling"])
    assert (modelling.backbone, modelling.image_size) == ("EfficientNetB5", 512)
    ceiling = ReportingParameters.model_validate(article["reporting"]).ceiling
    assert (ceiling.auc, ceiling.weighted_log_loss) == (0.75, 0.62)


def test_siblings_by_hand() -> None:
    splits = pd.DataFrame({"image": list("abcdef"), "patient": list("ppqqrs"), "fold": [0, 1, 0, 0, 0, 1]})
    judged = splits[splits["fold"] == 0].assign(
        label=["no", "no", "yes", "yes"], int_labels=[0, 0, 1, 1], probability_yes=[0.1, 0.8, 0.9, 0.7]
    )
    judged["probability_no"] = 1 - judged["probability_yes"]
    # Only p has an image in the other fold; q's two are judged together.
    found = count_siblings(judged, splits, name_columns(TWO))
    assert found == Siblings(4, 1, 1.0, pytest.approx(2 / 3))


def simulate(skill: float, memory: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A random split of patients with siblings, whose trained images the model knows by heart."""
    predictions = make_predictions(TWO, patients=300, skill=skill)
    labelled = make_splits(predictions).drop(columns="fold")
    parameters = DataProcessingParameters.model_validate({"split": {"method": "random"}})
    splits = split_patients(labelled, parameters)
    judged = predictions.assign(fold=splits["fold"])
    seen = judged.groupby("patient")["fold"].transform("nunique") > 1
    known = seen & (np.random.default_rng(5).uniform(size=len(judged)) < memory)
    truth = np.eye(2)[judged["int_labels"]] * 0.9 + 0.05
    names = ["probability_no", "probability_yes"]
    judged[names] = np.where(known.to_numpy()[:, None], truth, judged[names])
    return judged[judged["fold"] == 0], splits


@pytest.mark.parametrize(("memory", "headline"), [(0.0, "not shown to be better"), (0.9, "is better")])
def test_an_accuracy_of_nothing_but_memory_is_found_out(memory: float, headline: str) -> None:
    judged, splits = simulate(skill=0, memory=memory)
    columns = name_columns(TWO)
    metrics = evaluate(judged, splits, make_facts(splits), columns, FEW)
    worth = weigh_random_split(metrics, judged, splits, "random", columns, 0.95)
    assert worth is not None
    assert headline in worth.headline
    assert worth.headline.endswith("and part of it is memory.")
    siblings = count_siblings(judged, splits, columns)
    assert f"{siblings.with_sibling} of the held-out images" in worth.sentences[2]
    remembered = siblings.accuracy_with - siblings.accuracy_without
    assert (remembered > 0.25) == (memory > 0)


def test_the_standard_error_is_that_of_a_share() -> None:
    judged, splits = simulate(skill=1, memory=0)
    columns = name_columns(TWO)
    metrics = evaluate(judged, splits, make_facts(splits), columns, FEW)
    worth = weigh_random_split(metrics, judged, splits, "random", columns, 0.95)
    assert worth is not None
    share = metrics["image_accuracy"]
    assert f"{100 * np.sqrt(share * (1 - share) / len(judged)):.1f} points" in worth.sentences[0]


def test_a_split_by_patient_needs_no_such_words() -> None:
    predictions = make_predictions(TWO)
    splits, columns = make_splits(predictions), name_columns(TWO)
    assert weigh_random_split({}, predictions, splits, "by_patient", columns, 0.95) is None
    assert count_siblings(predictions, splits, columns).with_sibling == 0
