"""Train a small network on one device, on two of one machine, or as one of several machines."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from conftest import ImageFolder
from interrupted import COLUMNS, WrittenEvents

from mayo_kedro.datasets.checkpoints_dataset import Checkpoints
from mayo_kedro.pipelines.modelling.devices import Devices, open_devices
from mayo_kedro.pipelines.modelling.folds import split_fold
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pixels import open_pixels
from mayo_kedro.pipelines.modelling.predicting import predict
from mayo_kedro.pipelines.modelling.stages import fit_stages
from mayo_kedro.pipelines.modelling.training import Training, make_deterministic, take_up


def find_devices(kind: str) -> Devices:
    if kind != "two devices":
        return open_devices("auto")
    (processor,) = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, halves)
    return Devices(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))


def build(dropout: float) -> keras.Model:
    inputs = keras.Input((32, 32, 3), dtype="uint8", name="image")
    features = keras.layers.Rescaling(1 / 255)(inputs)
    features = keras.layers.Conv2D(4, 3, strides=4, activation="relu")(features)
    pooled = keras.layers.Dropout(dropout)(keras.layers.GlobalAveragePooling2D(name="pool")(features))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="probabilities")(pooled))


def main(folder: Path, settings: dict) -> None:
    splits = pd.read_csv(folder.parent / "splits.csv", dtype={"image": str, "patient": str})
    parameters = ModellingParameters(**settings["modelling"])
    devices = find_devices(settings["kind"])
    make_deterministic(1)
    with devices.strategy.scope():
        network = build(settings["dropout"])
    pixels = open_pixels(ImageFolder(folder.parent / "images"), splits["image"].tolist(), 32, 0)
    monitor = WrittenEvents(folder / "events.txt", "one", settings["kill_at"])
    checkpoints = Checkpoints(folder / "checkpoints")
    training = Training(parameters, COLUMNS.ordered_classes, pixels, None, monitor, checkpoints, devices)
    tables = split_fold(splits, 0, COLUMNS, parameters)
    history = fit_stages(training, take_up(training, tables, 0, "fold_0", network, network), network)
    probabilities = predict(network, pixels, tables.held_out, 5).probabilities
    history.to_json(folder / "history.json", double_precision=15)
    network.save(folder / "network.keras")
    np.savez(folder / "weights.npz", *network.get_weights(), probabilities)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
