"""Tell whoever watches how the training of a network goes."""

from collections.abc import Mapping, Sequence
from typing import Any

from mayo_kedro.pipelines.modelling.interfaces import TrainingMonitor


class Reports:
    """Hands the events of a training to a monitor.

    Args:
        monitor: is told; None where another machine tells.
        fold: the fold that is held out.
        epochs: the largest number of epochs of all networks of the fold together.
        first_epoch: number of this network's first epoch among these.
    """

    def __init__(self, monitor: TrainingMonitor | None, fold: int, epochs: int, first_epoch: int = 0) -> None:
        self._monitor = monitor
        self.fold = fold
        self._epochs = epochs
        self._first_epoch = first_epoch

    def batch_ended(self, stage: str, epoch: int, step: int, steps: int, means: Mapping[str, float]) -> None:
        """Tell the running means of an epoch."""
        if self._monitor is not None:
            self._monitor.batch_ended(self.fold, stage, self._first_epoch + epoch, step, steps, dict(means))

    def epoch_ended(self, row: Mapping[str, Any]) -> None:
        """Tell the measures of an epoch: a row of the history."""
        if self._monitor is not None:
            measures = {name: value for name, value in row.items() if name not in ("stage", "epoch")}
            epoch = self._first_epoch + row["epoch"]
            self._monitor.epoch_ended(self.fold, row["stage"], epoch, self._epochs, measures)

    def catch_up(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Tell the epochs of an earlier attempt to a run that has not heard of them."""
        for row in history:
            self.epoch_ended(row)
