"""The MLflow run of a job: a child of the sender's, made before the job so that a restart finds it."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mayo_kedro.runners.sending.request import Tracking

logger = logging.getLogger(__name__)

PARENT_TAG = "mlflow.parentRunId"
OF_THE_SERVICE = "azureml:"
"""Addresses of the MLflow server of Azure ML, which begins and ends a job's run itself."""


@dataclass(frozen=True)
class TrackedRun:
    """Where a job is tracked.

    Attributes:
        run_id: of the job's own run.
        parent_id: of the run of the sender.
    """

    run_id: str
    parent_id: str


@contextmanager
def tracked_child(name: str, job_id: str) -> Iterator[TrackedRun | None]:
    """Begin a run as `begin_child` does, and end it if the block fails."""
    child = begin_child(name, job_id)
    try:
        yield child
    except BaseException:
        end_child(child, "FAILED")
        raise


def begin_child(name: str, job_id: str) -> TrackedRun | None:
    """Begin a run below the active one.

    Args:
        name: of the run, for people.
        job_id: of the job, which is noted with the run.

    Returns:
        The new run; None if nothing is tracked, or only in a file that a job cannot reach.
    """
    parent = active_run_id()
    mlflow = sys.modules.get("mlflow")
    if parent is None or mlflow is None or not _is_within_reach(mlflow.get_tracking_uri()):
        return None
    if mlflow.get_tracking_uri().startswith(OF_THE_SERVICE):
        return TrackedRun(job_id, parent)
    client = mlflow.MlflowClient()
    experiment = client.get_run(parent).info.experiment_id
    tags = {PARENT_TAG: parent, "azureml.run_id": job_id}
    child = client.create_run(experiment, run_name=name, tags=tags)
    return TrackedRun(child.info.run_id, parent)


def describe_server(run: TrackedRun | None) -> Tracking | None:
    """Where a job is to track.

    Args:
        run: from `begin_child`.

    Returns:
        None leaves it to the service that runs the job, which tracks it in its own server.
    """
    mlflow = sys.modules.get("mlflow")
    if run is None or mlflow is None or mlflow.get_tracking_uri().startswith(OF_THE_SERVICE):
        return None
    return Tracking(uri=mlflow.get_tracking_uri(), run_id=run.run_id)


def adopt(run: TrackedRun | None) -> None:
    """Hang a run that the service has made for its job below the sender's.

    Args:
        run: from `begin_child`; one that was made there hangs below it already.
    """
    mlflow = sys.modules.get("mlflow")
    if run is not None and mlflow is not None and mlflow.get_tracking_uri().startswith(OF_THE_SERVICE):
        with _tolerated(f"that {run.run_id} belongs to {run.parent_id}"):
            mlflow.MlflowClient().set_tag(run.run_id, PARENT_TAG, run.parent_id)


def _is_within_reach(uri: str) -> bool:
    return uri.startswith(("http://", "https://", OF_THE_SERVICE))


def end_child(run: TrackedRun | None, status: str) -> None:
    """Close a job's run, which a job that was ended from outside leaves open.

    Args:
        run: from `begin_child`.
        status: FINISHED, FAILED or KILLED.
    """
    client = _find_client()
    if run is not None and client is not None:
        with _tolerated(f"that {run.run_id} has ended"):
            client.set_terminated(run.run_id, status)


def drop_child(run: TrackedRun | None) -> None:
    """Remove the run of a job that was not sent after all."""
    client = _find_client()
    if run is not None and client is not None:
        with _tolerated(f"that {run.run_id} is not needed"):
            client.delete_run(run.run_id)


def _find_client() -> Any | None:
    """Of the server where jobs' runs are begun here; None without one, or where the service begins them."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or mlflow.get_tracking_uri().startswith(OF_THE_SERVICE):
        return None
    return mlflow.MlflowClient()


@contextmanager
def _tolerated(news: str) -> Iterator[None]:
    """Go on without the tracking server: the job itself, which is paid for, must not be lost for it."""
    try:
        yield
    except Exception as error:
        logger.warning("The tracking server could not be told %s (%s).", news, type(error).__name__)


def active_run_id() -> str | None:
    """Id of the MLflow run that this process is tracked in; None if it is not."""
    mlflow = sys.modules.get("mlflow")
    active = mlflow.active_run() if mlflow is not None else None
    return None if active is None else str(active.info.run_id)
