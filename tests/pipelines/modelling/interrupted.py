"""Train in a process of its own that kills itself at one batch; the tests start it again and look."""

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import keras
import numpy as np
import pandas as pd
from conftest import ImageFolder

from mayo_kedro.datasets.checkpoints_dataset import Checkpoints
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.modelling.augmentation import add_augmentation
from mayo_kedro.pipelines.modelling.devices import open_devices
from mayo_kedro.pipelines.modelling.folds import split_fold
from mayo_kedro.pipelines.modelling.nodes import train_fold
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pixels import open_pixels
from mayo_kedro.pipelines.modelling.stages import fit_stages
from mayo_kedro.pipelines.modelling.training import Training, make_deterministic, take_up

COLUMNS = Columns(image="i", patient="p", label="l", classes=("plain", "red"), positive="red")


class WrittenEvents:
    """A monitor that writes what it is told to a file, and ends the process the hard way at one batch."""

    def __init__(self, file: Path, tracked_run: str, kill_at: list[int] | None) -> None:
        self.tracked_run = tracked_run
        self._file = file
        self._kill_at = kill_at

    def epoch_ended(self, fold, stage, epoch, epochs, logs) -> None:
        self._write({"epoch": epoch, "stage": stage, "loss": logs["loss"]})

    def batch_ended(self, fold, stage, epoch, step, steps, logs) -> None:
        self._write({"batch": [epoch, step], "loss": logs["loss"]})
        if self._kill_at == [epoch, step]:
            os.kill(os.getpid(), signal.SIGKILL)

    def _write(self, event) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps(event) + "\n")


class LocalWeights:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name


def train_small(splits, images, parameters, monitor, checkpoints):
    """A network with every kind of state: batch normalisation, dropout, augmentation."""
    make_deterministic(parameters.seed)
    inputs = keras.Input((32, 32, 3), dtype="uint8", name="image")
    features = keras.layers.Rescaling(1 / 255, name="pixels")(inputs)
    features = keras.layers.Conv2D(4, 3, strides=4)(features)
    features = keras.layers.BatchNormalization()(features)
    pooled = keras.layers.Dropout(0.3)(keras.layers.GlobalAveragePooling2D()(features))
    network = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(pooled))
    trainer = add_augmentation(network, parameters.augmentation)
    pixels = open_pixels(images, splits["image"].tolist(), 32, parameters.memory_cache_mb)
    devices = open_devices("auto")
    training = Training(parameters, COLUMNS.ordered_classes, pixels, None, monitor, checkpoints, devices)
    tables = split_fold(splits, 0, COLUMNS, parameters)
    course = take_up(training, tables, 0, "fold_0", trainer, network)
    return network, fit_stages(training, course, trainer)


def train_whole_fold(splits, images, weights, parameters, monitor, checkpoints):
    files = {parameters.weights: LocalWeights(weights / parameters.weights)}
    network, history, *_ = train_fold(
        splits, images, files, COLUMNS, parameters, monitor, checkpoints, fold=0, folds=(0,)
    )
    return network, history


def main(folder: Path, settings: dict) -> None:
    splits = pd.read_csv(folder.parent / "splits.csv", dtype={"image": str, "patient": str})
    images = ImageFolder(folder.parent / "images")
    parameters = ModellingParameters(**settings["modelling"], folds=0)
    monitor = WrittenEvents(folder / "events.txt", settings["run"], settings["kill_at"])
    checkpoints = Checkpoints(folder / "checkpoints")
    if settings["weights"]:
        weights = Path(settings["weights"])
        network, history = train_whole_fold(splits, images, weights, parameters, monitor, checkpoints)
    else:
        network, history = train_small(splits, images, parameters, monitor, checkpoints)
    np.savez(folder / "weights.npz", *network.get_weights())
    history.to_json(folder / "history.json", double_precision=15)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
