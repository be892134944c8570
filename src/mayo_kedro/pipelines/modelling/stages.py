"""The two stages of a training: first the new head alone, then the last stages of the backbone too."""

import math
from dataclasses import dataclass

import keras
import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.epochs import fit_epochs
from mayo_kedro.pipelines.modelling.folds import FoldTables
from mayo_kedro.pipelines.modelling.interfaces import BackboneWeights, TrainingMonitor
from mayo_kedro.pipelines.modelling.monitor import MonitorCallback
from mayo_kedro.pipelines.modelling.network import freeze_backbone, unfreeze_stages
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pixels import Pixels


@dataclass(frozen=True)
class Training:
    """What the networks of all folds have in common.

    Attributes:
        parameters: the settings.
        classes: their names, in the order of the labels.
        pixels: gives the images.
        backbone_weights: pretrained weights, or None to start at random.
        monitor: is told how it goes.
    """

    parameters: ModellingParameters
    classes: tuple[str, ...]
    pixels: Pixels
    backbone_weights: BackboneWeights | None
    monitor: TrainingMonitor


@dataclass(frozen=True)
class Stage:
    """One of the two stages of a fold's training; epochs count from 0 over both."""

    fold: int
    name: str
    first_epoch: int
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class StageResult:
    """The epochs of a stage, and its lowest validation loss (infinite without validation)."""

    history: pd.DataFrame
    best_loss: float


@dataclass(frozen=True)
class FoldBatches:
    """What a fold learns from and, unless None, what decides when to stop."""

    training: Batches
    validation: Batches | None


def fit_stages(
    training: Training, tables: FoldTables, network: keras.Model, trainer: keras.Model
) -> pd.DataFrame:
    """Run both stages and leave the network with the best weights of either.

    Args:
        training: what all folds share.
        tables: the rows of this fold.
        network: the network without augmentation.
        trainer: the same network behind its augmentation.

    Returns:
        One row an epoch: `fold`, `stage`, `epoch` and Keras' measures.
    """
    parameters = training.parameters
    batches = _make_fold_batches(training, tables)
    _freeze(training, network)
    stage = Stage(tables.fold, "frozen", 0, parameters.frozen_epochs, parameters.frozen_learning_rate)
    frozen = fit_stage(training, stage, trainer, batches)
    before = network.get_weights()
    _unfreeze(training, network)
    stage = Stage(
        tables.fold,
        "fine_tune",
        len(frozen.history),
        parameters.fine_tune_epochs,
        parameters.fine_tune_learning_rate,
    )
    tuned = fit_stage(training, stage, trainer, batches)
    if tuned.best_loss > frozen.best_loss:
        network.set_weights(before)
    return pd.concat([frozen.history, tuned.history], ignore_index=True)


def _make_fold_batches(training: Training, tables: FoldTables) -> FoldBatches:
    """The validation loss is always weighted: it is the metric that the network is judged by."""
    parameters = training.parameters
    learnt = LabelledImages.from_table(tables.training, weighted=parameters.class_weights)
    epochs = parameters.frozen_epochs + parameters.fine_tune_epochs
    batches = Batches(training.pixels, learnt, parameters.batch_size, parameters.seed, epochs)
    if tables.validation is None:
        return FoldBatches(batches, None)
    watched = LabelledImages.from_table(tables.validation, weighted=True)
    return FoldBatches(batches, Batches(training.pixels, watched, parameters.batch_size))


def _freeze(training: Training, network: keras.Model) -> None:
    """A backbone that starts at random is trained from the first epoch on."""
    if training.backbone_weights is not None:
        freeze_backbone(network)


def _unfreeze(training: Training, network: keras.Model) -> None:
    if training.backbone_weights is not None:
        unfreeze_stages(network, training.parameters.unfreeze)


def fit_stage(training: Training, stage: Stage, trainer: keras.Model, batches: FoldBatches) -> StageResult:
    """Train until the stage's epochs are over or the validation loss no longer falls.

    With validation the weights of the best epoch are restored at the end.

    Raises:
        UserError: the loss is no number any more.
    """
    if stage.epochs == 0:
        return StageResult(pd.DataFrame(), math.inf)
    parameters = training.parameters
    steps = len(batches.training)
    trainer.compile(
        keras.optimizers.Adam(schedule_learning_rate(stage, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    stopper = keras.callbacks.EarlyStopping(
        "val_loss", patience=parameters.early_stopping_patience, mode="min", restore_best_weights=True
    )
    epochs = parameters.frozen_epochs + parameters.fine_tune_epochs
    watchers = [
        keras.callbacks.TerminateOnNaN(),
        MonitorCallback(training.monitor, stage.fold, stage.name, epochs),
    ]
    epochs_run = fit_epochs(
        trainer,
        batches.training,
        batches.validation,
        range(stage.first_epoch, stage.first_epoch + stage.epochs),
        watchers if batches.validation is None else [*watchers, stopper],
    )
    history = make_history(stage, epochs_run)
    return StageResult(history, stopper.best if batches.validation is not None else math.inf)


def schedule_learning_rate(
    stage: Stage, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """The head learns at a constant rate; the backbone starts gently and ends so.

    Adam's first steps are as large as its rate whatever the gradient, and would undo a backbone's
    weights: the rate rises over one epoch, then falls as a cosine to nothing.

    Args:
        stage: its name, epochs and highest rate.
        steps: batches in an epoch.
    """
    if stage.name == "frozen" or stage.epochs < 2:
        return stage.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        0.0, (stage.epochs - 1) * steps, warmup_target=stage.learning_rate, warmup_steps=steps
    )


def make_history(stage: Stage, epochs_run: keras.callbacks.History) -> pd.DataFrame:
    """Make a table of what Keras recorded.

    Raises:
        UserError: the loss is no number any more.
    """
    history = pd.DataFrame(epochs_run.history)
    if history["loss"].isna().any():
        raise UserError(
            f"The training of fold {stage.fold} diverged: its loss is no number any more.",
            f"Lower modelling.{stage.name}_learning_rate, which is {stage.learning_rate}.",
        )
    history.insert(0, "epoch", epochs_run.epoch)
    history.insert(0, "stage", stage.name)
    history.insert(0, "fold", stage.fold)
    return history
