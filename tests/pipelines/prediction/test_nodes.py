"""The nodes on small networks: what is gathered, seen, refused and told in words."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.prediction import nodes, tables
from mayo_kedro.pipelines.prediction.parameters import PredictionParameters
from mayo_kedro.predictor import Predictor

PARAMETERS = PredictionParameters(nearest=1, quantile=0.98, batch_size=3)


def columns(**settings):
    named = {"image": "image_id", "patient": "patient_id", "label": "label"}
    return Columns(**{**named, "classes": ("CE", "LAA"), "positive": "LAA", **settings})


@pytest.fixture
def predicted(new_images, predictor):
    table = nodes.list_new_images(new_images)
    networks, evidence = nodes.predict_new_images(new_images, table, predictor, columns(), PARAMETERS)
    images = nodes.judge_new_images(networks, table, columns())
    return SimpleNamespace(networks=networks, evidence=evidence, images=images)


def test_every_network_tells_of_every_readable_image(predicted):
    assert predicted.networks["network"].unique().tolist() == [
        "fold_0_network_0",
        "fold_0_network_1",
        "fold_1_network_0",
        "fold_1_network_1",
    ]
    counted = predicted.networks.groupby("image").size()
    assert (counted == 4).all()
    assert set(counted.index) == set(predicted.images["image"]) - {"cut_0"}


def test_the_numbers_are_those_of_the_training_s_own_prediction(predicted, networks, new_images):
    from mayo_kedro.pipelines.modelling.pixels import StreamedPixels
    from mayo_kedro.pipelines.modelling.predicting import predict

    table = new_images.table[new_images.table["image"] != "cut_0"].reset_index(drop=True)
    for name, network in networks.items():
        alone = predict(network, StreamedPixels(new_images, 32), table, 4)
        told = predicted.networks[predicted.networks["network"].str.startswith(name)]
        together = told.groupby("image")[["probability_CE", "probability_LAA"]].mean()
        np.testing.assert_allclose(together.loc[table["image"]], alone.probabilities, atol=1e-6)


def test_unreadable_and_unlike_images_are_refused_and_good_ones_are_not(predicted):
    refused = predicted.images.set_index("image")["refused"]
    assert refused["cut_0"] == tables.UNREADABLE
    assert refused["inverted_0"] in (tables.UNLIKE, tables.UNLIKE_COLOURS)
    assert (refused.drop(["cut_0", "inverted_0"]) == tables.ACCEPTED).all()


def test_the_evidence_has_a_row_for_each_part_of_each_readable_image(predicted):
    counted = predicted.evidence.groupby("image").size()
    assert (counted == 16).all()
    assert set(counted.index) == set(predicted.networks["image"])
    assert np.allclose(predicted.evidence.groupby("image")["attention"].sum(), 1)
    assert list(predicted.evidence)[-2:] == ["evidence_CE", "evidence_LAA"]


def test_patients_and_submission_follow(predicted):
    patients = nodes.judge_new_patients(predicted.networks, predicted.images, columns(), PARAMETERS)
    assert patients["patient"].tolist() == ["006388", "2e3749", "aa", "cut", "inverted"]
    submission = nodes.write_submission(patients, columns())
    assert list(submission) == ["patient_id", "CE", "LAA"]
    assert submission.set_index("patient_id").loc[["cut", "inverted"]].eq(0.5).all(axis=None)
    assert submission.set_index("patient_id").loc["006388", "LAA"] == pytest.approx(
        predicted.images.set_index("patient").loc["006388", "probability_LAA"].mean()
    )


def test_a_folder_of_which_nothing_can_be_decoded_gives_tables(new_images, predictor):
    table = nodes.list_new_images(new_images)
    table = table[table["image"] == "cut_0"].reset_index(drop=True)
    networks, evidence = nodes.predict_new_images(new_images, table, predictor, columns(), PARAMETERS)
    assert networks.empty
    assert evidence.empty
    images = nodes.judge_new_images(networks, table, columns())
    patients = nodes.judge_new_patients(networks, images, columns(), PARAMETERS)
    assert patients["refused"].tolist() == [tables.UNREADABLE_PATIENT]


def test_the_classes_of_predictor_and_settings_must_be_the_same(new_images, predictor):
    table = nodes.list_new_images(new_images)
    for other in (columns(positive="CE"), columns(classes=("A", "B"), positive="B")):
        with pytest.raises(UserError, match=r"tells the classes CE, LAA, in this order"):
            nodes.predict_new_images(new_images, table, predictor, other, PARAMETERS)


@pytest.mark.parametrize(
    ("settings", "expected"), [({"classes": 3}, "into 3 classes; expected"), ({"side": 40}, "40 by 40 by 3")]
)
def test_networks_of_different_trainings_do_not_predict_together(
    predictor, new_images, build_network, tmp_path, settings, expected
):
    build_network(9, **settings).save(tmp_path / "other.keras")
    networks = {**predictor.networks, "fold_1": tmp_path / "other.keras"}
    mixed = Predictor(networks, predictor.embeddings, predictor.classes, {})
    with pytest.raises(UserError, match=f"The network fold_1 .*{expected}"):
        nodes.predict_new_images(new_images, nodes.list_new_images(new_images), mixed, columns(), PARAMETERS)


def test_what_predicts_is_gathered_for_the_folds_of_the_last_training(tmp_path):
    files = {f"fold_{fold}.keras": SimpleNamespace(path=tmp_path / f"fold_{fold}.keras") for fold in range(3)}
    embeddings = pd.DataFrame({"image": ["a_0"]})
    gathered = nodes.gather_predictor(files, embeddings, {"folds": [0, 2]}, columns(), PARAMETERS)
    assert list(gathered.networks) == ["fold_0", "fold_2"]
    assert gathered.classes == ("CE", "LAA")
    assert PredictionParameters(**gathered.parameters) == PARAMETERS


@pytest.mark.parametrize(
    "settings", [{"nearest": 0}, {"quantile": 1}, {"refused_share": 0}, {"batch_size": 0}, {"other": 1}]
)
def test_settings_have_bounds(settings):
    with pytest.raises(ValidationError):
        PredictionParameters(**settings)
