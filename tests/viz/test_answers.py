"""What Kedro-Viz answers after a finished run."""

import base64
import csv
import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.viz.running_viz import LAYERS, Viz

ROWS = 20
TABLES = {
    "label_table": ["image_id", "patient_id", "label"],
    "checked_labels": ["image", "patient", "label"],
    "labels": ["image", "patient", "label", "int_labels"],
    "splits": ["image", "patient", "label", "int_labels", "fold"],
    "fold_0_history": ["fold", "epoch", "loss"],
    "fold_0_predictions": ["image", "patient", "probability_LAA"],
    "fold_0_evidence": ["image", "attention", "evidence_CE", "evidence_LAA"],
    "evidence": ["image", "left", "top", "right", "bottom", "attention"],
    "history": ["fold", "stage", "epoch", "loss", "val_loss"],
    "predictions": ["image", "patient", "label", "fold", "probability_CE", "probability_LAA"],
    "image_facts": ["image", "width", "hash"],
    "subgroups": ["division", "part", "auc"],
    "cases": ["image", "group"],
    "most_wrong": ["image", "patient", "label", "predicted"],
}
IMAGES = [
    "clot_images",
    "contact_sheet_figure",
    "confusion_matrix_figure",
    "roc_figure",
    "precision_recall_figure",
    "calibration_figure",
    "score_distribution_figure",
    "learning_curves_figure",
    "cases_figure",
    "most_wrong_figure",
]
DOCUMENTS = {
    "data_version": {"repository", "commit"},
    "split_summary": {"method", "leaks"},
    "fold_0_summary": {"fold"},
    "training_summary": {"backbone", "folds"},
    "leak_alarms": set(),
    "data_card": {"patients", "images"},
    "metrics": {"patients", "patient_auc", "patient_weighted_log_loss"},
}
WITHOUT_PREVIEW = {
    "backbone_weights",
    "training_monitor",
    "checkpoints",
    "fold_0_model",
    "fold_0_embeddings",
    "embeddings",
    "fold_models",
    "network_files",
    "predictor",
    "case_pictures",
    "publication",
}


def test_layers_tell_the_story_from_raw_to_reporting(viz: Viz):
    assert viz.graph["layers"] == LAYERS


def test_every_dataset_has_a_layer(viz: Viz):
    layers = {node["name"]: node["layer"] for node in viz.graph["nodes"] if node["type"] == "data"}
    assert set(layers.values()) == set(LAYERS)


def test_every_node_has_a_name_and_says_what_it_does(viz: Viz):
    tasks = viz.names("task")
    assert len(tasks) == 26
    for name in tasks:
        assert re.fullmatch(r"[a-z0-9_]+_node", name)
        assert '"""' in viz.describe(name)["code"]


@pytest.mark.parametrize(
    ("pipeline", "task"),
    [
        ("data_processing", "split_patients_node"),
        ("modelling", "train_fold_0_node"),
        ("reporting", "write_report_node"),
    ],
)
def test_pipelines_can_be_looked_at_alone(viz: Viz, pipeline: str, task: str):
    names = {node["name"] for node in viz.ask(f"pipelines/{pipeline}")["nodes"] if node["type"] == "task"}
    assert task in names
    assert names < viz.names("task")


def test_all_datasets_are_looked_at_here(viz: Viz):
    assert viz.names("data") == {*TABLES, *IMAGES, *DOCUMENTS, *WITHOUT_PREVIEW, "data_source", "report"}


@pytest.mark.parametrize("name", TABLES)
def test_tables_show_their_first_rows(viz: Viz, name: str):
    described = viz.describe(name)
    assert described["preview_type"] == "TablePreview"
    assert set(TABLES[name]) <= set(described["preview"]["columns"])
    assert 1 <= len(described["preview"]["data"]) <= ROWS


@pytest.mark.parametrize("name", ["splits", "predictions"])
def test_table_preview_is_the_head_of_its_file(viz: Viz, name: str):
    described = viz.describe(name)
    with Path(described["filepath"]).open(newline="") as file:
        header, *rows = csv.reader(file)
    ids = slice(header.index("image"), header.index("label") + 1)
    assert described["preview"]["columns"] == header
    assert [row[ids] for row in described["preview"]["data"]] == [row[ids] for row in rows[:ROWS]]


@pytest.mark.parametrize("name", IMAGES)
def test_images_show_as_pictures(viz: Viz, name: str):
    described = viz.describe(name)
    assert described["preview_type"] == "ImagePreview"
    picture = Image.open(io.BytesIO(base64.b64decode(described["preview"])))
    picture.load()
    assert picture.format == "PNG"
    assert min(picture.size) > 300
    assert len(picture.convert("L").getcolors()) > 20


def test_contact_sheet_of_streamed_images_is_in_colour(viz: Viz):
    encoded = viz.describe("clot_images")["preview"]
    _, saturation, _ = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("HSV").split()
    assert sum(saturation.histogram()[80:]) > 5000


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_show_what_is_in_their_file(viz: Viz, name: str):
    described = viz.describe(name)
    shown = json.loads(described["preview"])
    assert described["preview_type"] == "JSONPreview"
    assert DOCUMENTS[name] <= set(shown)
    assert shown == json.loads(Path(described["filepath"]).read_text())


@pytest.mark.parametrize("name", sorted(WITHOUT_PREVIEW))
def test_what_has_no_preview_can_still_be_opened(viz: Viz, name: str):
    described = viz.describe(name)
    assert described["type"]
    assert described.get("preview") is None


def test_the_report_shows_its_verdict(viz: Viz):
    described = viz.describe("report")
    assert described["preview_type"] == "HTMLPreview"
    report = Path(described["filepath"]).read_text()
    [headline] = re.findall(r'<h2 class="headline" id="verdict-title">(.+?)</h2>', report)
    shown = re.escape(headline)
    assert re.fullmatch(rf'<section class="box verdict .*>{shown}</h2>.*</section>', described["preview"])
    metrics = json.loads((viz.project / "data" / "08_reporting" / "metrics.json").read_text())
    ranks_better = metrics["patient_auc_difference_low"] > 0
    is_better = ranks_better and metrics["patient_weighted_log_loss_difference_high"] < 0
    assert headline.startswith("Yes: the model does ") == is_better
    assert "<style" in report


def test_the_source_of_the_data_is_shown(viz: Viz):
    source = json.loads(viz.describe("data_source")["preview"])
    assert (source["repository"], len(source["commit"])) == ("sandbox/clots", 40)
    assert "ynthetic" in source["notice"]


def test_workflow_shows_the_last_run_as_a_success(viz: Viz):
    status = viz.ask("run-status")
    assert status["pipeline"]["status"] == "success"
    assert {viz.ids[name]: "success" for name in viz.names("task")} == {
        node: told["status"] for node, told in status["nodes"].items()
    }
    saved = {told["name"]: told["status"] for told in status["datasets"].values()}
    assert {saved[name] for name in (*TABLES, *DOCUMENTS, "report", "fold_models")} == {"success"}
