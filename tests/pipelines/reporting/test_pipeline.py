"""The pipeline on a catalog in memory, and what it hands over."""

import base64
import io
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from PIL import Image

from mayo_kedro.pipelines.reporting import create_pipeline, nodes

from .examples import THREE, TWO, make_facts, make_inputs

FIGURES = {
    "confusion_matrix_figure",
    "roc_figure",
    "precision_recall_figure",
    "calibration_figure",
    "learning_curves_figure",
    "score_distribution_figure",
    "most_wrong_figure",
    "cases_figure",
}
OTHERS = {
    "image_facts",
    "metrics",
    "leak_alarms",
    "subgroups",
    "data_card",
    "most_wrong",
    "cases",
    "report",
}
CATALOG = Path(__file__).parents[3] / "conf" / "base" / "catalog_reporting.yml"


def run_reporting(inputs: dict[str, Any]) -> DataCatalog:
    """Run the whole pipeline in the working folder, saving as the project's catalog says."""
    entries = yaml.safe_load(CATALOG.read_text())
    catalog = DataCatalog.from_config({name: entries[name] for name in FIGURES | OTHERS})
    for name, value in inputs.items():
        catalog[name] = MemoryDataset(value, copy_mode="assign")
    made = SequentialRunner().run(create_pipeline(), catalog)
    assert set(made) == FIGURES | {"publication"}
    return catalog


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_the_pipeline_makes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classes: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = make_inputs(classes)
    # Text that reads as a number must come back as text.
    for name in ("predictions", "splits"):
        inputs[name] = inputs[name].assign(patient=inputs[name]["patient"] + "e1")
    catalog = run_reporting(inputs)
    metrics = catalog.load("metrics")
    assert all(isinstance(value, int | float) and np.isfinite(value) for value in metrics.values())
    for name in FIGURES:
        with Image.open(io.BytesIO(base64.b64decode(catalog[name].preview()))) as picture:
            assert np.asarray(picture).std() > 5
    most_wrong = catalog.load("most_wrong")
    assert most_wrong["patient"].str.endswith("e1").all()
    # Every image is measured once; beside that only the chosen ones are opened.
    assert catalog.load("image_facts")["image"].tolist() == inputs["splits"]["image"].tolist()
    assert set(inputs["clot_images"].asked) == {*most_wrong["image"], *catalog.load("cases")["image"]}
    assert metrics["leak_alarms"] == len(catalog.load("leak_alarms"))
    assert catalog.load("data_card")["images"] == metrics["images"]
    assert catalog.load("subgroups")["part"].tolist()[:3] == ["1", "2", "3 or more"]
    assert catalog.load("report").startswith("<!DOCTYPE html>")
    assert str(metrics["patients"]) in catalog.load("publication")


def test_the_publication_tells_what_matters() -> None:
    inputs = make_inputs()
    splits = inputs["splits"]
    metrics, _ = nodes.evaluate_predictions(
        inputs["predictions"],
        splits,
        make_facts(splits),
        inputs["params:columns"],
        inputs["params:reporting"],
    )
    message = nodes.publish_results(metrics, "<html>", inputs["data_source"])
    assert "commit 0123456789:" in message
    assert "60 patients" in message
    assert f"AUC {metrics['patient_auc']:.2f} [{metrics['patient_auc_low']:.2f}" in message
    assert "guess 0.69" in message
    assert "\n" not in message
    of_folder = nodes.publish_results(metrics, "<html>", {**inputs["data_source"], "commit": ""})
    assert of_folder.startswith("Publish results: 60 patients")


def test_nodes_have_the_names_of_their_functions() -> None:
    for node in create_pipeline().nodes:
        assert node.name == f"{node.func.__name__}_node"


def test_inputs_and_outputs_are_those_of_the_catalog() -> None:
    pipeline = create_pipeline()
    assert pipeline.inputs() == set(make_inputs())
    assert pipeline.all_outputs() == FIGURES | OTHERS | {"case_pictures", "publication"}


def test_images_are_measured_when_the_training_is_over() -> None:
    (measuring,) = (node for node in create_pipeline().nodes if node.name == "measure_images_node")
    assert "predictions" in measuring.inputs


def test_neither_tensorflow_nor_pyplot_is_imported() -> None:
    imported = "{'tensorflow', 'matplotlib.pyplot'} & {*sys.modules}"
    code = f"import sys, mayo_kedro.pipelines.reporting; print({imported})"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
