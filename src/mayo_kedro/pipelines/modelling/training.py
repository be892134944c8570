"""Train the networks of a fold and predict the fold with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling import calibration
from mayo_kedro.pipelines.modelling.augmentation import add_augmentation
from mayo_kedro.pipelines.modelling.batches import balanced_weights
from mayo_kedro.pipelines.modelling.checkpointing import Checkpointing
from mayo_kedro.pipelines.modelling.ensemble import average_networks
from mayo_kedro.pipelines.modelling.epochs import Course
from mayo_kedro.pipelines.modelling.fingerprint import fingerprint_training
from mayo_kedro.pipelines.modelling.folds import FoldTables
from mayo_kedro.pipelines.modelling.monitor import Reports
from mayo_kedro.pipelines.modelling.network import build_network
from mayo_kedro.pipelines.modelling.predicting import (
    predict,
    tabulate,
    tabulate_embeddings,
    tabulate_evidence,
)
from mayo_kedro.pipelines.modelling.randomness import Randomness, draw_weights
from mayo_kedro.pipelines.modelling.stages import Training, fit_stages, make_batches
from mayo_kedro.pipelines.modelling.tile_network import build_tile_network

__all__ = ["TrainedFold", "Training", "build", "take_up", "train_fold"]


@dataclass(frozen=True)
class TrainedFold:
    """What came out of a fold.

    Attributes:
        network: trained without it.
        history: one row an epoch.
        predictions: one row a held-out image.
        embeddings: its features; see `tabulate_embeddings`.
        evidence: one row for each of its parts; see `tabulate_evidence`.
        images_trained: images of all epochs.
    """

    network: keras.Model
    history: pd.DataFrame
    predictions: pd.DataFrame
    embeddings: pd.DataFrame
    evidence: pd.DataFrame
    images_trained: int


def train_fold(training: Training, members: Sequence[FoldTables]) -> TrainedFold:
    """Train the networks of a fold and predict the fold with them.

    Args:
        training: what the networks share.
        members: the rows of the fold for each network; they differ in who validates.

    Raises:
        UserError: an image cannot be decoded, the weights do not fit the backbone, or the loss diverged.
    """
    held_out = members[0].held_out
    rows = pd.concat([members[0].training, members[0].validation, held_out])
    with training.pixels.explain_failures(rows["image"].tolist()):
        networks, histories = zip(
            *(_train_member(training, tables, number) for number, tables in enumerate(members)), strict=True
        )
        network = average_networks(networks)
        predicted = predict(network, training.pixels, held_out, training.parameters.batch_size)
    return TrainedFold(
        network=network,
        history=pd.concat(histories, ignore_index=True),
        predictions=tabulate(held_out, predicted, training.classes),
        embeddings=tabulate_embeddings(held_out, predicted),
        evidence=tabulate_evidence(held_out, predicted, training.classes),
        images_trained=sum(
            len(history) * len(tables.training) for history, tables in zip(histories, members, strict=True)
        ),
    )


def _train_member(training: Training, tables: FoldTables, number: int) -> tuple[keras.Model, pd.DataFrame]:
    """Train one of a fold's networks, or go on with it where it was interrupted."""
    parameters = training.parameters.of_member(number)
    training = replace(training, parameters=parameters)
    name = f"fold_{tables.fold}_seed_{parameters.seed}"
    network, trainer = build(training)
    history = fit_stages(training, take_up(training, tables, number, name, trainer, network), trainer)
    training.checkpoints.finish(name)
    epochs = parameters.frozen_epochs + parameters.fine_tune_epochs
    history["epoch"] += number * epochs
    history.insert(0, "seed", parameters.seed)
    history.insert(0, "fold", tables.fold)
    return _calibrate(training, tables, network), history


def build(training: Training) -> tuple[keras.Model, keras.Model]:
    """Make a network, always the same one with a seed.

    Args:
        training: with the settings of this network.

    Returns:
        The network, and the same behind its augmentation.
    """
    parameters = training.parameters
    make_deterministic(parameters.seed)
    with precision(parameters.mixed_precision), training.devices.strategy.scope():
        build_recipe = build_tile_network if parameters.recipe == "tiles" else build_network
        network = build_recipe(parameters, len(training.classes), training.backbone_weights)
        draw_weights(network, parameters.seed)
        if training.backbone_weights is None:
            draw_weights(network.get_layer("backbone"), parameters.seed)
        return network, add_augmentation(network, parameters.augmentation)


def take_up(
    training: Training, tables: FoldTables, number: int, name: str, trainer: keras.Model, network: keras.Model
) -> Course:
    """Take up the training of a network where it was left, or at its beginning.

    Args:
        training: with the settings of this network.
        tables: its rows.
        number: of the network among those of its fold, from 0.
        name: under which its checkpoints lie.
        trainer: the network behind its augmentation.
        network: as it begins.
    """
    parameters, devices, monitor = training.parameters, training.devices, training.monitor
    checkpointing = Checkpointing(
        training.checkpoints[name],
        fingerprint_training(
            parameters, tables, training.classes, training.backbone_weights, training.pixels.images
        ),
        parameters,
        devices,
        monitor.tracked_run,
    )
    state = checkpointing.resume()
    epochs = parameters.frozen_epochs + parameters.fine_tune_epochs
    reports = Reports(
        monitor if devices.is_chief else None, tables.fold, parameters.ensemble * epochs, number * epochs
    )
    if checkpointing.is_told_elsewhere:
        reports.catch_up(state.history)
    batches, watched = make_batches(training, tables)
    randomness = Randomness(trainer, parameters.seed, devices.worker)
    return Course(
        network,
        batches,
        watched,
        parameters.early_stopping_patience,
        state,
        randomness,
        checkpointing,
        reports,
        devices,
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


def _calibrate(training: Training, tables: FoldTables, network: keras.Model) -> keras.Model:
    """Correct the probabilities, by rows of the training folds only."""
    method = training.parameters.calibration
    if method == "none" or (method == "prior" and training.parameters.class_weights):
        return network
    if method == "prior":
        counts = np.bincount(tables.training["int_labels"], minlength=len(training.classes))
        return calibration.correct_network(network, calibration.undo_prior(counts / counts.sum()))
    assert tables.validation is not None  # noqa: S101  the parameters were checked
    predicted = predict(network, training.pixels, tables.validation, training.parameters.batch_size)
    labels = tables.validation["int_labels"].to_numpy(np.int64)[predicted.rows]
    fit = calibration.fit_temperature if method == "temperature" else calibration.fit_platt
    weights = balanced_weights(labels).astype(np.float64)
    return calibration.correct_network(network, fit(predicted.probabilities, labels, weights))
