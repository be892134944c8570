"""Saving the state of a training when it is due, and taking it up again."""

import io
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from mayo_kedro.pipelines.modelling.devices import Devices
from mayo_kedro.pipelines.modelling.interfaces import Checkpoint, CheckpointFolder
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.state import TrainingState, name_arrays, take_arrays

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shared:
    """A checkpoint that was told by the chief."""

    state: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]


class Checkpointing:
    """Saves a training every so many epochs and minutes; of several machines only the chief does.

    Args:
        folder: of this training's checkpoints.
        fingerprint: of all that the training depends on.
        parameters: `checkpoint_epochs` and `checkpoint_minutes` count here.
        devices: that train together.
        tracked_run: id of the run that hears of the epochs; None without one.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        fingerprint: str,
        parameters: ModellingParameters,
        devices: Devices,
        tracked_run: str | None,
    ) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._parameters = parameters
        self._devices = devices
        self._tracked_run = tracked_run
        self._saved_at = time.monotonic()
        self._epochs_since = 0
        self.found = self._find()

    @property
    def is_told_elsewhere(self) -> bool:
        """Whether the epochs of the checkpoint were told to another run than this one."""
        return self.found is not None and self.found.state["tracked_run"] != self._tracked_run

    def resume(self) -> TrainingState:
        """The state of the checkpoint, or that of a training that begins."""
        if self.found is None:
            return TrainingState()
        state = TrainingState.restore(self.found)
        logger.info(
            "Going on with an interrupted training, at batch %d of epoch %d.", state.batch, state.epoch + 1
        )
        return state

    def restore_variables(self, network: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
        """Give network and optimizer what the checkpoint holds, once; later stages begin anew."""
        if self.found is None:
            return
        network.set_weights(take_arrays(self.found.arrays, "network"))
        saved = take_arrays(self.found.arrays, "optimizer")
        for variable, value in zip(optimizer.variables, saved, strict=True):
            variable.assign(value)
        self.found = None

    def after_batch(
        self, state: TrainingState, network: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> None:
        """Save if it was last done too many minutes ago."""
        minutes = self._parameters.checkpoint_minutes
        if minutes is not None and time.monotonic() - self._saved_at >= 60 * minutes:
            self._save(state, network, optimizer)

    def after_epoch(
        self, state: TrainingState, network: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> None:
        """Save if it was last done too many epochs ago."""
        self._epochs_since += 1
        epochs = self._parameters.checkpoint_epochs
        if epochs is not None and self._epochs_since >= epochs:
            self._save(state, network, optimizer)
            self._epochs_since = 0

    def _save(
        self, state: TrainingState, network: keras.Model, optimizer: keras.optimizers.Optimizer
    ) -> None:
        if self._devices.is_chief:
            arrays = state.arrays() | name_arrays("network", network.get_weights())
            arrays |= name_arrays(
                "optimizer", [ops.convert_to_numpy(variable) for variable in optimizer.variables]
            )
            described = {**state.describe(), "tracked_run": self._tracked_run}
            self._folder.save(self._fingerprint, described, arrays)
        self._saved_at = time.monotonic()

    def _find(self) -> Checkpoint | None:
        """The chief looks, and tells the others: theirs may be the disk of another machine."""
        found = self._folder.load(self._fingerprint) if self._devices.is_chief else None
        if self._devices.workers == 1:
            return found
        return _decode(self._devices.tell_all(_encode(found)))


def _encode(checkpoint: Checkpoint | None) -> bytes:
    if checkpoint is None:
        return b""
    contents: Mapping[str, Any] = {
        **checkpoint.arrays,
        "state": np.frombuffer(json.dumps(checkpoint.state).encode(), np.uint8),
    }
    file = io.BytesIO()
    np.savez(file, **contents)
    return file.getvalue()


def _decode(message: bytes) -> Shared | None:
    if not message:
        return None
    with np.load(io.BytesIO(message), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Shared(json.loads(arrays.pop("state").tobytes()), arrays)
