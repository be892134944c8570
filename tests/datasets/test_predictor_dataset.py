"""A predictor saved as a model of MLflow's, and loaded from a folder, a run or the registry."""

import os

import mlflow
import pandas as pd
import pytest
from kedro.io import DatasetError

from mayo_kedro.datasets import PredictorDataset
from mayo_kedro.predictor import Predictor

CLASSES = ("CE", "LAA")


@pytest.fixture
def predictor(tmp_path):
    """Networks are files here, which nobody opens."""
    networks = {}
    for name in ("fold_0", "fold_1"):
        networks[name] = tmp_path / "trained" / f"{name}.keras"
        networks[name].parent.mkdir(exist_ok=True)
        networks[name].write_bytes(name.encode() * 100)
    embeddings = pd.DataFrame(
        {"image": ["a_0"], "patient": ["006388"], "fold": [0], "feature_0": [0.5], "colour_0": [9.0]}
    )
    return Predictor(networks, embeddings, CLASSES, {"nearest": 3})


@pytest.fixture
def saved(predictor, tmp_path):
    dataset = PredictorDataset(filepath=str(tmp_path / "models" / "predictor"))
    dataset.save(predictor)
    return dataset


def assert_same(loaded, predictor):
    assert loaded.classes == predictor.classes
    assert loaded.parameters == predictor.parameters
    pd.testing.assert_frame_equal(loaded.embeddings, predictor.embeddings)
    assert {name: path.read_bytes() for name, path in loaded.networks.items()} == {
        name: path.read_bytes() for name, path in predictor.networks.items()
    }


def test_save_and_load(saved, predictor):
    assert saved.exists()
    loaded = saved.load()
    assert_same(loaded, predictor)
    assert not any(path.is_symlink() for path in loaded.networks.values())


def test_saving_again_leaves_nothing_of_the_earlier_one(saved, predictor, tmp_path):
    fewer = Predictor({"fold_1": predictor.networks["fold_1"]}, predictor.embeddings, CLASSES, {})
    saved.save(fewer)
    assert_same(saved.load(), fewer)
    assert os.listdir(tmp_path / "models") == ["predictor"]


def test_load_missing_file(tmp_path):
    dataset = PredictorDataset(filepath=str(tmp_path / "none"))
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"(?s)no training has ended here.*kedro run"):
        dataset.load()


def test_it_holds_the_code_the_signature_and_the_requirements(saved, tmp_path):
    folder = tmp_path / "models" / "predictor"
    assert (folder / "code" / "mayo_kedro" / "prediction_model.py").is_file()
    model = mlflow.models.Model.load(folder)
    assert model.signature.inputs.required_input_names() == ["image"]
    assert "refused" in model.signature.outputs.input_names()
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert all("==" in line and "://" not in line for line in requirements)
    assert any(line.startswith("tensorflow==") for line in requirements)


def test_no_file_names_this_machine(saved, tmp_path):
    texts = [
        path.read_text(errors="replace")
        for path in (tmp_path / "models").rglob("*")
        if path.is_file() and "code" not in path.parts
    ]
    assert len(texts) > 5
    for hidden in (str(tmp_path), os.getcwd(), os.path.expanduser("~/"), "://"):
        assert not any(hidden in text for text in texts), hidden


@pytest.fixture
def tracked(tmp_path, tracking_store):
    uri = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (tmp_path / "mlflow.db").write_bytes((tracking_store / "mlflow.db").read_bytes())
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("here", str(tmp_path / "artifacts")))
    yield
    mlflow.set_experiment(experiment_id="0")
    mlflow.set_tracking_uri(uri)


def test_it_is_logged_and_loaded_by_run_and_by_name(saved, predictor, tmp_path, tracked):
    from mayo_kedro.hooks import log_folder

    with mlflow.start_run() as run:
        log_folder(mlflow, "predictor", tmp_path / "models" / "predictor")
    address = f"runs:/{run.info.run_id}/predictor"
    assert_same(PredictorDataset(filepath=address).load(), predictor)
    mlflow.register_model(address, "clots")
    by_name = PredictorDataset(filepath="models:/clots/1")
    assert_same(by_name.load(), predictor)
    assert by_name.exists()
    with pytest.raises(DatasetError, match=r"(?s)can't save its predictor as models:/clots/1.*--params"):
        by_name.save(predictor)
    with pytest.raises(DatasetError, match=r"(?s)MLflow does not give models:/clots/7.*mlflow ui"):
        PredictorDataset(filepath="models:/clots/7").load()


def test_another_kind_of_model_is_refused(tmp_path):
    mlflow.pyfunc.save_model(tmp_path / "other", loader_module="other", pip_requirements=["numpy"])
    with pytest.raises(DatasetError, match="is not a predictor but another model"):
        PredictorDataset(filepath=str(tmp_path / "other")).load()
