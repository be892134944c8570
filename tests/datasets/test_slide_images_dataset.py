"""Is every image right or absent, whatever ends a run?"""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from mayo_kedro.datasets import SlideImagesDataset
from mayo_kedro.pipelines.slides.cutting import CutSlide


def cut(slide="a", key="1", **images):
    rows = [{"slide": slide, "image_id": name} for name in images] or [{"slide": slide, "problem": "bad"}]
    return CutSlide(slide, key, rows, {f"{name}.png": content for name, content in images.items()})


@pytest.fixture
def make(tmp_path):
    def make():
        return SlideImagesDataset(
            folder=str(tmp_path / "images"), record=str(tmp_path / "deep" / "record.jsonl")
        )

    return make


def files(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "images").iterdir()}


def test_save_and_load(make, tmp_path):
    assert make().load() == []
    assert not make().exists()
    dataset = make()
    dataset.save(cut(a_00=b"one", a_01=b"two"))
    dataset.save(cut("b", ""))
    first, second = make().load()
    assert make().exists()
    assert files(tmp_path) == {"a_00.png": b"one", "a_01.png": b"two"}
    assert (first.slide, first.key, first.files) == ("a", "1", ["a_00.png", "a_01.png"])
    assert [row["image_id"] for row in first.rows] == ["a_00", "a_01"]
    assert (second.slide, second.key, second.rows) == ("b", "", [{"slide": "b", "problem": "bad"}])


def test_a_slide_that_is_cut_anew_loses_its_earlier_images(make, tmp_path):
    make().save(cut(a_00=b"one", a_01=b"two"))
    make().save(cut(key="2", a_00=b"new"))
    assert files(tmp_path) == {"a_00.png": b"new"}
    [record] = make().load()
    assert (record.key, record.files) == ("2", ["a_00.png"])


def test_a_slide_that_went_bad_or_is_gone_has_no_images(make, tmp_path):
    make().save(cut(a_00=b"one"))
    make().save(cut("b", b_00=b"two"))
    make().save(cut(key=""))
    make().save(CutSlide("b", ""))
    assert files(tmp_path) == {}
    [record] = make().load()
    assert (record.slide, record.key) == ("a", "")


def test_a_slide_whose_image_was_removed_is_not_done(make, tmp_path):
    make().save(cut(a_00=b"one"))
    (tmp_path / "images" / "a_00.png").unlink()
    assert make().load() == []


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_record_that_is_cut_anywhere_holds_whole_slides_only(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    record = folder / "record.jsonl"
    dataset = SlideImagesDataset(folder=str(folder / "images"), record=str(record))
    for name in "abc":
        dataset.save(cut(name, **{name: b"image"}))
    content = record.read_bytes()
    record.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    again = SlideImagesDataset(folder=str(folder / "images"), record=str(record))
    before = [one.slide for one in again.load()]
    assert before == list("abc")[: len(before)]
    again.save(cut("d", d=b"image"))
    assert [one.slide for one in again.load()] == [*before, "d"]


def test_a_write_that_fails_leaves_no_part_and_no_record(make, tmp_path):
    make().save(cut(a_00=b"one"))
    (tmp_path / "images" / "a_01.png").mkdir()  # nothing can be put in its place
    with pytest.raises(DatasetError):
        make().save(cut(key="2", a_00=b"new", a_01=b"two"))
    assert [path.name for path in (tmp_path / "images").iterdir() if path.is_file()] == ["a_00.png"]
    [record] = make().load()
    assert record.key == ""  # so that it is done again


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_not_a_record(tmp_path):
    (tmp_path / "record.jsonl").symlink_to("/dev/full")
    dataset = SlideImagesDataset(folder=str(tmp_path / "images"), record=str(tmp_path / "record.jsonl"))
    dataset._known = {}
    with pytest.raises(DatasetError, match="No space left"):
        dataset.save(cut(a_00=b"one"))


def test_who_is_killed_leaves_whole_images_only(tmp_path):
    code = """
import itertools, sys
from mayo_kedro.datasets import SlideImagesDataset
from mayo_kedro.pipelines.slides.cutting import CutSlide
dataset = SlideImagesDataset(folder=sys.argv[1] + "/images", record=sys.argv[1] + "/record.jsonl")
for number in itertools.count():
    key = str(number)
    dataset.save(CutSlide("a", key, [{"slide": "a"}], {"a.png": key[-1:].encode() * 3_000_000}))
    if number == 5:
        print("ready", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.wait()
    content = (tmp_path / "images" / "a.png").read_bytes()
    assert len(content) == 3_000_000
    assert len(set(content)) == 1
    dataset = SlideImagesDataset(folder=str(tmp_path / "images"), record=str(tmp_path / "record.jsonl"))
    [record] = dataset.load()
    assert record.key == "" or record.key.encode()[-1] == content[0]
    assert json.loads((tmp_path / "record.jsonl").read_text().split("\n")[1])
