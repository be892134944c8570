"""Does a run do what is missing, and nothing twice?"""

from pathlib import Path

import pandas as pd
import pytest
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from mayo_kedro.datasets import SlideImagesDataset, SlideWorkersDataset, StreamedSlidesDataset
from mayo_kedro.errors import UserError
from mayo_kedro.pipeline_registry import register_pipelines
from mayo_kedro.pipelines.slides import create_pipeline
from mayo_kedro.pipelines.slides.nodes import COLUMNS, describe_slides, tabulate_slides
from mayo_kedro.pipelines.slides.parameters import ClusterParameters, SlidesParameters

from .drawings import draw, write

ONE = ClusterParameters(workers=1)
SMALL = SlidesParameters(longest_side=100, cluster=ONE)


@pytest.fixture
def folder(tmp_path):
    """Four slides of different sizes."""
    (tmp_path / "slides").mkdir()
    for number, side in enumerate((300, 400, 500, 600)):
        pixels, _ = draw(side, side, seed=number)
        write(tmp_path / "slides" / f"slide_{number}.tif", pixels)
    return tmp_path


def run(folder, parameters=SMALL):
    """The pipeline but for the sending; gives the lines of the record that it added, and the table."""
    images = {"filepath": str(folder / "images"), "record": str(folder / "record.jsonl")}
    before = len(_lines(folder))
    catalog = DataCatalog(
        {
            "slides": StreamedSlidesDataset(
                filepath=str(folder / "slides"), pattern="*.tif", spool_gigabytes=0
            ),
            "finished_slides": SlideImagesDataset(**images),
            "slide_images": SlideImagesDataset(**images),
            "slide_workers": SlideWorkersDataset(),
            "params:slides": MemoryDataset(parameters),
            "slide_table": MemoryDataset(),
        }
    )
    nodes = [node for node in create_pipeline().nodes if node.name != "describe_slides_node"]
    SequentialRunner().run(Pipeline(nodes), catalog)
    table = catalog.load("slide_table")
    worked = [line for line in _lines(folder)[before:] if '"problem": "it was not reached' not in line]
    return worked, table


def _lines(folder):
    record = folder / "record.jsonl"
    lines = record.read_text().splitlines() if record.exists() else []
    return [line for line in lines if line]


def images(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())}


def test_a_second_run_does_what_is_missing_or_changed(folder):
    worked, table = run(folder)
    first = images(folder)
    assert len(worked) == 4
    assert list(table.columns) == COLUMNS
    assert list(table.image_id) == [f"slide_{number}" for number in range(4)]
    assert (table.problem == "").all()
    assert list(first) == [f"slide_{number}.png" for number in range(4)]

    assert run(folder)[0] == []

    pixels, _ = draw(350, 300, seed=9)
    write(folder / "slides" / "slide_1.tif", pixels)
    (folder / "images" / "slide_2.png").unlink()
    worked, table = run(folder)
    again = images(folder)
    assert any("slide_1" in line for line in worked)
    assert {name for name in first if again[name] != first[name]} == {"slide_1.png"}
    assert table.factor[1] == 3.5


def test_settings_that_change_images_make_all_anew_and_others_none(folder):
    run(folder)
    first = images(folder)
    assert run(folder, SMALL.model_copy(update={"bad_share": 0.5}))[0] == []
    run(folder, SMALL.model_copy(update={"format": "jpeg"}))
    assert list(images(folder)) == [name.replace("png", "jpg") for name in first]


def test_a_slide_that_is_gone_takes_its_image_along(folder):
    run(folder)
    (folder / "slides" / "slide_0.tif").unlink()
    _, table = run(folder)
    assert list(table.slide) == ["slide_1", "slide_2", "slide_3"]
    assert "slide_0.png" not in images(folder)


def test_a_bad_slide_is_told_and_tried_again(folder):
    good = (folder / "slides" / "slide_1.tif").read_bytes()
    (folder / "slides" / "slide_1.tif").write_bytes(good[:3000])
    parameters = SMALL.model_copy(update={"bad_share": 0.25})
    _, table = run(folder, parameters)
    assert list(table.slide[table.problem != ""]) == ["slide_1"]
    assert list(images(folder)) == ["slide_0.png", "slide_2.png", "slide_3.png"]
    assert describe_slides(table, parameters) == "Cut 3 images from 3 slides"
    with pytest.raises(UserError, match=r"1 of 4 slides have a problem.* allows 5%\. slide_1: "):
        describe_slides(table, SMALL)

    (folder / "slides" / "slide_1.tif").write_bytes(good)
    worked, table = run(folder, parameters)
    assert len(worked) == 1
    assert (table.problem == "").all()


def test_too_many_bad_slides_end_the_work_and_the_table_names_each(folder):
    for number in (2, 3):  # the largest, which are begun first
        with (folder / "slides" / f"slide_{number}.tif").open("ab") as file:
            file.seek(0)
            file.truncate(100)
            file.write(bytes(20_000_000 + number))
    _, table = run(folder, SMALL.model_copy(update={"bad_share": 0.25}))
    assert len(table) == 4
    assert list(table.problem).count("it was not reached: too many others had a problem") == 2
    with pytest.raises(UserError, match="4 of 4 slides have a problem"):
        describe_slides(table, SMALL)


def test_the_table_is_by_name_whatever_the_order():
    class Done:
        def __init__(self, slide, *images):
            self.rows = [{"slide": slide, "image_id": image, "problem": ""} for image in images]

    table = tabulate_slides([Done("b", "b_01", "b_00"), Done("a", "a_00")])
    assert list(table.image_id) == ["a_00", "b_00", "b_01"]
    assert isinstance(table, pd.DataFrame)


def test_is_registered_by_its_name_and_not_run_by_default():
    bootstrap_project(Path(__file__).parents[3])
    pipelines = register_pipelines()
    names = {node.name for node in pipelines["slides"].nodes}
    assert names == {"cut_slides_node", "tabulate_slides_node", "describe_slides_node"}
    assert not names & {node.name for node in pipelines["__default__"].nodes}
    assert "check_labels_node" in {node.name for node in pipelines["__default__"].nodes}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"longest_side": 1024, "factor": 2}, "set one of"),
        ({"longest_side": None}, "set one of"),
        ({"cluster": {"scheduler": "tcp://a:1", "workers": 2}}, "for workers started here"),
        ({"bad_share": 1.5}, "less than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        SlidesParameters(**settings)
