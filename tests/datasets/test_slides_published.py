"""Do many images reach the repository, in few commits?"""

from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.datasets import DagsHubUploadDataset
from mayo_kedro.datasets.dagshub_upload_dataset import split_by_size
from mayo_kedro.streaming.revisions import forget_pins


class Sized:
    """A file as far as its size goes."""

    def __init__(self, size):
        self.st_size = size

    def stat(self):
        return self


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(1, 200))
def test_parts_hold_every_file_once_and_no_more_than_they_may(sizes, most):
    files = {f"{number}.png": Sized(size) for number, size in enumerate(sizes)}
    parts = list(split_by_size(files, most))
    assert [name for part in parts for name in part] == list(files)
    for part in parts:
        assert len(part) == 1 or sum(file.st_size for file in part.values()) <= most


@pytest.fixture
def upload(sandbox, tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(5):
        (tmp_path / "images" / f"{number}.png").write_bytes(bytes([number]) * 1000 + str(tmp_path).encode())
    return DagsHubUploadDataset(
        filepath=f"dagshub:///{sandbox.owner}/{sandbox.name}@{sandbox.branch}/cut",
        files=[str(tmp_path / "images" / "*.png")],
        record=str(tmp_path / "publication.json"),
        enabled=True,
        commit_megabytes=0.0025,
        credentials={"host": sandbox.host, "token": sandbox.token, "cache_folder": str(tmp_path / "cache")},
    )


def test_what_is_too_much_for_one_commit_goes_in_several(upload, sandbox, tmp_path):
    upload.save("Cut 5 images")
    commit = upload.load()["commit"]
    forget_pins()
    filesystem = fsspec.filesystem(
        "dagshub", host=sandbox.host, token=sandbox.token, cache_folder=str(tmp_path / "again")
    )
    for path in sorted((tmp_path / "images").iterdir()):
        there = filesystem.cat_file(f"/{sandbox.owner}/{sandbox.name}@{commit}/cut/{path.name}")
        assert there == path.read_bytes()
    before = commit
    upload.save("Cut 5 images")
    assert upload.load()["commit"] == before
    assert Path(tmp_path / "publication.json").exists()
