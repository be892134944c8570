"""One trial of a search: networks with its settings, judged by their validation patients."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import optuna

from mayo_kedro.pipelines.modelling.epochs import Diverged
from mayo_kedro.pipelines.modelling.folds import FoldTables
from mayo_kedro.pipelines.modelling.interfaces import TrainingMonitor
from mayo_kedro.pipelines.modelling.monitor import Reports
from mayo_kedro.pipelines.modelling.search_record import Outcome, Trial
from mayo_kedro.pipelines.modelling.stages import Training, fit_stages
from mayo_kedro.pipelines.modelling.training import build, take_up


class PruningReports(Reports):
    """Hands the events of a trial's first network on, and ends the trial once it falls behind.

    Args:
        drawn: decides by the losses of the trials before.
        monitor: see `Reports`.
        fold: see there.
        epochs: see there.

    Attributes:
        losses: of the validation patients, after each epoch.
    """

    def __init__(self, drawn: optuna.Trial, monitor: TrainingMonitor | None, fold: int, epochs: int) -> None:
        super().__init__(monitor, fold, epochs)
        self._drawn = drawn
        self.losses: list[float] = []

    def note(self, row: Mapping[str, Any]) -> None:
        """Take the loss of an epoch."""
        self._drawn.report(row["val_loss"], len(self.losses))
        self.losses.append(row["val_loss"])

    def epoch_ended(self, row: Mapping[str, Any]) -> None:
        """Tell the measures of an epoch.

        Raises:
            TrialPruned: the best epoch so far is worse than the median of the trials before.
        """
        super().epoch_ended(row)
        self.note(row)
        if self._drawn.should_prune():
            raise optuna.TrialPruned


def run_trial(training: Training, members: Sequence[FoldTables], drawn: optuna.Trial, number: int) -> Trial:
    """Train the networks of a trial, or go on with it where it was interrupted.

    Args:
        training: what all networks of the fold share.
        members: the rows for each network of the trial.
        drawn: the settings.
        number: of the trial, from 1.
    """
    search = training.parameters.search
    # Nothing is calibrated: the loss is that of the network itself.
    fixed = {**search.epochs, "ensemble": len(members), "calibration": "none"}
    training = replace(training, parameters=training.parameters.with_settings({**fixed, **drawn.params}))
    parameters, fold = training.parameters, members[0].fold
    epochs = len(members) * (parameters.frozen_epochs + parameters.fine_tune_epochs)
    told = PruningReports(drawn, training.monitor if training.devices.is_chief else None, fold, epochs)
    outcome, loss = _judge(training, members, told, number)
    return Trial(number, drawn.params, outcome, loss, told.losses, training.monitor.tracked_run)


def _judge(
    training: Training, members: Sequence[FoldTables], told: PruningReports, number: int
) -> tuple[Outcome, float | None]:
    try:
        loss = fmean(
            _train_network(training, tables, member, told if member == 0 else None, number)
            for member, tables in enumerate(members)
        )
    except optuna.TrialPruned:
        return Outcome.PRUNED, None
    except Diverged:
        return Outcome.DIVERGED, None
    return (Outcome.FINISHED, loss) if math.isfinite(loss) else (Outcome.DIVERGED, None)


def _train_network(
    training: Training, tables: FoldTables, member: int, told: PruningReports | None, number: int
) -> float:
    """Train one network, and give the loss of its best epoch."""
    training = replace(training, parameters=training.parameters.of_member(member))
    network, trainer = build(training)
    name = name_networks(tables.fold, number, member + 1)[member]
    course = take_up(training, tables, member, name, trainer, network)
    if told is not None:
        for row in course.state.history:
            told.note(row)
        course = replace(course, reports=told)
    fit_stages(training, course, trainer)
    return course.state.kept.loss


def name_networks(fold: int, number: int, networks: int) -> list[str]:
    """The names under which the checkpoints of a trial's networks lie."""
    return [f"fold_{fold}_trial_{number}_network_{member}" for member in range(networks)]
