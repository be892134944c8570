"""Where interrupted trainings find their way back: the newest sound checkpoint of each."""

import io
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from kedro.io import AbstractDataset, DatasetError

logger = logging.getLogger(__name__)

KEPT = 2
"""How many checkpoints of a training stay: if the newest is damaged, there is one before it."""

_STATE = "state"


@dataclass(frozen=True)
class Checkpoint:
    """What was saved of a training.

    Attributes:
        state: plain values.
        arrays: by name.
    """

    state: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]


class CheckpointFolder:
    """The checkpoints of one training, numbered; each is a NumPy archive without pickles.

    Args:
        folder: is made when the first one is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, fingerprint: str, state: Mapping[str, Any], arrays: Mapping[str, npt.ArrayLike]) -> None:
        """Write a checkpoint, whole or not at all, and remove those that are no longer needed.

        Args:
            fingerprint: of all that the training depends on.
            state: what JSON can hold.
            arrays: by name; "state" is taken.
        """
        described = json.dumps({"fingerprint": fingerprint, "state": state}).encode()
        contents = {**arrays, _STATE: np.frombuffer(described, np.uint8)}
        self._folder.mkdir(parents=True, exist_ok=True)
        before = self._paths()
        number = int(before[-1].stem) + 1 if before else 1
        # Not flushed to the disk: that protects against a power failure only, and would stall the training.
        aside = self._folder / "unfinished"
        with aside.open("wb") as file:
            np.savez(file, **contents)  # type: ignore[arg-type]  # allow_pickle is not among the names
        os.replace(aside, self._folder / f"{number:06}.npz")
        for path in before[: len(before) + 1 - KEPT]:
            path.unlink()

    def load(self, fingerprint: str) -> Checkpoint | None:
        """Read the newest checkpoint that is whole and belongs to this training; None without one."""
        for path in reversed(self._paths()):
            try:
                found, checkpoint = _read(path)
            except Exception as error:  # a changed byte makes zipfile and NumPy raise almost anything
                logger.warning("The checkpoint %s is damaged (%s): trying the one before.", path, error)
                continue
            if found == fingerprint:
                return checkpoint
            logger.warning("%s belongs to other parameters, data or code: it is not used.", path)
        return None

    def remove(self) -> None:
        """Remove all checkpoints of this training."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9]*.npz"))


def _read(path: Path) -> tuple[str, Checkpoint]:
    # From memory: NumPy reads a file lazily, and a damaged part has to be found now.
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    described = json.loads(arrays.pop(_STATE).tobytes())
    return described["fingerprint"], Checkpoint(described["state"], arrays)


class Checkpoints:
    """The checkpoints of all trainings, by name.

    Args:
        folder: has a folder for each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._finished: list[CheckpointFolder] = []

    def __getitem__(self, name: str) -> CheckpointFolder:
        """The checkpoints of one training."""
        return CheckpointFolder(self._folder / name)

    def finish(self, name: str) -> None:
        """Say that a training is over; its checkpoints go once its results are saved."""
        self._finished.append(self[name])

    def remove_finished(self) -> None:
        """Remove the checkpoints of the trainings that are over."""
        while self._finished:
            self._finished.pop().remove()


class CheckpointsDataset(AbstractDataset[Any, Checkpoints]):
    """Loads `Checkpoints`, a handle: nothing is read before a training asks.

    The node that `confirms` this dataset has the checkpoints of the finished trainings removed after its
    outputs are saved, and not before: until then each of them is the only copy of hours of work.

    Args:
        folder: on this machine.
        metadata: for Kedro's plugins.
    """

    def __init__(self, *, folder: str, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata
        self._checkpoints = Checkpoints(Path(folder))

    def load(self) -> Checkpoints:
        """Give the handle."""
        return self._checkpoints

    def save(self, data: Any) -> NoReturn:
        """Refuse: trainings save through the handle."""
        raise DatasetError("Checkpoints are saved by the training, not by the catalog.")

    def confirm(self) -> None:
        """Remove the checkpoints of the trainings that are over; Kedro calls this when all is saved."""
        self._checkpoints.remove_finished()

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._checkpoints._folder)}
