"""Tell whoever watches how the training goes."""

from typing import Any

import keras

from mayo_kedro.pipelines.modelling.interfaces import TrainingMonitor


class MonitorCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Hand Keras' events to a monitor.

    Args:
        monitor: is told.
        fold: the fold that is held out.
        stage: "frozen" or "fine_tune".
        epochs: the largest number of epochs of both stages together.
    """

    def __init__(self, monitor: TrainingMonitor, fold: int, stage: str, epochs: int) -> None:
        super().__init__()
        self._monitor = monitor
        self._fold = fold
        self._stage = stage
        self._epochs = epochs
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember which epoch the batches belong to."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Hand on the running means."""
        steps = self.params["steps"]
        self._monitor.batch_ended(self._fold, self._stage, self._epoch, batch, steps, _floats(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Hand on the measures of the epoch."""
        self._monitor.epoch_ended(self._fold, self._stage, epoch, self._epochs, _floats(logs))


def _floats(logs: dict[str, Any] | None) -> dict[str, float]:
    return {name: float(value) for name, value in (logs or {}).items()}
