"""Search and train in a process of its own that kills itself at one batch; the tests start it again."""

import json
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pandas as pd
from conftest import ImageFolder
from interrupted import COLUMNS, LocalWeights, WrittenEvents

from mayo_kedro.datasets.checkpoints_dataset import Checkpoints
from mayo_kedro.pipelines.modelling.nodes import train_fold
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters


class WrittenSearch(WrittenEvents):
    """Writes the number of the trial too; `kill_at` names trial, epoch and batch; trial 0 is the training."""

    trial = 0

    @contextmanager
    def open_trial(self, fold, number, trials, settings, run):
        self._write({"trial": number, "run": run})
        before, self.trial = self.tracked_run, number
        self.tracked_run = run or f"{before}/{number}"
        yield self
        self.trial, self.tracked_run = 0, before

    def trial_ended(self, outcome, loss) -> None:
        self._write({"ended": self.trial, "loss": loss})

    def adopt_trials(self, runs) -> None:
        self._write({"adopted": runs})

    def batch_ended(self, fold, stage, epoch, step, steps, logs) -> None:
        kill_at, self._kill_at = self._kill_at, None
        if kill_at is not None and kill_at[0] == self.trial:
            self._kill_at = kill_at[1:]
        super().batch_ended(fold, stage, epoch, step, steps, logs)
        self._kill_at = kill_at


def main(folder: Path, settings: dict) -> None:
    splits = pd.read_csv(folder.parent / "splits.csv", dtype={"image": str, "patient": str})
    images = ImageFolder(folder.parent / "images")
    weights = LocalWeights(folder.parent / "efficientnet_lite0.h5")
    monitor = WrittenSearch(folder / "events.txt", settings["run"], settings["kill_at"])
    parameters = ModellingParameters(**settings["modelling"])
    checkpoints = Checkpoints(folder / "checkpoints")
    network, *_, summary = train_fold(
        splits,
        images,
        {weights.name: weights},
        COLUMNS,
        parameters,
        monitor,
        checkpoints,
        fold=0,
        folds=(0,),
    )
    np.savez(folder / "weights.npz", *network.get_weights())
    (folder / "search.json").write_text(json.dumps(summary["search"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
