"""Where a training node reports how it is doing: the progress display and the tracked run."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from mayo_kedro.progress import Advance, progress

logger = logging.getLogger(__name__)


class TrainingMonitor:
    """Shows batches on the progress display; logs each epoch, and sends it to the active MLflow run."""

    def __init__(self) -> None:
        self._shown = ExitStack()
        self._advance: Advance | None = None

    @property
    def tracked_run(self) -> str | None:
        """Id of the active MLflow run; None without one."""
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
        self._shown.close()
        self._advance = None
        told = "  ".join(f"{name} {value:.3f}" for name, value in logs.items() if name in _TOLD)
        if "images_per_second" in logs:
            waited = f"{logs['data_wait_share']:.0%} of the time waiting for data"
            told += f"  {logs['images_per_second']:.0f} images/s, {waited}"
        logger.info("Fold %d · %s · epoch %d/%d · %s", fold, _words(stage), epoch + 1, epochs, told)
        self._track(fold, epoch, logs)

    @staticmethod
    def _track(fold: int, epoch: int, logs: Mapping[str, float]) -> None:
        if _active_run() is not None:
            import mlflow  # noqa: PLC0415

            mlflow.log_metrics({f"fold_{fold}/{name}": value for name, value in logs.items()}, step=epoch)


def _active_run() -> Any:
    import mlflow  # noqa: PLC0415  six seconds: only a run that trains pays

    return mlflow.active_run()


_TOLD = ("loss", "val_loss", "val_accuracy")


def _words(stage: str) -> str:
    return stage.replace("_", "-")


class TrainingMonitorDataset(AbstractDataset[Any, TrainingMonitor]):
    """Loads a `TrainingMonitor`, so that a training node needs neither MLflow nor a terminal.

    Args:
        metadata: for Kedro's plugins.
    """

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def load(self) -> TrainingMonitor:
        """Make a monitor."""
        return TrainingMonitor()

    def save(self, data: Any) -> NoReturn:
        """Refuse: a monitor is only loaded."""
        raise DatasetError("A training monitor can't be saved.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {}
