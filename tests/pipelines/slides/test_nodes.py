"""Does a run do what is missing, and nothing twice?"""

import io
import shutil
from pathlib import Path

import pandas as pd
import pytest
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from mayo_kedro.datasets import (
    ImageShardsDataset,
    SlideImagesDataset,
    SlideWorkersDataset,
    StreamedSlidesDataset,
)
from mayo_kedro.errors import UserError
from mayo_kedro.pipeline_registry import register_pipelines
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.slides import create_pipeline
from mayo_kedro.pipelines.slides.nodes import (
    COLUMNS,
    cut_slides,
    describe_slides,
    label_images,
    tabulate_slides,
)
from mayo_kedro.pipelines.slides.parameters import ClusterParameters, SlidesParameters

from .drawings import draw, write

ONE = ClusterParameters(workers=1)
SMALL = SlidesParameters(longest_side=100, cluster=ONE)
NAMES = Columns(image="image_id", patient="patient", label="label", classes=("A", "B"), positive="B")
NOTHING = pd.DataFrame()


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
    images = {"folder": str(folder / "images"), "record": str(folder / "record.jsonl")}
    before = len(_lines(folder))
    catalog = DataCatalog(
        {
            "slides": StreamedSlidesDataset(
                filepath=str(folder / "slides"), pattern="*.tif", spool_gigabytes=0
            ),
            "finished_slides": SlideImagesDataset(**images),
            "slide_images": SlideImagesDataset(**images),
            "image_shards": ImageShardsDataset(
                images=images["folder"], folder=str(folder / "shards"), record=str(folder / "shards.csv")
            ),
            "published_slides": MemoryDataset(NOTHING),
            "slide_workers": SlideWorkersDataset(),
            "params:slides": MemoryDataset(parameters),
            "slide_table": MemoryDataset(),
        }
    )
    nodes = create_pipeline().only_nodes("cut_slides_node", "plan_shards_node", "tabulate_slides_node")
    SequentialRunner().run(nodes, catalog)
    table = catalog.load("slide_table")
    worked = [line for line in _lines(folder)[before:] if '"problem": "it was not reached' not in line]
    return worked, table


def _lines(folder):
    record = folder / "record.jsonl"
    lines = record.read_text().splitlines() if record.exists() else []
    return [line for line in lines if line]


def images(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "images").iterdir())}


class Done:
    """A slide that gave some images."""

    def __init__(self, slide, *images):
        self.slide = slide
        self.rows = [{"slide": slide, "image_id": image, "problem": ""} for image in images]


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
    told = describe_slides(table, table[:2], [], parameters)
    assert told.message == "Cut 3 images from 3 slides, 2 of them labelled"
    with pytest.raises(UserError, match=r"1 of 4 slides have a problem.* allows 5%\. slide_1: "):
        describe_slides(table, NOTHING, [], SMALL)

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
        describe_slides(table, NOTHING, [], SMALL)


class Here:
    """Workers without processes of their own."""

    def run(self, function, slides, *, scheduler, workers):
        for slide in slides:
            yield slide, function(slide)


def go_on(folder, published=NOTHING, parameters=SMALL):
    """What `cut_slides` gives for the slides as they are, and then the table as a repository has it."""
    slides = StreamedSlidesDataset(filepath=str(folder / "slides"), pattern="*.tif", spool_gigabytes=0).load()
    images = SlideImagesDataset(folder=str(folder / "images"), record=str(folder / "record.jsonl"))
    made = list(cut_slides(slides, images.load(), published, Here(), parameters))
    for one in made:
        images.save(one)
    table = tabulate_slides(images.load(), published, slides, NOTHING)
    read = pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype=str, keep_default_na=False)
    return [one.slide for one in made], read


def forget(folder):
    shutil.rmtree(folder / "images")
    (folder / "record.jsonl").unlink()


def test_what_lies_in_the_repository_is_not_done_again_wherever_the_run_is(folder):
    _, table = go_on(folder)
    forget(folder)
    pixels, _ = draw(350, 300, seed=9)
    write(folder / "slides" / "slide_1.tif", pixels)
    done, again = go_on(folder, table)
    assert done == ["slide_1"]
    assert list(images(folder)) == ["slide_1.png"]
    same = again.slide != "slide_1"
    pd.testing.assert_frame_equal(again[same], table[same])


def test_an_image_with_other_settings_makes_way_for_the_one_in_the_repository(folder):
    smaller = SMALL.model_copy(update={"longest_side": 50})
    _, newer = go_on(folder, parameters=smaller)
    forget(folder)
    go_on(folder)
    _, table = go_on(folder, newer, smaller)
    assert images(folder) == {}  # it would be sent in the place of the newer one
    pd.testing.assert_frame_equal(table, newer)


def test_what_was_published_of_a_slide_that_is_gone_is_left_out(folder):
    _, table = go_on(folder)
    (folder / "slides" / "slide_0.tif").unlink()
    assert "slide_0" not in set(go_on(folder, table)[1].slide)


def test_each_image_has_the_labels_of_its_slide(caplog):
    done = [Done("b", "b_01", "b_00"), Done("a", "a_00"), Done("c", "c_00")]
    table = tabulate_slides(done, NOTHING, [], NOTHING)
    rows = [("p1", "a", "A", "x"), ("p2", "b", "B", "y"), ("p3", "unread", "A", "x")]
    labels = pd.DataFrame(rows, columns=["patient", "image_id", "label", "slide"])
    labelled = label_images(table, labels, NAMES)
    assert labelled.to_dict("split")["data"] == [
        ["p1", "a_00", "A", "x"],
        ["p2", "b_00", "B", "y"],
        ["p2", "b_01", "B", "y"],
    ]
    assert list(labelled.columns) == list(labels.columns)
    assert "1 slides have no row" in caplog.text


def test_without_a_label_table_no_image_has_labels(caplog):
    table = tabulate_slides([Done("a", "a_00")], NOTHING, [], NOTHING)
    assert label_images(table, NOTHING, NAMES).empty
    assert "no label table" in caplog.text


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"id": ["a"]}, "has no column 'image_id'; it has id"),
        ({"image_id": ["a", "b", "a"]}, "has 'a' more than once"),
    ],
)
def test_a_label_table_that_does_not_fit_is_told(labels, told):
    table = tabulate_slides([Done("a", "a_00")], NOTHING, [], NOTHING)
    with pytest.raises(UserError, match=told):
        label_images(table, pd.DataFrame(labels), NAMES)


def test_the_table_is_by_name_whatever_the_order():
    table = tabulate_slides([Done("b", "b_01", "b_00"), Done("a", "a_00")], NOTHING, [], NOTHING)
    assert list(table.image_id) == ["a_00", "b_00", "b_01"]
    assert isinstance(table, pd.DataFrame)


def test_is_registered_by_its_name_and_not_run_by_default():
    bootstrap_project(Path(__file__).parents[3])
    pipelines = register_pipelines()
    names = {node.name for node in pipelines["slides"].nodes}
    steps = ("cut_slides", "plan_shards", "tabulate_slides", "label_images", "describe_slides")
    assert names == {f"{step}_node" for step in steps}
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
