"""The read-only catalog classes, on a local folder: they take any fsspec address."""

import base64
import io
import json

import pytest
from kedro.io import DatasetError
from PIL import Image

from mayo_kedro.datasets import DataSourceDataset, StreamedFilesDataset, StreamedImagesDataset
from mayo_kedro.errors import UserError


@pytest.fixture
def images(small_sample):
    return {
        "filepath": str(small_sample / "images"),
        "suffix": ".png",
        "table": str(small_sample / "train.csv"),
        "columns": {"image": "image_id", "label": "label", "patient": "patient_id"},
    }


def test_images_load_lazily_and_in_the_order_of_the_table(images, small_sample):
    loaded = StreamedImagesDataset(**images).load()
    rows = (small_sample / "train.csv").read_text().splitlines()[1:]
    assert list(loaded) == [row.partition(",")[0] for row in rows]
    assert loaded[next(iter(loaded))].shape[2] == 3


def test_the_preview_is_a_picture_with_the_notice(images, small_sample):
    plain = StreamedImagesDataset(**images).preview(images=4, thumbnail=40)
    noticed = StreamedImagesDataset(**images, notice=str(small_sample / "NOTICE.txt")).preview(4, 40)
    sizes = [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in (plain, noticed)]
    assert sizes[0][0] == sizes[1][0] >= 4 * 40
    assert sizes[1][1] > sizes[0][1]


def test_a_missing_column_names_the_setting_and_what_there_is(images):
    images["columns"] = {"image": "picture", "label": "label"}
    with pytest.raises(UserError, match=r"no column 'picture'; it has image_id, (.|\n)*columns\.image"):
        len(StreamedImagesDataset(**images).load())


def test_files_are_found_by_name_and_nothing_is_read_before(small_sample):
    files = StreamedFilesDataset(filepath=str(small_sample)).load()
    assert files["train.csv"].name == "train.csv"
    assert files["train.csv"].path.read_bytes() == (small_sample / "train.csv").read_bytes()
    assert not files["none.h5"].path.exists()


def test_nothing_can_be_saved(images):
    with pytest.raises(DatasetError, match="read only"):
        StreamedImagesDataset(**images).save("anything")


def test_exists_and_describes_itself_without_secrets(images):
    dataset = StreamedImagesDataset(**images, credentials={"token": "hunter2"})
    assert StreamedImagesDataset(**images).exists()
    assert not StreamedFilesDataset(filepath=images["filepath"] + "/none").exists()
    assert "hunter2" not in repr(dataset) + str(dataset)


def test_the_data_source_is_a_repository_at_a_commit(sandbox, tmp_path):
    where = f"dagshub:///{sandbox.owner}/{sandbox.name}@{sandbox.branch}"
    options = {"host": sandbox.host, "token": sandbox.token, "cache_folder": str(tmp_path)}
    source = DataSourceDataset(filepath=where, notice=f"{where}/NOTICE.txt", credentials=options).load()
    assert source["repository"] == f"{sandbox.owner}/{sandbox.name}"
    assert source["host"] == sandbox.host
    assert len(source["commit"]) == 40
    assert "synthetic" in source["notice"].lower()
    assert (
        DataSourceDataset(filepath=where, notice=f"{where}/none", credentials=options).load()["notice"] == ""
    )


def test_a_local_folder_has_no_commit(small_sample):
    source = DataSourceDataset(filepath=str(small_sample)).load()
    assert (source["repository"], source["commit"]) == (str(small_sample), "")
    assert json.loads(DataSourceDataset(filepath=str(small_sample)).preview()) == source
