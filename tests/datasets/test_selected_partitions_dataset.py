import pytest
from kedro.io import DatasetError

from mayo_kedro.datasets import SelectedPartitionsDataset


@pytest.fixture
def dataset(tmp_path) -> SelectedPartitionsDataset:
    for name in ("fold_0.txt", "fold_1.txt", "fold_2.txt", "notes.md"):
        (tmp_path / name).write_text(name)
    return SelectedPartitionsDataset(path=str(tmp_path), filename_suffix=".txt", dataset="text.TextDataset")


def test_only_the_named_partitions_stay(dataset, tmp_path):
    assert set(dataset.load()) == {"fold_0", "fold_1", "fold_2"}
    dataset.save(["fold_0", "fold_2"])
    assert {name: load() for name, load in dataset.load().items()} == {
        "fold_0": "fold_0.txt",
        "fold_2": "fold_2.txt",
    }
    assert (tmp_path / "notes.md").exists()


def test_without_partitions_there_is_nothing_to_load(dataset):
    dataset.save([])
    with pytest.raises(DatasetError):
        dataset.load()


def test_a_folder_below_belongs_to_somebody_else(dataset, tmp_path):
    other = tmp_path / "predictor" / "fold_0.txt"
    other.parent.mkdir()
    other.write_text("a copy")
    assert set(dataset.load()) == {"fold_0", "fold_1", "fold_2"}
    dataset.save(["fold_1"])
    assert set(dataset.load()) == {"fold_1"}
    assert other.read_text() == "a copy"
