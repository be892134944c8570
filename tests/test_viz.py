"""Kedro-Viz after a finished run: what its API answers, and what a browser draws of it."""

import base64
import contextlib
import csv
import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

LAYERS = ["raw", "intermediate", "primary", "model_input", "models", "model_output", "reporting"]
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
    "report",
    "publication",
}
PATIENCE_S = 180


@dataclass(frozen=True)
class Viz:
    """A running Kedro-Viz."""

    url: str
    project: Path
    opener: urllib.request.OpenerDirector = field(
        # a proxy of the user's environment does not reach loopback
        default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({}))
    )

    def ask(self, path: str) -> Any:
        with self.opener.open(f"{self.url}/api/{path}", timeout=60) as answer:
            return json.load(answer)

    @cached_property
    def graph(self) -> dict[str, Any]:
        return self.ask("main")

    @cached_property
    def ids(self) -> dict[str, str]:
        return {node["name"]: node["id"] for node in self.graph["nodes"]}

    def names(self, kind: str) -> set[str]:
        return {node["name"] for node in self.graph["nodes"] if node["type"] == kind}

    def describe(self, name: str) -> dict[str, Any]:
        return self.ask(f"nodes/{self.ids[name]}")

    def is_ready(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return bool(self.ask("main"))
        return False


def free_port() -> int:
    # Of the ports that the system would choose, Kedro-Viz refuses those above 49151.
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port is free on loopback.")


def viz_command(project: Path, sample: Path, port: int) -> list[str]:
    sandbox = ["mayo_kedro.sandbox", "--seed", str(sample), "--state", str(project / ".sandbox")]
    serve = ["viz", "run", "--no-browser", "--host", "127.0.0.1", "--port", str(port), "--env", "test"]
    return [sys.executable, "-m", *sandbox, "--", sys.executable, "-m", "kedro", *serve]


def viz_environment(project: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSHUB", "MAYO_"))}
    # Kedro-Viz asks PyPI for its newest version and waits up to 30 s; here it is refused at once.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    return {**clean, **nowhere, "MAYO_CACHE_DIR": str(project / "cache")}


def wait_until_ready(viz: Viz, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not viz.is_ready():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.5)


@pytest.fixture(scope="module")
def viz(
    finished_project: Path, small_sample: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Viz]:
    port = free_port()
    log = tmp_path_factory.mktemp("viz") / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            viz_command(finished_project, small_sample, port),
            cwd=finished_project,
            env=viz_environment(finished_project),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Viz(f"http://127.0.0.1:{port}", finished_project)
    try:
        wait_until_ready(running, process, log)
        yield running
    finally:
        # Kedro-Viz serves from a process of its own, which outlives its parent.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


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
    assert viz.names("data") == {*TABLES, *IMAGES, *DOCUMENTS, *WITHOUT_PREVIEW, "data_source"}


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


@dataclass(frozen=True)
class Browser:
    """Chromium without a window, that sees nothing but this machine."""

    programme: str
    profile: Path

    def dump(self, url: str) -> str:
        """The page's elements as they are when it has come to rest."""
        switches = [
            "--headless=new",
            "--no-sandbox",  # Chromium's own, which root cannot use
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={self.profile}",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ]
        done = subprocess.run(
            [self.programme, *switches, url], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Browser:
    return Browser(chromium, tmp_path / "profile")


def open_panel(browser: Browser, viz: Viz, name: str) -> str:
    """What the browser draws of a node's panel, the flowchart cut off."""
    page = browser.dump(f"{viz.url}/?pid=__default__&sid={viz.ids[name]}")
    start = page.index("pipeline-metadata--visible")
    panel = page[start : page.index("pipeline-wrapper", start)]
    assert f'pipeline-metadata__title">{name}</h2>' in panel
    return panel


def read_cells(panel: str) -> tuple[list[str], list[str]]:
    """The texts of a table's header and of its body."""
    header = re.findall(r'<th class="preview-table__header">([^<]*)</th>', panel)
    return header, re.findall(r'<td class="preview-table__data">([^<]*)</td>', panel)


@pytest.mark.browser
def test_flowchart_draws_every_layer_and_node(viz: Viz, browser: Browser):
    page = browser.dump(f"{viz.url}/?pid=__default__")
    drawn = re.findall(r'<text class="pipeline-node__text"[^>]*>([^<]*)</text>', page)
    assert set(drawn) == viz.names("task") | viz.names("data")
    assert re.findall(r'data-id="layer-label--[a-z_]+"[^>]*>([a-z_]+)</li>', page) == LAYERS


@pytest.mark.browser
@pytest.mark.parametrize("name", ["clot_images", "roc_figure"])
def test_panel_draws_the_picture(viz: Viz, browser: Browser, name: str):
    panel = open_panel(browser, viz, name)
    drawn = re.search(r'plot-image" src="data:image/png;base64,([^"]+)"', panel)
    assert drawn
    with Image.open(io.BytesIO(base64.b64decode(drawn[1]))) as picture:
        assert min(picture.size) > 300


@pytest.mark.browser
@pytest.mark.parametrize("name", ["splits", "most_wrong"])
def test_panel_draws_the_table(viz: Viz, browser: Browser, name: str):
    preview = viz.describe(name)["preview"]
    header, cells = read_cells(open_panel(browser, viz, name))
    assert header == preview["columns"]
    assert len(cells) == len(header) * len(preview["data"])
    assert cells[0] == preview["data"][0][0]


@pytest.mark.browser
def test_panel_draws_the_metrics(viz: Viz, browser: Browser):
    panel = open_panel(browser, viz, "metrics")
    assert "pipeline-metadata__preview-json" in panel
    assert "patient_auc" in panel
