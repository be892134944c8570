"""New images from a folder, a table, a repository or any filesystem; mistakes are told in words."""

import io
import logging

import fsspec
import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError
from PIL import Image

from mayo_kedro.datasets import NewImagesDataset

COLUMNS = {"image": "image_id", "patient": "patient_id", "label": "label"}


def encode(colour, suffix="png"):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(buffer, suffix)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "new"
    (folder / "below").mkdir(parents=True)
    (folder / "006388_0.png").write_bytes(encode("red"))
    (folder / "2e3749_1.JPG").write_bytes(encode("blue", "jpeg"))
    (folder / "b.c_0.tiff").write_bytes(encode("green", "tiff"))
    return folder


def load(folder, **settings):
    return NewImagesDataset(filepath=str(folder), columns=COLUMNS, **settings).load()


def test_a_folder_gives_all_its_images_by_name(folder):
    images = load(folder)
    assert images.table.to_dict("list") == {"image": ["006388_0", "2e3749_1", "b.c_0"]}
    assert images["b.c_0"].shape == (6, 8, 3)
    assert [path.name for path in images.stream(list(images))] == [
        "006388_0.png",
        "2e3749_1.JPG",
        "b.c_0.tiff",
    ]


def test_other_files_are_left_out_and_named(folder, caplog):
    (folder / "slide.svs").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert "slide" not in load(folder)
    assert ".svs" in caplog.text


def test_a_table_chooses_and_tells_whose_they_are(folder, tmp_path):
    table = tmp_path / "new.csv"
    table.write_text("image_id,patient_id,more\n2e3749_1,2e3749,x\n006388_0,006388,\n")
    assert load(folder, table=str(table)).table.to_dict("list") == {
        "image": ["2e3749_1", "006388_0"],
        "patient": ["2e3749", "006388"],
    }
    table.write_text("image_id\n006388_0\n")
    assert load(folder, table=str(table)).table.to_dict("list") == {"image": ["006388_0"]}


def test_any_filesystem_serves():
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/clinic/a_0.png", encode("red"))
    memory.pipe_file("/clinic.csv", b"image_id\na_0\n")
    images = load("memory://clinic", table="memory://clinic.csv", credentials={"token": "secret"})
    assert images["a_0"][0, 0].tolist() == [255, 0, 0]


def test_a_repository_is_read_with_the_token_and_nobody_else_gets_it(sandbox, small_sample, tmp_path):
    root = f"dagshub:///{sandbox.owner}/{sandbox.name}@{sandbox.branch}"
    credentials = {"host": sandbox.host, "token": sandbox.token, "cache_folder": str(tmp_path / "cache")}
    dataset = NewImagesDataset(
        filepath=f"{root}/test", table=f"{root}/test.csv", columns=COLUMNS, credentials=credentials
    )
    images = dataset.load()
    expected = pd.read_csv(small_sample / "test.csv", dtype=str)
    assert images.table["patient"].tolist() == expected["patient_id"].tolist()
    first = expected["image_id"][0]
    assert np.array_equal(images[first], np.asarray(Image.open(small_sample / "test" / f"{first}.png")))
    assert sandbox.token not in repr(dataset)
    elsewhere = NewImagesDataset(
        filepath=str(tmp_path), table=str(tmp_path / "x.csv"), columns=COLUMNS, credentials=credentials
    )
    assert sandbox.token not in str(vars(elsewhere)["_storage_options"])
    assert not vars(elsewhere)["_table_options"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "holds nothing"),
        ({"scan.dcm": b"", "notes.txt": b""}, r"files of other kinds only \(.dcm, .txt\)"),
        ({"a_0.png": b"", "a_0.jpg": b""}, "same name but for the suffix: a_0"),
    ],
)
def test_a_folder_without_images_is_told_in_words(tmp_path, files, expected):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=expected):
        load(tmp_path)


def test_no_folder_and_a_file_instead_of_one_are_told_in_words(folder):
    with pytest.raises(DatasetError, match="There is no folder of new images"):
        load(folder / "absent")
    with pytest.raises(DatasetError, match="holds nothing"):
        load(folder / "006388_0.png")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name\n006388_0\n", r"has no column 'image_id'; it has name"),
        ("image_id\n006388_0\nabsent_0\n", "1 images of .* are not in .*: absent_0"),
        ("image_id\n006388_0\n006388_0\n", "1 images of .* have several rows: 006388_0"),
        ("image_id\n", "has no row"),
    ],
)
def test_a_table_that_does_not_fit_is_told_in_words(folder, tmp_path, text, expected):
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(DatasetError, match=expected):
        load(folder, table=str(tmp_path / "new.csv"))
