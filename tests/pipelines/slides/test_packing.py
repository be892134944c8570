"""Which images are packed, and do the tables say where they lie?"""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.datasets import ImageShardsDataset, SlideImagesDataset
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.slides.cutting import CutSlide
from mayo_kedro.pipelines.slides.nodes import (
    COLUMNS,
    describe_slides,
    label_images,
    plan_shards,
    tabulate_slides,
)
from mayo_kedro.pipelines.slides.packing import SHARD_COLUMNS, divide
from mayo_kedro.pipelines.slides.parameters import SlidesParameters

NOTHING = pd.DataFrame()
SHARDS = SlidesParameters(shard_megabytes=0.003)
FILES = SlidesParameters()
NAMES = Columns(image="image_id", patient="patient", label="label", classes=("A", "B"), positive="B")


class Listed:
    """A slide as far as its name goes."""

    def __init__(self, name):
        self.name = name


class Project:
    """What one checkout has on its disk, and one repository that all of them share."""

    def __init__(self, folder, repository):
        self.folder = folder
        self.repository = repository
        images = str(folder / "images")
        self.images = SlideImagesDataset(folder=images, record=str(folder / "record.jsonl"))
        self.shards = ImageShardsDataset(
            images=images, folder=str(folder / "shards"), record=str(folder / "shards.csv")
        )

    def cut(self, slide, settings="s1", count=2):
        rows, images = [], {}
        for number in range(count):
            image = f"{slide}_{number:02d}"
            images[f"{image}.png"] = f"{image} {settings}".encode() * 50
            identity = {"slide": slide, "hash": "h", "settings": settings, "problem": ""}
            rows.append({"image_id": image, **identity})
        self.images.save(CutSlide(slide, f"h:{settings}", rows, images))

    def publish(self, parameters=SHARDS):
        """What the nodes behind the cutting do; gives the table and the names that were sent."""
        finished, published = self.images.load(), self.repository.table
        self.shards.save(plan_shards(finished, published, parameters))
        slides = {one.slide for one in finished}.union(published.get("slide", ()))
        table = tabulate_slides(finished, published, [Listed(name) for name in slides], self.shards.load())
        told = describe_slides(table, NOTHING, finished, parameters)
        local = [path for name in ("shards", "images") for path in (self.folder / name).iterdir()]
        sent = {path.name: path.read_bytes() for path in local if path.name not in told.left_out}
        self.repository.files |= sent
        self.repository.table = as_text(table)
        return table, sorted(sent)


class Repository:
    """What was sent."""

    def __init__(self):
        self.files = {}
        self.table = NOTHING

    def read(self, image):
        [row] = self.table[self.table.image_id == image].to_dict("records")
        if not row["shard"]:
            return self.files[f"{image}.png"]
        start = int(row["offset"])
        return self.files[row["shard"]][start : start + int(row["bytes"])]


def as_text(table):
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), dtype=str, keep_default_na=False)


@pytest.fixture
def repository():
    return Repository()


@pytest.fixture
def open_project(tmp_path, repository):
    return lambda name: Project(tmp_path / name, repository)


names = st.text("abcdef", min_size=1)


@given(st.dictionaries(names, st.integers(0, 5000), max_size=40), st.integers(1, 9000))
def test_shards_hold_every_image_once_and_no_more_than_they_may(sizes, most):
    shards = list(divide(sizes, most))
    assert [name for shard in shards for name in shard] == sorted(sizes)
    for shard in shards:
        packed = sum(512 + (sizes[name] + 511) // 512 * 512 for name in shard)
        assert shard
        assert len(shard) == 1 or packed <= most


def test_without_the_setting_images_are_files(open_project, repository):
    project = open_project("a")
    project.cut("x")
    table, sent = project.publish(FILES)
    assert sent == ["x_00.png", "x_01.png"]
    assert (table[SHARD_COLUMNS] == "").all().all()
    assert list(table.columns) == COLUMNS


def test_images_are_sent_in_shards_and_found_there(open_project, repository):
    project = open_project("a")
    for slide in "xyz":
        project.cut(slide)
    table, sent = project.publish()
    assert len(sent) == table.shard.nunique() == 3
    assert all(name.endswith(".tar") for name in sent)
    assert repository.read("y_01") == b"y_01 s1" * 50


def test_what_lies_in_a_shard_of_the_repository_is_not_packed_again(open_project, repository):
    project = open_project("a")
    project.cut("x")
    before, _ = project.publish()
    project.cut("y")
    table, sent = project.publish()
    assert len(sent) == 1
    assert sent[0] not in set(before.shard)
    pd.testing.assert_frame_equal(as_text(table)[:2], as_text(before))
    assert project.publish()[1] == []
    # nor by a checkout that has nothing of it
    other = open_project("b")
    other.cut("z")
    table, sent = other.publish()
    assert len(sent) == 1
    assert list(table.slide.unique()) == ["x", "y", "z"]
    assert repository.read("x_00") == b"x_00 s1" * 50


def test_a_slide_that_is_cut_anew_lands_in_a_new_shard(open_project, repository):
    project = open_project("a")
    project.cut("x")
    project.cut("y")
    before, _ = project.publish()
    project.cut("x", settings="s2", count=1)
    table, sent = project.publish()
    assert sent == [table.shard[0]]
    assert table.shard[0] not in set(before.shard)
    assert repository.read("x_00") == b"x_00 s2" * 50
    assert repository.read("y_00") == b"y_00 s1" * 50
    assert len(table) == 3


def test_what_was_sent_as_files_is_packed_once_that_is_set_and_not_the_other_way_round(
    open_project, repository
):
    project = open_project("a")
    project.cut("x")
    project.publish(FILES)
    table, sent = project.publish(SHARDS)
    assert sent == sorted(set(table.shard))
    project.cut("y")
    table, sent = project.publish(FILES)
    assert sent == ["y_00.png", "y_01.png"]
    assert list(table.shard != "") == [True, True, False, False]
    assert repository.read("x_01") == b"x_01 s1" * 50
    assert repository.read("y_01") == b"y_01 s1" * 50


def test_a_slide_with_a_problem_or_in_the_making_is_not_packed(open_project):
    project = open_project("a")
    project.cut("x")
    project.images.save(CutSlide("y", "", [{"image_id": "", "slide": "y", "hash": "h", "problem": "bad"}]))
    project.images._note(project.images._read()["x"].__class__("x", "", [{"slide": "x"}], ["x_00.png"]))
    assert plan_shards(project.images.load(), NOTHING, SHARDS) == []


def test_labels_say_where_each_image_lies(open_project, repository):
    project = open_project("a")
    for slide in "xy":
        project.cut(slide)
    table, _ = project.publish()
    labels = pd.DataFrame({"patient": ["p", "q"], "image_id": ["y", "none"], "label": ["A", "B"]})
    labelled = label_images(table, labels, NAMES)
    assert list(labelled.columns) == ["patient", "image_id", "label", *SHARD_COLUMNS]
    expected = table[table.slide == "y"].reset_index(drop=True)
    pd.testing.assert_frame_equal(labelled[SHARD_COLUMNS], expected[SHARD_COLUMNS])
    assert list(labelled.image_id) == ["y_00", "y_01"]


def test_the_size_of_shards_changes_no_image():
    assert SHARDS.fingerprint() == FILES.fingerprint()
