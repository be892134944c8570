"""Search for the settings of a fold's training, among its own training patients."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import optuna
import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.fingerprint import fingerprint_training
from mayo_kedro.pipelines.modelling.folds import FoldTables
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.search_record import SearchRecord, Trial
from mayo_kedro.pipelines.modelling.search_space import ask
from mayo_kedro.pipelines.modelling.search_trial import name_networks, run_trial
from mayo_kedro.pipelines.modelling.stages import Training

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What came out of a search.

    Attributes:
        parameters: with the settings of the best trial, and without a search.
        best: of the trials.
        trials: all of them, in order.
    """

    parameters: ModellingParameters
    best: Trial
    trials: Sequence[Trial]

    def describe(self) -> dict[str, Any]:
        """Plain values: the choice, and how each trial ended."""
        return {
            "settings": self.best.settings,
            "loss": self.best.loss,
            "best_trial": self.best.number,
            "trials": [
                {
                    "number": trial.number,
                    "outcome": str(trial.outcome),
                    "loss": trial.loss,
                    "settings": trial.settings,
                }
                for trial in self.trials
            ],
        }


def search_settings(training: Training, members: Sequence[FoldTables]) -> Found:
    """Try settings, and choose those with the least weighted log loss of the validation patients.

    A search that was interrupted goes on within the same trial, to the same choice.

    Args:
        training: what the networks of the fold share.
        members: the rows of the fold for each network of a trial; they differ in who validates. What is held
            out is not looked at.

    Raises:
        UserError: no trial came to an end, or an image or the weights are not fit to train with.
    """
    blind = [replace(tables, held_out=tables.held_out.iloc[:0]) for tables in members]
    fold, search = blind[0].fold, training.parameters.search
    name = f"fold_{fold}_search"
    record = SearchRecord(training.checkpoints[name], _fingerprint(training, blind), training.devices)
    if record.trials:
        logger.info("Going on with the search of fold %d after %d trials.", fold, len(record.trials))
    training.monitor.adopt_trials([trial.run for trial in record.trials if trial.run])
    rows = pd.concat([blind[0].training, blind[0].validation])
    with training.pixels.explain_failures(rows["image"].tolist()):
        while len(record.trials) < search.trials:
            _try_next(training, blind, record)
    for number in range(1, search.trials + 1):
        for network in name_networks(fold, number, len(blind)):
            training.checkpoints.finish(network)
    training.checkpoints.finish(name)
    best = choose(record.trials, fold)
    return Found(training.parameters.with_settings(best.settings), best, record.trials)


def choose(trials: Sequence[Trial], fold: int) -> Trial:
    """The trial with the least loss, of equals the first.

    Raises:
        UserError: none came to an end.
    """
    finished = [trial for trial in trials if trial.loss is not None]
    if not finished:
        raise UserError(
            f"None of the {len(trials)} trials for fold {fold} came to an end: their training diverged.",
            "Lower the learning rates in modelling.search.space.",
        )
    return min(finished, key=lambda trial: (trial.loss, trial.number))


def _try_next(training: Training, members: Sequence[FoldTables], record: SearchRecord) -> None:
    """Run the next trial, and note what came out."""
    fold, number, trials = members[0].fold, len(record.trials) + 1, training.parameters.search.trials
    drawn = ask(training.parameters, record.trials)
    logger.info("Fold %d · trial %d of %d begins: %s.", fold, number, trials, _tell(drawn.params))
    with training.monitor.open_trial(fold, number, trials, drawn.params, record.run) as monitor:
        record.begin(monitor.tracked_run)
        trial = run_trial(replace(training, monitor=monitor), members, drawn, number)
        monitor.trial_ended(trial.outcome, trial.loss)
        record.add(trial)
    for network in name_networks(fold, number, len(members)):
        training.checkpoints[network].remove()
    losses = [tried.loss for tried in record.trials if tried.loss is not None]
    logger.info(
        "Fold %d · trial %d of %d %s%s · best so far %s",
        fold,
        number,
        trials,
        trial.outcome,
        "" if trial.loss is None else f" with loss {trial.loss:.4f}",
        f"{min(losses):.4f}" if losses else "none",
    )


def _tell(settings: Mapping[str, Any]) -> str:
    told = {
        name: f"{value:.3g}" if isinstance(value, float) else str(value) for name, value in settings.items()
    }
    return ", ".join(f"{name} {value}" for name, value in told.items())


def _fingerprint(training: Training, members: Sequence[FoldTables]) -> str:
    """Hash all that the search depends on: its own settings, and what each training does."""
    search = training.parameters.search.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps([search, optuna.__version__], sort_keys=True).encode())
    for tables in members:
        told = fingerprint_training(
            training.parameters, tables, training.classes, training.backbone_weights, training.pixels.images
        )
        digest.update(told.encode())
    return digest.hexdigest()
