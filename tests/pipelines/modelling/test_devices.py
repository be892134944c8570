"""One loop on one device, on two of a machine, and on two machines (processes that meet on loopback)."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.devices import Devices, open_devices

from .conftest import draw_images

SCRIPT = Path(__file__).parent / "together.py"
SETTINGS: dict[str, Any] = {
    "image_size": 32,
    "batch_size": 5,
    "frozen_epochs": 2,
    "fine_tune_epochs": 3,
    "frozen_learning_rate": 0.02,
    "fine_tune_learning_rate": 0.05,
    "validation_share": 0.25,
    "clip_norm": 100.0,
    "checkpoint_minutes": 0,
}


def test_one_device_needs_no_strategy():
    devices = open_devices("auto")
    assert (devices.replicas, devices.workers, devices.is_chief) == (1, 1, True)
    assert devices.tell_all(b"words") == b"words"
    assert devices.agree(0.1) == 0.1
    assert devices.spread([1, 2], [3, 4]) == ([1, 2], [3, 4])


def test_more_gpus_than_there_are_is_refused():
    assert tf.config.list_physical_devices("GPU") == []
    assert isinstance(open_devices(1), Devices)
    with pytest.raises(UserError, match=r"modelling.devices asks for 2 GPUs, but this machine has 0"):
        open_devices(2)


@pytest.fixture(scope="module")
def folder(splits, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    splits.to_csv(folder / "splits.csv", index=False)
    (folder / "images").mkdir()
    draw_images(splits, folder / "images")
    return folder


def start(
    folder: Path, kind: str, kill_at: list[int] | None, dropout: float, variables: dict[str, str]
) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    (folder / "events.txt").write_text("")
    told = {"modelling": SETTINGS, "kind": kind, "kill_at": kill_at, "dropout": dropout}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), json.dumps(told)],
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def train_alone(folder: Path, kind: str) -> Path:
    process = start(folder, kind, None, 0.0, {})
    _, complaints = process.communicate()
    assert process.returncode == 0, complaints[-2000:]
    return folder


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def train_on_two_machines(
    folders: Sequence[Path], kill_at: list[int] | None = None, dropout: float = 0.0
) -> None:
    """Start both; if the chief kills itself, the other is ended too, as a cluster's service does."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = []
    for number, folder in enumerate(folders):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": number}}
        processes.append(start(folder, "machine", kill_at, dropout, {"TF_CONFIG": json.dumps(task)}))
    _, complaints = processes[0].communicate()
    if kill_at is not None:
        assert processes[0].returncode == -signal.SIGKILL, complaints[-3000:]
        processes[1].kill()
    processes[1].communicate()
    if kill_at is None:
        assert all((folder / "weights.npz").exists() for folder in folders), complaints[-3000:]


def read_weights(folder: Path) -> list[np.ndarray]:
    with np.load(folder / "weights.npz") as archive:
        return [archive[name] for name in archive.files]


def read_history(folder: Path) -> pd.DataFrame:
    history = pd.read_json(folder / "history.json", precise_float=True)
    return history[["stage", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]]


def read_events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.txt").read_text().splitlines()]


@pytest.fixture(scope="module")
def alone(folder) -> Path:
    return train_alone(folder / "alone", "one device")


def assert_alike(one: Path, other: Path) -> None:
    pd.testing.assert_frame_equal(read_history(one), read_history(other), rtol=1e-3)
    for mine, theirs in zip(read_weights(one), read_weights(other), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_two_devices_of_a_machine_train_as_one_does(folder, alone):
    """The last batch of an epoch has fewer images than there are devices."""
    together = train_alone(folder / "two_devices", "two devices")
    assert_alike(together, alone)


@pytest.mark.slow
def test_two_machines_train_as_one_does_and_only_the_chief_tells_and_saves(folder, alone):
    machines = [folder / "chief", folder / "helper"]
    train_on_two_machines(machines)
    assert_alike(machines[0], alone)
    for mine, theirs in zip(*map(read_weights, machines), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert [event["epoch"] for event in read_events(machines[0]) if "epoch" in event] == list(range(5))
    assert read_events(machines[1]) == []
    assert (machines[0] / "checkpoints" / "fold_0").exists()
    assert not (machines[1] / "checkpoints").exists()
    loaded = keras.saving.load_model(machines[0] / "network.keras")
    for mine, theirs in zip(loaded.get_weights(), read_weights(machines[0])[:-1], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_two_interrupted_machines_go_on_from_the_chief_s_checkpoint(folder):
    undisturbed = [folder / "chief_whole", folder / "helper_whole"]
    train_on_two_machines(undisturbed, dropout=0.3)
    machines = [folder / "chief_killed", folder / "helper_killed"]
    train_on_two_machines(machines, kill_at=[3, 0], dropout=0.3)
    train_on_two_machines(machines, dropout=0.3)
    pd.testing.assert_frame_equal(
        *(read_history(pair[0]) for pair in (undisturbed, machines)), check_exact=True
    )
    for mine, theirs in zip(read_weights(machines[1]), read_weights(undisturbed[0]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert read_events(machines[0])[0]["batch"] == [3, 0]
