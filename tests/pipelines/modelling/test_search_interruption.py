"""A search that is killed within a trial and started again comes to the same choice as one left alone."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mayo_kedro.sandbox.weights import export_weights

from .conftest import draw_images

SCRIPT = Path(__file__).parent / "searching.py"
MODELLING = {
    "image_size": 32,
    "batch_size": 4,
    "frozen_epochs": 2,
    "fine_tune_epochs": 0,
    "validation_share": 0.25,
    "checkpoint_minutes": None,
    "folds": 0,
    "search": {
        "trials": 4,
        "space": {
            "frozen_learning_rate": {"low": 0.0001, "high": 0.1, "log": True},
            "clip_norm": [None, 1.0],
        },
    },
}


@pytest.fixture
def run(splits, tmp_path):
    splits.to_csv(tmp_path / "splits.csv", index=False)
    (tmp_path / "images").mkdir()
    draw_images(splits, tmp_path / "images")
    export_weights(tmp_path)

    def start(name, kill_at=None, tracked="one"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "events.txt").write_text("")
        settings = {"modelling": MODELLING, "kill_at": kill_at, "run": tracked}
        command = [sys.executable, str(SCRIPT), str(folder), json.dumps(settings)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == (-signal.SIGKILL if kill_at else 0), ended.stderr[-2000:]
        return [json.loads(line) for line in (folder / "events.txt").read_text().splitlines()]

    return start


@pytest.mark.slow
def test_killed_within_a_trial_and_within_the_training_it_comes_to_the_same_end(run, tmp_path):
    run("undisturbed")
    first = run("killed", kill_at=[3, 1, 1])
    assert [event["ended"] for event in first if "ended" in event] == [1, 2]
    second = run("killed", kill_at=[0, 1, 0], tracked="two")
    # Trials 1 and 2 are taken over, and the third goes on in its second epoch under its own run.
    assert second[0] == {"adopted": ["one/1", "one/2"]}
    assert [(event["trial"], event["run"]) for event in second if "trial" in event] == [
        (3, "one/3"),
        (4, None),
    ]
    assert second[2]["batch"] == [1, 0]
    third = run("killed", tracked="three")
    assert third[0] == {"adopted": ["one/1", "one/2", "one/3", "two/4"]}
    assert not [event for event in third if "trial" in event]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert (killed / "search.json").read_text() == (undisturbed / "search.json").read_text()
    with np.load(undisturbed / "weights.npz") as one, np.load(killed / "weights.npz") as other:
        assert one.files == other.files
        for name in one.files:
            np.testing.assert_array_equal(one[name], other[name])
