"""What a person sees in Kedro-Viz: the flowchart, and the panel of what is clicked.

With a folder in the variable MAYO_KEDRO_PICTURES these tests draw the pictures of docs/images there.
"""

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.browser import Page
from tests.viz.running_viz import LAYERS, Viz

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZE = (1440, 1400)
PANEL = ".pipeline-metadata--visible"


@pytest.fixture(scope="module")
def visited(viz: Viz, page: Page) -> Page:
    """The flowchart in bright colours, without its side bar, and what greets a first visit sent away."""
    page.resize(*SIZE, scale=1.5)
    page.open(f"{viz.url}/?pid=__default__")
    page.click(".feature-hints__close")
    page.wait_for("!document.querySelector('.feature-hints')")
    for button in (
        ".buttons-container button:last-child",  # of the news of another version
        "[aria-label*='theme']",
        "[aria-label='Hide menu']",
        "[aria-label='Turn minimap off']",
    ):
        page.click(button)
    return page


@pytest.fixture
def flowchart(visited: Page) -> Iterator[Page]:
    """The whole flowchart, nothing of it clicked."""
    visited.click("[aria-label='Reset zoom']")
    yield visited
    if visited.read(f"document.querySelector('{PANEL}') !== null"):
        visited.click(f"{PANEL} .pipeline-metadata__close-button")
        visited.wait_for(f"document.querySelector('{PANEL}') === null")


@pytest.fixture
def draw() -> Callable[[str, bytes], None]:
    """Keeps a picture where pictures are wanted."""
    folder = os.environ.get("MAYO_KEDRO_PICTURES")

    def keep(name: str, picture: bytes) -> None:
        if folder:
            few_colours = Image.open(io.BytesIO(picture)).convert("RGB").quantize(128)
            few_colours.save(Path(folder, f"{name}.png"), optimize=True)

    return keep


def picture_closely(page: Page, width: int, clip: dict[str, float] | None = None) -> bytes:
    """A picture in which the clicked node can be read, in the middle of a smaller window."""
    page.resize(width, 700, scale=1.5)
    page.move(0, 0)  # away from what shows a hint
    time.sleep(1.5)  # it glides there
    picture = page.picture(clip)
    page.resize(*SIZE, scale=1.5)
    return picture


def click_node(page: Page, name: str) -> None:
    page.click(f".pipeline-node[data-node-fullname='{name}']")
    page.wait_for(f"document.querySelector('{PANEL} .pipeline-metadata__title')?.textContent === '{name}'")


def test_every_layer_and_node_is_drawn(viz: Viz, flowchart: Page, draw: Callable[[str, bytes], None]):
    assert set(flowchart.texts(".pipeline-node__text")) == viz.names("task") | viz.names("data")
    assert flowchart.texts(".pipeline-layer-name") == LAYERS
    draw("pipeline", flowchart.picture())


@pytest.mark.parametrize("name", ["label_table", "predictions"])
def test_a_table_shows_its_first_rows(viz: Viz, flowchart: Page, name: str):
    click_node(flowchart, name)
    flowchart.find(f"{PANEL} .preview-table__data")
    preview = viz.describe(name)["preview"]
    assert flowchart.texts(f"{PANEL} .preview-table__header") == preview["columns"]
    cells = flowchart.texts(f"{PANEL} .preview-table__data")
    assert len(cells) == len(preview["columns"]) * len(preview["data"])
    assert cells[0] == preview["data"][0][0]


@pytest.mark.parametrize("name", ["clot_images", "roc_figure"])
def test_images_and_figures_show_as_pictures(flowchart: Page, name: str, draw: Callable[[str, bytes], None]):
    click_node(flowchart, name)
    picture = f"document.querySelector('{PANEL} img')"
    assert flowchart.wait_for(f"{picture}?.naturalWidth") > 300
    assert flowchart.read(f"{picture}.naturalHeight") > 300
    if name == "clot_images":
        draw("streamed_images", picture_closely(flowchart, 1000))


def test_the_metrics_can_be_read(flowchart: Page):
    click_node(flowchart, "metrics")
    flowchart.find(f"{PANEL} .pipeline-metadata__preview-json")
    assert re.search(r"patient_auc.{0,5}0\.\d", flowchart.texts(PANEL)[0])


def test_the_report_shows_its_verdict(viz: Viz, flowchart: Page):
    click_node(flowchart, "report")
    flowchart.find(f"{PANEL} .html-renderer")
    (headline,) = flowchart.texts(f"{PANEL} .html-renderer h2")
    assert f">{headline}</h2>" in Path(viz.describe("report")["filepath"]).read_text()
    assert len(flowchart.texts(f"{PANEL} .html-renderer li")) >= 3


def test_a_node_shows_its_code(flowchart: Page):
    click_node(flowchart, "train_fold_0_node")
    flowchart.click(f"{PANEL} .pipeline-toggle-label")
    assert "def train_fold(" in flowchart.wait_for(
        "document.querySelector('.pipeline-metadata-code--visible')?.textContent"
    )


def test_the_workflow_shows_how_the_last_run_ended(visited: Page, draw: Callable[[str, bytes], None]):
    visited.click("[aria-label='View your workflow']")
    click_node(visited, "train_fold_0_node")
    told = visited.texts(".pipeline-node[data-node-fullname='train_fold_0_node']")[0]
    assert re.search(r"Status:\s*success\s*Duration:\s*\d", told), told
    assert "completed successfully" in visited.text()
    # Without the panel, which names a folder of this machine.
    draw("run_status", picture_closely(visited, 1300, {"x": 0, "y": 0, "width": 840, "height": 700}))
