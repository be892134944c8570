"""Azure ML, as the runner sees it."""

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import requests

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure import compute, environment, machines, submission
from mayo_kedro.runners.azure.blobs import BlobError, download
from mayo_kedro.runners.azure.failures import status_of
from mayo_kedro.runners.azure.logs import Logs
from mayo_kedro.runners.azure.results import find_address, read_metrics
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.azure.secrets import vault_name
from mayo_kedro.runners.azure.states import Attempts, cancel_run, find_run, read_state
from mayo_kedro.runners.azure.workspace import Connection
from mayo_kedro.runners.job import (
    ComputeSpec,
    ComputeState,
    EnvironmentSpec,
    JobServiceError,
    JobSpec,
    JobState,
    LogPart,
)
from mayo_kedro.runners.settings import SETTINGS_FILE, AzureMLSettings, read_credentials

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class AzureMLBackend:
    """A workspace of Azure ML, see `JobBackend`; azureml is imported when it is first asked something.

    Several threads may use it at once.

    Args:
        settings: of conf/azure/azureml.yml.
        credentials: `azureml` of conf/azure/credentials.yml; None is the environment.

    Raises:
        UserError: the credentials have a field that there is not, or lack one.
    """

    def __init__(self, settings: AzureMLSettings, credentials: Mapping[str, Any] | None = None) -> None:
        self._settings = settings
        self._connection = Connection(settings.workspace, read_credentials(credentials))
        self._session = requests.Session()
        self._logs = Logs(self._session)
        self._attempts = Attempts()
        self._runs: dict[str, tuple[Any, Any]] = {}
        self._keeping = threading.Lock()

    def describe(self) -> str:
        """The workspace in one line for people."""
        return self._connection.ask(
            "looking for the workspace",
            lambda workspace: (
                f"workspace {workspace.name} in group {workspace.resource_group} ({workspace.location})"
            ),
        )

    def find_compute(self, name: str) -> ComputeState | None:
        """Look for a cluster; None if there is none of this name."""

        def look(workspace: Any) -> ComputeState | None:
            cluster = compute.find_cluster(workspace, name)
            return cluster and compute.read_state(cluster)

        return self._connection.ask("looking at the cluster", look)

    def compute_state(self, name: str) -> ComputeState:
        """Look at a cluster."""
        state = self.find_compute(name)
        if state is None:
            raise UserError(
                f"The workspace has no cluster {name!r}.",
                f"Check compute.name in {SETTINGS_FILE}; the first job makes the cluster.",
            )
        return state

    def ensure_compute(self, spec: ComputeSpec) -> ComputeState:
        """Make the cluster if it is missing; an existing one is left as it is, and differences are told.

        Raises:
            UserError: its machines are dedicated, and the cheap ones are wanted.
        """
        state = self.find_compute(spec.name)
        if state is None:
            make = partial(compute.make_cluster, spec=spec)
            self._connection.ask(f"making the cluster {spec.name}", make)
            return self.compute_state(spec.name)
        compute.refuse_dearer(state, spec)
        for difference in compute.compare(state, spec):
            logger.warning("The cluster %s is there already and stays as it is: %s.", spec.name, difference)
        return state

    def check_machines(self, spec: ComputeSpec) -> list[str]:
        """Say why a cluster's machines can't be had: size, priority or quota; empty if nothing is known."""
        state = self.find_compute(spec.name)
        check = partial(machines.check_machines, spec=spec, state=state)
        return self._connection.ask("looking at machine sizes and quota", check)

    def knows_environment(self, spec: EnvironmentSpec) -> bool:
        """Whether the container is registered, which tells that it need not be built."""
        known = partial(environment.is_registered, name=spec.name)
        return self._connection.ask("looking for the container", known)

    def ensure_environment(self, spec: EnvironmentSpec) -> None:
        """Register the container unless it is known under its name."""

        def register(workspace: Any) -> None:
            environment.describe_environment(spec).register(workspace)

        if not self.knows_environment(spec):
            logger.info("Registering the container %s; Azure ML builds it for its first job.", spec.name)
            self._connection.ask("registering the container", register)

    def submit(self, spec: JobSpec) -> None:
        """Start a job; with the id of a job that was started before this does nothing."""
        self._connection.ask(f"submitting {spec.run_id}", partial(submission.send, spec=spec))

    def state(self, run_id: str) -> JobState:
        """Look at a job."""
        return self._look(run_id)[0]

    def cancel(self, run_id: str) -> None:
        """Ask the service to end a job; harmless if it is over."""
        if not self.state(run_id).status.is_over:
            self._connection.ask(f"cancelling {run_id}", partial(cancel_run, run_id=run_id))

    def find(self, experiment: str, tags: Mapping[str, str]) -> list[JobState]:
        """The jobs of an experiment that carry these tags, the newest first."""

        def search(workspace: Any) -> list[JobState]:
            found = load_sdk().Experiment(workspace, experiment).get_runs(tags=dict(tags))
            return [read_state(run, self._attempts)[0] for run in found]

        return self._connection.ask("looking for jobs", search)

    def read_log(self, run_id: str, position: int, seen: bytes = b"") -> LogPart:
        """The job's output from a byte on; of several machines the chief's."""
        try:
            part = self._logs.read(run_id, position, seen, lambda: self._look(run_id)[1])
        except BlobError as error:
            raise JobServiceError(f"Azure ML failed while reading the log of {run_id}: {error}") from None
        if part.restarted:
            self._attempts.see_new_log(run_id)
        return part

    def metrics(self, run_id: str) -> dict[str, float | list[float]]:
        """What the job logged with the service, by name; tables and pictures are left out."""
        return self._ask_run(run_id, "reading metrics", read_metrics)

    def files(self, run_id: str) -> list[str]:
        """Paths of the files that the job left, such as outputs/model.keras."""
        return sorted(self._ask_run(run_id, "listing files", lambda run: run.get_file_names()))

    def download(self, run_id: str, path: str, target: Path) -> None:
        """Write one of the job's files to `target`, in pieces; whole or not at all."""

        def ask_address() -> str:
            return self._ask_run(run_id, f"asking for {path}", lambda run: find_address(run, path))

        try:
            download(self._session, ask_address, target)
        except BlobError as error:
            raise JobServiceError(f"Azure ML failed while sending {path} of {run_id}: {error}") from None

    def put_secret(self, name: str, value: str) -> None:
        """Put a secret where the job can read it, and nothing shows it."""

        def put(workspace: Any) -> None:
            workspace.get_default_keyvault().set_secret(vault_name(name), value)

        self._connection.ask("putting a secret into the key vault", put)

    def delete_secret(self, name: str) -> None:
        """Remove a secret; harmless if it is gone."""

        def delete(workspace: Any) -> None:
            try:
                workspace.get_default_keyvault().delete_secret(vault_name(name))
            except Exception as error:
                if status_of(error) != 404:
                    raise

        self._connection.ask("deleting a secret from the key vault", delete)

    def tracking_uri(self) -> str:
        """Address of the service's own MLflow server."""
        return self._connection.ask(
            "asking for the tracking server", lambda workspace: str(workspace.get_mlflow_tracking_uri())
        )

    def _look(self, run_id: str) -> tuple[JobState, dict[str, str]]:
        state, addresses = self._ask_run(
            run_id, f"looking at {run_id}", lambda run: read_state(run, self._attempts)
        )
        self._logs.keep(run_id, addresses)
        return state, addresses

    def _ask_run(self, run_id: str, doing: str, action: Callable[[Any], Result]) -> Result:
        return self._connection.ask(doing, lambda workspace: action(self._run(workspace, run_id)))

    def _run(self, workspace: Any, run_id: str) -> Any:
        with self._keeping:
            owner, run = self._runs.get(run_id, (None, None))
        if owner is not workspace:  # not looked up yet, or with a login that was refused since
            run = find_run(workspace, run_id)
            if run is None:
                raise UserError(
                    f"The workspace has no job {run_id!r}.",
                    "`kedro azure status` lists the jobs of this project.",
                )
            with self._keeping:
                self._runs[run_id] = (workspace, run)
        return run
