"""What the training asks of the things that the catalog hands to it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol


class ImageStream(Protocol):
    """A set of encoded images."""

    def stream(self, ids: Sequence[str]) -> Iterator[bytes]:
        """Give the encoded files in the order of the ids."""


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
