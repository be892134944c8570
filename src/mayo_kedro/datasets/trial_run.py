"""The MLflow run of a trial of a search: a child of the run that searches."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mayo_kedro.interrupts import was_interrupted
from mayo_kedro.runners.tracking import PARENT_TAG

logger = logging.getLogger(__name__)

OUTCOME_TAG = "trial.outcome"
LOSS = "loss_of_trial"


@dataclass(frozen=True)
class TrialRun:
    """A trial, and where it is tracked.

    Attributes:
        title: for people, such as "trial 3/10".
        run_id: None if nothing is tracked.
    """

    title: str
    run_id: str | None

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Send metrics, but for those that an earlier attempt has sent before it was interrupted."""
        if self.run_id is None:
            return
        import mlflow  # noqa: PLC0415

        new = {name: value for name, value in metrics.items() if not self._has_sent(name, step)}
        if new:
            mlflow.log_metrics(new, step=step, run_id=self.run_id)

    def end(self, outcome: str, loss: float | None) -> None:
        """Note what came out."""
        if self.run_id is None:
            return
        _client().set_tag(self.run_id, OUTCOME_TAG, outcome)
        if loss is not None:
            self.log({LOSS: loss})

    def _has_sent(self, name: str, step: int) -> bool:
        if name not in self._found:
            return False
        history = _client().get_metric_history(self.run_id, name)
        return any(metric.step == step for metric in history)

    @cached_property
    def _found(self) -> frozenset[str]:
        """The metrics that the run had when this process first asked: none, if it is new."""
        return frozenset(_client().get_run(self.run_id).data.metrics)


@contextmanager
def tracked_trial(
    parent: str | None, name: str, title: str, settings: Mapping[str, Any], earlier: str | None
) -> Iterator[TrialRun]:
    """Track a trial as long as the block lasts.

    Args:
        parent: id of the run that searches; None tracks nothing.
        name: of the run.
        title: for people.
        settings: that are tried.
        earlier: id of the run that an interrupted attempt has begun; None begins one.
    """
    if parent is None:
        yield TrialRun(title, None)
        return
    run = _take_up(parent, earlier) or _begin(parent, name, settings)
    try:
        yield TrialRun(title, run)
    except BaseException as error:
        ended_by_user = isinstance(error, KeyboardInterrupt) or was_interrupted()
        _client().set_terminated(run, "KILLED" if ended_by_user else "FAILED")
        raise
    _client().set_terminated(run, "FINISHED")


def adopt(parent: str | None, runs: Sequence[str]) -> None:
    """Hang the runs of finished trials below the run that goes on with their search.

    Args:
        parent: id of that run; None if nothing is tracked.
        runs: ids of the trials'. One that the server does not know is left out, with a warning.
    """
    if parent is None:
        return
    for run in runs:
        if _hang_below(parent, run):
            # It may have been interrupted just before this.
            _client().set_terminated(run, "FINISHED")


def _begin(parent: str, name: str, settings: Mapping[str, Any]) -> str:
    from mlflow.entities import Param  # noqa: PLC0415

    experiment = _client().get_run(parent).info.experiment_id
    run = _client().create_run(experiment, run_name=name, tags={PARENT_TAG: parent}).info.run_id
    # Named as the run that searches names its own.
    parameters = [Param(f"modelling.{setting}", str(value)) for setting, value in settings.items()]
    _client().log_batch(run, params=parameters)
    return str(run)


def _take_up(parent: str, run: str | None) -> str | None:
    if run is None or not _hang_below(parent, run):
        return None
    _client().update_run(run, status="RUNNING")
    return run


def _hang_below(parent: str, run: str) -> bool:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        _client().set_tag(run, PARENT_TAG, parent)
    except MlflowException as error:
        logger.warning("The tracking server does not have the run %s of a trial (%s).", run, error.error_code)
        return False
    return True


def _client() -> Any:
    import mlflow  # noqa: PLC0415

    return mlflow.MlflowClient()
