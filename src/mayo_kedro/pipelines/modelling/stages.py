"""The two stages of a training: first the new head alone, then the last stages of the backbone too."""

from dataclasses import dataclass

import keras
import pandas as pd

from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.devices import Devices
from mayo_kedro.pipelines.modelling.epochs import Course, Stage, fit_epochs
from mayo_kedro.pipelines.modelling.folds import FoldTables
from mayo_kedro.pipelines.modelling.interfaces import BackboneWeights, Checkpoints, TrainingMonitor
from mayo_kedro.pipelines.modelling.network import freeze_backbone, unfreeze_stages
from mayo_kedro.pipelines.modelling.optimizer import make_optimizer
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.pixels import Pixels
from mayo_kedro.pipelines.modelling.reading import Order
from mayo_kedro.pipelines.modelling.steps import Steps


@dataclass(frozen=True)
class Training:
    """What the networks of a fold have in common.

    Attributes:
        parameters: the settings.
        classes: their names, in the order of the labels.
        pixels: gives the images.
        backbone_weights: pretrained weights, or None to start at random.
        monitor: is told how it goes.
        checkpoints: of all trainings.
        devices: that train together.
    """

    parameters: ModellingParameters
    classes: tuple[str, ...]
    pixels: Pixels
    backbone_weights: BackboneWeights | None
    monitor: TrainingMonitor
    checkpoints: Checkpoints
    devices: Devices


def list_stages(parameters: ModellingParameters) -> tuple[Stage, Stage]:
    """Both stages, of which one may have no epochs."""
    return (
        Stage("frozen", parameters.frozen_epochs, parameters.frozen_learning_rate),
        Stage("fine_tune", parameters.fine_tune_epochs, parameters.fine_tune_learning_rate),
    )


def fit_stages(training: Training, course: Course, trainer: keras.Model) -> pd.DataFrame:
    """Go through the stages that are left, and leave the network with the best weights of any.

    Args:
        training: what the networks of the fold share.
        course: of this network, which may have been interrupted anywhere.
        trainer: the network behind its augmentation.

    Returns:
        One row an epoch: `stage`, `epoch` and what was measured.

    Raises:
        UserError: the loss is no number any more.
    """
    state, stages = course.state, list_stages(training.parameters)
    while state.stage < len(stages):
        stage = stages[state.stage]
        _choose_layers(training, course.network, stage)
        optimizer = make_optimizer(
            training.parameters, stage, course.network, len(course.training), training.devices
        )
        steps = Steps(trainer, optimizer, training.devices)
        course.checkpointing.restore_variables(course.network, optimizer)
        fit_epochs(course, stage, steps)
        state.end_stage()
    state.kept.restore(course.network)
    return pd.DataFrame(state.history)


def make_batches(training: Training, tables: FoldTables) -> tuple[Batches, Batches | None]:
    """What a network learns from, and what decides when to stop.

    The validation loss is always weighted: it is the metric that the network is judged by.
    """
    parameters, devices = training.parameters, training.devices
    learnt = LabelledImages.from_table(tables.training, weighted=parameters.class_weights)
    epochs = parameters.frozen_epochs + parameters.fine_tune_epochs
    order = Order(parameters.batch_size, parameters.seed, epochs, devices.worker, devices.workers)
    batches = Batches(training.pixels, learnt, order)
    if tables.validation is None:
        return batches, None
    watched = LabelledImages.from_table(tables.validation, weighted=True)
    return batches, Batches(training.pixels, watched, Order(parameters.batch_size))


def _choose_layers(training: Training, network: keras.Model, stage: Stage) -> None:
    """A backbone that starts at random is trained from the first epoch on."""
    if training.backbone_weights is None:
        return
    if stage.name == "frozen":
        freeze_backbone(network)
    else:
        unfreeze_stages(network, training.parameters.unfreeze)
