"""Training epoch by epoch, with a look at how long the network waits for its images."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import tensorflow as tf

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.batches import Batches
from mayo_kedro.pipelines.modelling.checkpointing import Checkpointing
from mayo_kedro.pipelines.modelling.devices import Devices
from mayo_kedro.pipelines.modelling.monitor import Reports
from mayo_kedro.pipelines.modelling.randomness import Randomness
from mayo_kedro.pipelines.modelling.reading import Rows
from mayo_kedro.pipelines.modelling.state import Measures, TrainingState
from mayo_kedro.pipelines.modelling.steps import Outcome, Steps


class Diverged(UserError):
    """The loss of a training is no number any more."""


@dataclass(frozen=True)
class Stage:
    """One of the stages of a training.

    Attributes:
        name: "frozen" or "fine_tune".
        epochs: at most.
        learning_rate: the highest.
    """

    name: str
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class Course:
    """What goes through all epochs of a training.

    Attributes:
        network: that is trained.
        training: what it learns from.
        validation: what decides when to stop; None trains for all epochs.
        patience: epochs without a better validation loss after which a stage ends.
        state: how far it is.
        randomness: of its layers.
        checkpointing: saves the state.
        reports: tell how it goes.
        devices: that train together.
    """

    network: keras.Model
    training: Batches
    validation: Batches | None
    patience: int
    state: TrainingState
    randomness: Randomness
    checkpointing: Checkpointing
    reports: Reports
    devices: Devices


def fit_epochs(course: Course, stage: Stage, steps: Steps) -> None:
    """Train until the stage's epochs are over or the validation loss no longer falls.

    Begins where the state is, which may be the middle of an epoch. With validation the network has the
    weights of the stage's best epoch at the end.

    Raises:
        UserError: the loss is no number any more.
    """
    state = course.state
    while state.count_epochs(stage.name) < stage.epochs and state.best.waited < course.patience:
        train_epoch(course, stage, steps)
        row = {"stage": stage.name, "epoch": state.epoch, **state.measures.summarise()}
        if course.validation is not None:
            validated = evaluate(course.validation, steps)
            loss = course.devices.agree(validated.loss)
            row |= {"val_loss": loss, "val_accuracy": validated.accuracy}
            state.best.look_at(loss, course.network)
        state.end_epoch(row)
        # Told before it is saved: what is in a checkpoint has been told.
        course.reports.epoch_ended(row)
        course.checkpointing.after_epoch(state, course.network, steps.optimizer)
    state.best.restore(course.network)


def train_epoch(course: Course, stage: Stage, steps: Steps) -> None:
    """Train on the rest of the current epoch.

    Raises:
        UserError: the loss is no number any more.
    """
    state, images = course.state, course.training.images
    before = dict(state.measures.travelled)
    fetched = course.training.statistics
    for step, rows, pixels in time_batches(course.training.epoch(state.epoch, state.batch), state.measures):
        course.randomness.move_to(state.epoch, step)
        outcome = steps.train(pixels, images.labels[rows], images.weights[rows])
        require_number(outcome, stage, course.reports.fold)
        state.measures.add(outcome)
        state.measures.travelled = {
            name: before.get(name, 0) + count - fetched[name]
            for name, count in course.training.statistics.items()
        }
        state.batch = step + 1
        course.reports.batch_ended(stage.name, state.epoch, step, len(course.training), state.measures.means)
        course.checkpointing.after_batch(state, course.network, steps.optimizer)


def time_batches(
    batches: Iterator[tuple[int, Rows, tf.Tensor]], measures: Measures
) -> Iterator[tuple[int, Rows, tf.Tensor]]:
    """Give batches, and add up the time until the next is asked for, and how long it was waited for."""
    while True:
        began = time.perf_counter()
        batch = next(batches, None)
        arrived = time.perf_counter()
        measures.waited += arrived - began
        measures.seconds += arrived - began
        if batch is None:
            return
        yield batch
        measures.seconds += time.perf_counter() - arrived


def require_number(outcome: Outcome, stage: Stage, fold: int) -> None:
    """Refuse to go on with a loss that is none.

    Raises:
        Diverged: it is infinite or no number.
    """
    if not math.isfinite(outcome.loss):
        raise Diverged(
            f"The training of fold {fold} diverged: its loss is no number any more.",
            f"Lower modelling.{stage.name}_learning_rate, which is {stage.learning_rate}.",
        )


def evaluate(batches: Batches, steps: Steps) -> Measures:
    """Evaluate all batches once.

    Returns:
        Means over the images; nothing is timed.
    """
    measures, images = Measures(), batches.images
    for _, rows, pixels in batches.epoch():
        measures.add(steps.test(pixels, images.labels[rows], images.weights[rows]))
    return measures
