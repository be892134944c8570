"""Train the network of a fold and predict the fold with it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling.augmentation import add_augmentation
from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.folds import FoldTables
from mayo_kedro.pipelines.modelling.network import build_network
from mayo_kedro.pipelines.modelling.stages import Training, fit_stages

__all__ = ["TrainedFold", "Training", "train_fold"]


@dataclass(frozen=True)
class TrainedFold:
    """What came out of a fold.

    Attributes:
        fold: its number.
        network: trained without it.
        history: one row an epoch.
        predictions: one row a held-out image.
        patients_trained: patients that trained the network or decided when to stop.
        images_trained: images of all epochs.
        fit_seconds: wall time of all epochs.
    """

    fold: int
    network: keras.Model
    history: pd.DataFrame
    predictions: pd.DataFrame
    patients_trained: int
    images_trained: int
    fit_seconds: float


def train_fold(training: Training, tables: FoldTables) -> TrainedFold:
    """Train the network of a fold and predict the fold with it.

    Args:
        training: what all folds share.
        tables: the rows of this fold.

    Raises:
        UserError: an image cannot be decoded, the weights do not fit the backbone, or the loss diverged.
    """
    make_deterministic(training.parameters.seed)
    with precision(training.parameters.mixed_precision):
        network = build_network(training.parameters, len(training.classes), training.backbone_weights)
        trainer = add_augmentation(network, training.parameters.augmentation)
    everything = pd.concat([tables.training, tables.validation, tables.held_out])
    with training.pixels.explain_failures(everything["image"].tolist()):
        started = time.monotonic()
        history = fit_stages(training, tables, network, trainer)
        fit_seconds = time.monotonic() - started
        predictions = predict(training, network, tables.held_out)
    return TrainedFold(
        fold=tables.fold,
        network=network,
        history=history,
        predictions=predictions,
        patients_trained=everything["patient"].nunique() - tables.held_out["patient"].nunique(),
        images_trained=len(history) * len(tables.training),
        fit_seconds=fit_seconds,
    )


def make_deterministic(seed: int) -> None:
    """Seed every random number, and have TensorFlow always add up in the same order."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


@contextmanager
def precision(mixed: str | bool) -> Iterator[None]:
    """Build networks in half precision: if told so or, on "auto", where there is a GPU."""
    wanted = bool(tf.config.list_physical_devices("GPU")) if mixed == "auto" else bool(mixed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if wanted else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def predict(training: Training, network: keras.Model, table: pd.DataFrame) -> pd.DataFrame:
    """Predict the rows of a table.

    Returns:
        The rows, but for images that were left out as unreadable, with a column `probability_<class>` for
        each class; these add up to 1.
    """
    images = LabelledImages.from_table(table, weighted=False)
    batches = Batches(training.pixels, images, training.parameters.batch_size)
    predicted = [(rows, network.predict_on_batch(pixels)) for rows, pixels in batches]
    rows = table[["image", "patient", "label", "int_labels", "fold"]].iloc[
        np.concatenate([rows for rows, _ in predicted])
    ]
    probabilities = np.concatenate([part for _, part in predicted]).astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    columns = [f"probability_{name}" for name in training.classes]
    return pd.concat([rows.reset_index(drop=True), pd.DataFrame(probabilities, columns=columns)], axis=1)
