"""A training that is killed at any batch and started again comes to the same end as one left alone."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mayo_kedro.sandbox.weights import export_weights

from .conftest import draw_images

SCRIPT = Path(__file__).parent / "interrupted.py"
MEASURED = ["seconds", "images_per_second", "data_wait_share"]
SMALL = {
    "image_size": 32,
    "batch_size": 4,
    "frozen_epochs": 2,
    "fine_tune_epochs": 5,
    "frozen_learning_rate": 0.02,
    "fine_tune_learning_rate": 0.05,
    "validation_share": 0.25,
    "early_stopping_patience": 2,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "accumulate": 2,
}
WHOLE = SMALL | {"frozen_epochs": 1, "fine_tune_epochs": 2, "unfreeze": 1, "accumulate": 1, "ensemble": 2}


@dataclass
class Attempts:
    """Processes that train in one folder, one after another."""

    folder: Path
    modelling: dict[str, Any]
    weights: str = ""
    events: list[list[dict[str, Any]]] = field(default_factory=list)

    def start(self, kill_at: list[int] | None = None, run: str = "one") -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "events.txt").write_text("")
        settings = {"modelling": self.modelling, "kill_at": kill_at, "run": run, "weights": self.weights}
        command = [sys.executable, str(SCRIPT), str(self.folder), json.dumps(settings)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == (-signal.SIGKILL if kill_at else 0), ended.stderr[-2000:]
        lines = (self.folder / "events.txt").read_text().splitlines()
        self.events.append([json.loads(line) for line in lines])

    @property
    def history(self) -> pd.DataFrame:
        return pd.read_json(self.folder / "history.json", precise_float=True).drop(columns=MEASURED)

    @property
    def weights_made(self) -> list[np.ndarray]:
        with np.load(self.folder / "weights.npz") as archive:
            return [archive[name] for name in archive.files]

    def epochs_told(self, attempt: slice = slice(None)) -> list[int]:
        return [event["epoch"] for events in self.events[attempt] for event in events if "epoch" in event]

    def batches_told(self) -> list[list[int]]:
        return [event["batch"] for events in self.events for event in events if "batch" in event]


@pytest.fixture(scope="module")
def folder(splits, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    splits.to_csv(folder / "splits.csv", index=False)
    (folder / "images").mkdir()
    draw_images(splits, folder / "images")
    return folder


@pytest.fixture(scope="module")
def undisturbed(folder) -> Attempts:
    attempts = Attempts(folder / "undisturbed", SMALL)
    attempts.start()
    return attempts


def assert_same_end(attempts: Attempts, undisturbed: Attempts) -> None:
    pd.testing.assert_frame_equal(attempts.history, undisturbed.history, check_exact=True)
    for one, other in zip(attempts.weights_made, undisturbed.weights_made, strict=True):
        np.testing.assert_array_equal(one, other)


def test_killed_within_an_epoch_it_goes_on_at_the_same_batch(folder, undisturbed):
    """The epoch of the kill is the second of the fine-tuning: early stopping and schedule are under way."""
    attempts = Attempts(folder / "every_batch", SMALL | {"checkpoint_minutes": 0})
    attempts.start(kill_at=[3, 1])
    attempts.start()
    assert_same_end(attempts, undisturbed)
    assert attempts.epochs_told() == undisturbed.epochs_told()
    # The batch of the kill had not been saved yet; no other is done again.
    told = attempts.batches_told()
    place = told.index([3, 1])
    assert told[: place + 1] + told[place + 2 :] == undisturbed.batches_told()
    assert told[place + 1] == [3, 1]


@pytest.mark.slow
def test_it_goes_on_from_the_last_epoch_and_a_new_run_hears_of_all(folder, undisturbed):
    attempts = Attempts(folder / "every_epoch", SMALL)
    attempts.start(kill_at=[2, 2])
    attempts.start(run="another")
    assert_same_end(attempts, undisturbed)
    assert attempts.epochs_told(slice(0, 1)) == [0, 1]
    assert attempts.epochs_told(slice(1, 2)) == undisturbed.epochs_told()


@pytest.mark.slow
def test_other_settings_begin_anew(folder):
    attempts = Attempts(folder / "other_settings", SMALL | {"fine_tune_epochs": 0})
    attempts.start(kill_at=[1, 0])
    attempts.modelling |= {"frozen_learning_rate": 0.01}
    attempts.start()
    assert attempts.events[1][0]["batch"] == [0, 0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"checkpoint_minutes": 0, "memory_cache_mb": 0}, {"checkpoint_minutes": None}]
)
def test_killed_again_and_again(folder, undisturbed, settings):
    """At the first batch, the last of an epoch, the first of a stage, and twice at the same."""
    attempts = Attempts(folder / f"again_{len(settings)}", SMALL | settings)
    last = max(undisturbed.batches_told())
    for place in ([0, 0], [1, 2], [2, 0], [2, 0], [3, 2], last):
        attempts.start(kill_at=place)
    attempts.start()
    assert_same_end(attempts, undisturbed)
    assert attempts.epochs_told() == undisturbed.epochs_told()


@pytest.mark.slow
def test_a_whole_fold_of_two_networks_goes_on_after_kills(folder, tmp_path):
    export_weights(tmp_path)
    undisturbed = Attempts(folder / "whole", WHOLE, str(tmp_path))
    undisturbed.start()
    attempts = Attempts(folder / "whole_again", WHOLE | {"checkpoint_minutes": 0}, str(tmp_path))
    for place in ([0, 1], [2, 0], [4, 1]):
        attempts.start(kill_at=place)
    attempts.start()
    assert_same_end(attempts, undisturbed)
    assert attempts.epochs_told() == undisturbed.epochs_told() == list(range(6))
