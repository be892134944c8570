"""What the training asks of the things that the catalog hands to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Batch(Protocol):
    """Some rows of a table and the local files of their images."""

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Row numbers, of shape (images,)."""

    @property
    def paths(self) -> list[str]:
        """Of the encoded files, in the order of `rows`; "" for one that was skipped."""


class BatchLoader(Protocol):
    """The batches of a table, epoch by epoch, fetched ahead of use."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(
        self, number: int, first_batch: int = 0, skip: Callable[[str], bool] | None = None
    ) -> Iterator[Batch]:
        """Give the batches of an epoch from `first_batch` on; `skip` tells which ids need no file."""


class ImageStream(Protocol):
    """A set of encoded images."""

    @property
    def statistics(self) -> dict[str, int]:
        """Counts of what has travelled so far; empty for files that lie here."""

    def stream(self, images: Sequence[str]) -> Iterator[Path]:
        """Give local copies of the encoded files in the order of the ids."""

    def batches(
        self,
        ids: Sequence[str],
        batch_size: int,
        *,
        seed: int | None = None,
        epochs: int | None = None,
        shard: int = 0,
        shards: int = 1,
    ) -> BatchLoader:
        """Make a loader: in the order of `ids`, or shuffled anew in each of `epochs` with a seed.

        Of several shards each gets its part of every batch.
        """

    def fingerprint_order(self, ids: Sequence[str]) -> str | None:
        """What that order depends on besides seed and ids, if anything."""


class BackboneWeights(Protocol):
    """A file of backbone weights that is fetched only when its path is read."""

    @property
    def name(self) -> str:
        """The file's name in the repository; its suffix tells the format."""

    @property
    def path(self) -> Path:
        """The verified local copy."""


class WeightFiles(Protocol):
    """The repository's folder of weights, by file name; only what is used is fetched."""

    def __getitem__(self, name: str) -> BackboneWeights:
        """The file of this name."""


class TrainingMonitor(Protocol):
    """Watches a training: a progress display, a tracking server."""

    @property
    def tracked_run(self) -> str | None:
        """Id of the run under which the training is tracked; None if it is not."""

    def epoch_ended(self, fold: int, stage: str, epoch: int, epochs: int, logs: dict[str, float]) -> None:
        """Take the measures of an epoch; `epoch` counts from 0 over both stages."""

    def batch_ended(
        self, fold: int, stage: str, epoch: int, step: int, steps: int, logs: dict[str, float]
    ) -> None:
        """Take the running means of an epoch after step `step` (from 0) of `steps`."""

    def open_trial(
        self, fold: int, number: int, trials: int, settings: Mapping[str, Any], run: str | None
    ) -> AbstractContextManager["TrialMonitor"]:
        """Watch a trial of a search, number `number` (from 1) of `trials`, as long as the block lasts.

        It is tracked as a run of its own below this one: a new one, or that of an earlier attempt, `run`.
        """

    def adopt_trials(self, runs: Sequence[str]) -> None:
        """Take finished trials of an earlier attempt, by their runs' ids, into the run of this one."""


class TrialMonitor(TrainingMonitor, Protocol):
    """Watches a trial of a search."""

    def trial_ended(self, outcome: str, loss: float | None) -> None:
        """Take what came out: "finished" with the loss, "pruned" or "diverged" without one."""


class Checkpoint(Protocol):
    """What was saved of a training."""

    @property
    def state(self) -> dict[str, Any]:
        """Plain values."""

    @property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays by name."""


class CheckpointFolder(Protocol):
    """The checkpoints of one training."""

    def save(self, fingerprint: str, state: Mapping[str, Any], arrays: Mapping[str, npt.ArrayLike]) -> None:
        """Write a checkpoint, whole or not at all."""

    def load(self, fingerprint: str) -> Checkpoint | None:
        """The newest sound checkpoint of a training with this fingerprint."""

    def remove(self) -> None:
        """Remove all of them: nothing will go on from here."""


class Checkpoints(Protocol):
    """The checkpoints of all trainings."""

    def __getitem__(self, name: str) -> CheckpointFolder:
        """The checkpoints of the training of this name."""

    def finish(self, name: str) -> None:
        """Say that a training is over: its checkpoints go once its results are saved."""
