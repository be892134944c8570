"""Where a training node reports how it is doing: the progress display and the tracked run."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from mayo_kedro.datasets.trial_run import TrialRun, adopt, tracked_trial
from mayo_kedro.progress import Advance, progress
from mayo_kedro.runners.watching.events import JOB_VARIABLE, EventWriter, TrainingEvent

logger = logging.getLogger(__name__)


class TrainingMonitor:
    """Shows batches on the progress display; logs each epoch, and sends it to the active MLflow run.

    In a job there is no display: events in the log take its place, for the sender's.

    Args:
        events: where a job tells of them; None elsewhere.
        trial: of a search, which has a run of its own; None for the training itself.
    """

    def __init__(self, events: EventWriter | None = None, trial: TrialRun | None = None) -> None:
        self._events = events
        self._trial = trial
        self._shown = ExitStack()
        self._advance: Advance | None = None

    @property
    def tracked_run(self) -> str | None:
        """Id of the trial's MLflow run, or of the active one; None without one."""
        if self._trial is not None:
            return self._trial.run_id
        run = _active_run()
        return str(run.info.run_id) if run else None

    def batch_ended(
        self, fold: int, stage: str, epoch: int, step: int, steps: int, logs: Mapping[str, float]
    ) -> None:
        """Count a batch.

        Args:
            fold: the held-out fold.
            stage: "frozen" or "fine_tune".
            epoch: from 0, over both stages.
            step: from 0, within the epoch.
            steps: batches in the epoch.
            logs: the running metrics.
        """
        stage = self._name(stage)
        if self._events is not None:
            done = {"step": step + 1, "steps": steps}
            self._events.step(_make_event(fold, stage, epoch, logs).model_copy(update=done))
            return
        if step == 0 or self._advance is None:
            self._shown.close()
            title = f"Fold {fold} · {_words(stage)} · epoch {epoch + 1}"
            self._advance = self._shown.enter_context(progress(title, steps, summary=False))
        self._advance(1, f"loss {logs.get('loss', float('nan')):.3f}")

    def epoch_ended(self, fold: int, stage: str, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
        """Tell the outcome of an epoch.

        Args:
            fold: the held-out fold.
            stage: "frozen" or "fine_tune".
            epoch: from 0, over both stages.
            epochs: how many there are at most.
            logs: Keras' metrics by name.
        """
        stage = self._name(stage)
        self._shown.close()
        self._advance = None
        told = "  ".join(f"{name} {value:.3f}" for name, value in logs.items() if name in _TOLD)
        if "images_per_second" in logs:
            waited = f"{logs['data_wait_share']:.0%} of the time waiting for data"
            told += f"  {logs['images_per_second']:.0f} images/s, {waited}"
        logger.info("Fold %d · %s · epoch %d/%d · %s", fold, _words(stage), epoch + 1, epochs, told)
        if self._events is not None:
            self._events.write(_make_event(fold, stage, epoch, logs).model_copy(update={"epochs": epochs}))
        if self._trial is not None:
            self._trial.log(logs, epoch)
        else:
            self._track({f"fold_{fold}/{name}": value for name, value in logs.items()}, epoch)

    @contextmanager
    def open_trial(
        self, fold: int, number: int, trials: int, settings: Mapping[str, Any], run: str | None
    ) -> Iterator["TrainingMonitor"]:
        """Watch a trial of a search as long as the block lasts.

        Args:
            fold: the held-out fold.
            number: of the trial, from 1.
            trials: how many there are.
            settings: that are tried, by name.
            run: id of the run that an interrupted attempt has begun for this trial; None begins one.
        """
        title = f"trial {number}/{trials}"
        parent, name = self.tracked_run, f"fold {fold} trial {number}"
        with tracked_trial(parent, name, title, settings, run) as trial:
            monitor = TrainingMonitor(self._events, trial)
            with monitor._shown:
                yield monitor

    def trial_ended(self, outcome: str, loss: float | None) -> None:
        """Take what came out of the trial that this monitor watches."""
        if self._trial is not None:
            self._trial.end(outcome, loss)

    def adopt_trials(self, runs: Sequence[str]) -> None:
        """Take finished trials of an earlier attempt, by their runs' ids, into the run of this one."""
        adopt(self.tracked_run, runs)

    def _name(self, stage: str) -> str:
        return stage if self._trial is None else f"{self._trial.title} · {stage}"

    def _track(self, metrics: Mapping[str, float], epoch: int) -> None:
        run = self.tracked_run
        if run is None:
            return
        import mlflow  # noqa: PLC0415

        if self._events is not None:
            metrics = {name: value for name, value in metrics.items() if epoch not in _tracked(run, name)}
        if metrics:
            mlflow.log_metrics(dict(metrics), step=epoch)


@cache
def _tracked(run: str, name: str) -> frozenset[int]:
    """The epochs that a run held when this process first asked.

    A job that was preempted after an epoch's metrics and before its checkpoint does that epoch again.
    """
    import mlflow  # noqa: PLC0415

    return frozenset(metric.step for metric in mlflow.MlflowClient().get_metric_history(run, name))


def _active_run() -> Any:
    import mlflow  # noqa: PLC0415  six seconds: only a run that trains pays

    return mlflow.active_run()


_TOLD = ("loss", "val_loss", "val_accuracy")


def _words(stage: str) -> str:
    return stage.replace("_", "-")


def _make_event(fold: int, stage: str, epoch: int, logs: Mapping[str, float]) -> TrainingEvent:
    return TrainingEvent(
        fold=fold,
        stage=stage,
        epoch=epoch,
        loss=logs.get("loss"),
        val_loss=logs.get("val_loss"),
        images_per_second=logs.get("images_per_second"),
    )


class TrainingMonitorDataset(AbstractDataset[Any, TrainingMonitor]):
    """Loads a `TrainingMonitor`, so that a training node needs neither MLflow nor a terminal.

    Args:
        metadata: for Kedro's plugins.
    """

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def load(self) -> TrainingMonitor:
        """Make a monitor."""
        return TrainingMonitor(EventWriter(sys.stdout) if JOB_VARIABLE in os.environ else None)

    def save(self, data: Any) -> NoReturn:
        """Refuse: a monitor is only loaded."""
        raise DatasetError("A training monitor can't be saved.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {}
