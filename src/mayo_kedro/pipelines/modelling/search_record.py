"""The trials of a search that have ended, saved after each, so that an interrupted search goes on."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from mayo_kedro.pipelines.modelling.devices import Devices
from mayo_kedro.pipelines.modelling.interfaces import CheckpointFolder
from mayo_kedro.pipelines.modelling.search_parameters import Value


class Outcome(StrEnum):
    """How a trial ended."""

    FINISHED = "finished"
    PRUNED = "pruned"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class Trial:
    """A trial that has ended.

    Attributes:
        number: from 1.
        settings: that were tried, by name.
        outcome: how it ended.
        loss: weighted log loss of the validation patients, the mean over its networks; None unless it
            finished.
        losses: the same of its first network after each epoch.
        run: id of the run under which it is tracked; None if it is not.
    """

    number: int
    settings: dict[str, Value]
    outcome: Outcome
    loss: float | None
    losses: list[float]
    run: str | None


class SearchRecord:
    """The trials of a search; of several machines only the chief saves them, and tells the others.

    Args:
        folder: where they are saved.
        fingerprint: of all that the search depends on.
        devices: that train together.

    Attributes:
        trials: that have ended, in order.
        run: under which the trial after these is tracked, if it was begun before an interruption.
    """

    def __init__(self, folder: CheckpointFolder, fingerprint: str, devices: Devices) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._devices = devices
        found = self._find()
        self.trials = [Trial(**told | {"outcome": Outcome(told["outcome"])}) for told in found["trials"]]
        self.run: str | None = found["run"]

    def begin(self, run: str | None) -> None:
        """Note under which run the next trial is tracked."""
        self.run = run
        self._save()

    def add(self, trial: Trial) -> None:
        """Note that a trial has ended."""
        self.trials.append(trial)
        self.run = None
        self._save()

    def _save(self) -> None:
        if self._devices.is_chief:
            state = {"trials": [asdict(trial) for trial in self.trials], "run": self.run}
            self._folder.save(self._fingerprint, state, {})

    def _find(self) -> dict[str, Any]:
        found = self._folder.load(self._fingerprint) if self._devices.is_chief else None
        state = {"trials": [], "run": None} if found is None else found.state
        told: dict[str, Any] = json.loads(self._devices.tell_all(json.dumps(state).encode()))
        return told
