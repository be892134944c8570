import logging
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st
from kedro.io import DatasetError

from mayo_kedro.datasets import CheckpointsDataset
from mayo_kedro.datasets.checkpoints_dataset import KEPT, CheckpointFolder

STATE = {"epoch": 3, "loss": 0.1 + 0.2, "best": float("inf"), "history": [{"stage": "frozen"}]}


@pytest.fixture
def folder(tmp_path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "fold_0")


@settings(deadline=None)
@given(
    value=st.floats(allow_nan=False),
    array=numpy_st.arrays(
        st.sampled_from([np.float32, np.float16, np.int64]), numpy_st.array_shapes(min_dims=0)
    ),
)
def test_save_and_load(tmp_path_factory, value, array):
    folder = CheckpointFolder(tmp_path_factory.mktemp("checkpoints"))
    folder.save("ours", {"value": value}, {"network/0": array})
    loaded = folder.load("ours")
    assert loaded.state == {"value": value}
    assert loaded.arrays["network/0"].dtype == array.dtype
    np.testing.assert_array_equal(loaded.arrays["network/0"], array)


def test_the_newest_is_loaded_and_old_ones_go(folder, tmp_path):
    for number in range(12):
        folder.save("ours", {"number": number}, {"array": np.arange(number)})
    assert folder.load("ours").state == {"number": 11}
    assert len(list((tmp_path / "fold_0").iterdir())) == KEPT


def test_without_a_checkpoint_there_is_nothing_to_load(folder):
    assert folder.load("ours") is None


@pytest.mark.parametrize("cut", [0, 10, 0.5, 0.999])
def test_a_cut_checkpoint_is_skipped_with_a_warning(folder, tmp_path, cut, caplog):
    for number in range(2):
        folder.save("ours", {"number": number}, {"array": np.arange(1000)})
    newest = max((tmp_path / "fold_0").iterdir())
    whole = newest.read_bytes()
    newest.write_bytes(whole[: int(cut * len(whole)) if isinstance(cut, float) else cut])
    with caplog.at_level(logging.WARNING):
        assert folder.load("ours").state == {"number": 0}
    assert "is damaged" in caplog.text


@settings(deadline=None)
@given(st.data())
def test_a_changed_byte_is_never_taken_for_the_truth(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("checkpoints")
    folder = CheckpointFolder(path)
    folder.save("ours", STATE, {"array": np.arange(50)})
    (saved,) = path.iterdir()
    whole = bytearray(saved.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    saved.write_bytes(whole)
    loaded = folder.load("ours")
    if loaded is not None:  # a byte that means nothing, such as a time stamp
        assert loaded.state == STATE
        np.testing.assert_array_equal(loaded.arrays["array"], np.arange(50))


def test_a_checkpoint_of_another_training_is_not_taken(folder, caplog):
    folder.save("theirs", STATE, {})
    assert folder.load("ours") is None
    assert "other parameters, data or code" in caplog.text
    folder.save("ours", {"mine": 1}, {})
    assert folder.load("ours").state == {"mine": 1}


def test_a_process_killed_while_it_writes_leaves_what_was_there(folder, tmp_path):
    folder.save("ours", STATE, {"array": np.arange(3)})
    code = (
        "import os, signal, sys; from pathlib import Path; import numpy as np;"
        "from mayo_kedro.datasets.checkpoints_dataset import CheckpointFolder;"
        "os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL);"
        "CheckpointFolder(Path(sys.argv[1])).save('ours', {'new': 1}, {'array': np.arange(9)})"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "fold_0")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert folder.load("ours").state == STATE
    folder.save("ours", {"new": 2}, {})
    assert folder.load("ours").state == {"new": 2}
    assert len(os.listdir(tmp_path / "fold_0")) == KEPT


def test_checkpoints_go_when_their_training_is_over_and_all_is_saved(tmp_path):
    dataset = CheckpointsDataset(folder=str(tmp_path / "all"))
    checkpoints = dataset.load()
    for name in ("fold_0", "fold_1"):
        checkpoints[name].save("ours", STATE, {})
    checkpoints.finish("fold_0")
    assert checkpoints["fold_0"].load("ours") is not None
    dataset.confirm()
    assert checkpoints["fold_0"].load("ours") is None
    assert checkpoints["fold_1"].load("ours").state == STATE


def test_it_is_a_handle(tmp_path):
    dataset = CheckpointsDataset(folder=str(tmp_path / "all"))
    assert dataset.exists()
    assert str(tmp_path / "all") in str(dataset)
    assert not (tmp_path / "all").exists()
    with pytest.raises(DatasetError):
        dataset.save("anything")
