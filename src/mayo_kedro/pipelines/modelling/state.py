"""How far the training of a network is: all that an interrupted one needs to go on as if nothing had been."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy.typing as npt

from mayo_kedro.pipelines.modelling.interfaces import Checkpoint
from mayo_kedro.pipelines.modelling.steps import Outcome
from mayo_kedro.pipelines.modelling.stopping import Best, Weights

Arrays = dict[str, npt.NDArray[Any]]


@dataclass
class Measures:
    """What is measured of an epoch as it goes.

    Attributes:
        images: so far.
        loss: mean over them.
        accuracy: mean over them.
        seconds: wall time.
        waited: seconds of it in which no image was there to train with.
        travelled: what was streamed meanwhile, such as `bytes_fetched`.
    """

    images: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    seconds: float = 0.0
    waited: float = 0.0
    travelled: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Take the means of a batch."""
        self.images += outcome.images
        share = outcome.images / self.images
        self.loss += (outcome.loss - self.loss) * share
        self.accuracy += (outcome.accuracy - self.accuracy) * share

    @property
    def means(self) -> dict[str, float]:
        """`loss` and `accuracy`."""
        return {"loss": self.loss, "accuracy": self.accuracy}

    def summarise(self) -> dict[str, float]:
        """All of it, as a row of the history: `images_per_second`, `data_wait_share` and others."""
        return {
            **self.means,
            "seconds": self.seconds,
            "images_per_second": self.images / self.seconds,
            "data_wait_share": self.waited / self.seconds,
            **{name: float(count) for name, count in self.travelled.items()},
        }


@dataclass
class TrainingState:
    """Where the training of a network is.

    Attributes:
        stage: number of the stage, from 0.
        batch: batches of the current epoch that are done.
        history: the finished epochs of all stages, one row each, with `stage`.
        measures: of the current epoch.
        best: epoch of the current stage.
        kept: best epoch of the finished stages.
    """

    stage: int = 0
    batch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    measures: Measures = field(default_factory=Measures)
    best: Best = field(default_factory=Best)
    kept: Best = field(default_factory=Best)

    @property
    def epoch(self) -> int:
        """The current epoch, from 0 over all stages."""
        return len(self.history)

    def count_epochs(self, stage: str) -> int:
        """Finished epochs of a stage."""
        return sum(row["stage"] == stage for row in self.history)

    def end_epoch(self, row: Mapping[str, Any]) -> None:
        """Put an epoch into the history and begin the next."""
        self.history.append(dict(row))
        self.batch, self.measures = 0, Measures()

    def end_stage(self) -> None:
        """Begin the next stage."""
        self.stage += 1
        if self.best.loss <= self.kept.loss:
            self.kept = self.best
        self.best = Best()

    def describe(self) -> dict[str, Any]:
        """The plain values, as JSON can hold them."""
        return {
            "stage": self.stage,
            "batch": self.batch,
            "history": self.history,
            "measures": asdict(self.measures),
            "best": _describe_best(self.best),
            "kept": _describe_best(self.kept),
        }

    def arrays(self) -> Arrays:
        """The weights that are kept, by name."""
        best, kept = self.best.weights or (), self.kept.weights or ()
        return name_arrays("best", best) | name_arrays("kept", kept)

    @classmethod
    def restore(cls, checkpoint: Checkpoint) -> "TrainingState":
        """Make the state that `describe` and `arrays` told of."""
        told = checkpoint.state
        return cls(
            stage=told["stage"],
            batch=told["batch"],
            history=told["history"],
            measures=Measures(**told["measures"]),
            best=_restore_best(checkpoint, "best"),
            kept=_restore_best(checkpoint, "kept"),
        )


def _describe_best(best: Best) -> dict[str, Any]:
    return {"loss": best.loss, "waited": best.waited}


def _restore_best(checkpoint: Checkpoint, name: str) -> Best:
    return Best(**checkpoint.state[name], weights=take_arrays(checkpoint.arrays, name) or None)


def name_arrays(prefix: str, arrays: Weights) -> Arrays:
    """Name arrays by their place in a list."""
    return {f"{prefix}/{place:05}": array for place, array in enumerate(arrays)}


def take_arrays(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Sequence[npt.NDArray[Any]]:
    """Take a list of arrays back that `name_arrays` named."""
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{prefix}/")]
