"""Is a table that is not there an empty one?"""

import pytest
from kedro.io import DatasetError

from mayo_kedro.datasets import OptionalTableDataset


@pytest.fixture
def dataset(tmp_path):
    return OptionalTableDataset(filepath=str(tmp_path / "table.csv"))


def test_load_missing_file(dataset):
    assert not dataset.exists()
    assert dataset.load().empty


def test_load_keeps_ids_as_text(dataset, tmp_path):
    (tmp_path / "table.csv").write_text("image_id,hash,problem\n006388,2e3749,\n")
    assert dataset.exists()
    assert dataset.load().to_dict("records") == [{"image_id": "006388", "hash": "2e3749", "problem": ""}]


def test_nothing_is_saved_there(dataset):
    with pytest.raises(DatasetError, match="read only"):
        dataset.save("table")
