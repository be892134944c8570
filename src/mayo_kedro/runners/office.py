"""What the jobs of one Kedro run share."""

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from mayo_kedro.errors import UserError
from mayo_kedro.progress import results
from mayo_kedro.runners.job import ComputeState, JobBackend, JobServiceError, JobSpec
from mayo_kedro.runners.machine_settings import ComputeSettings
from mayo_kedro.runners.phases import Phases
from mayo_kedro.runners.settings import AzureMLSettings
from mayo_kedro.runners.watching.display import JobDisplay

logger = logging.getLogger(__name__)


@dataclass
class Office:
    """What the jobs of a Kedro run share.

    Attributes:
        backend: the service.
        settings: of the jobs.
        project: the project's folder.
        display: shows all jobs.
        stop: is set when the jobs are to be left to themselves.
        given_up: is set when the run has failed: what is not sent is not sent any more.
    """

    backend: JobBackend
    settings: AzureMLSettings
    project: Path
    display: JobDisplay
    stop: threading.Event
    given_up: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Have each cluster looked at once, whatever job comes first."""
        self._opening = threading.Lock()
        self._open: set[str] = set()

    def open(self, spec: JobSpec, phases: Phases) -> None:
        """Make the cluster and register the container, unless they are there.

        Args:
            spec: of a job.
            phases: of that job.
        """
        with self._opening:
            if spec.compute.name in self._open:
                return
            with phases.measure("cluster"):
                self.backend.ensure_compute(spec.compute)
            with phases.measure("container"):
                self.backend.ensure_environment(spec.environment)
            self._open.add(spec.compute.name)

    def cancel(self, run_id: str) -> None:
        """Have a job ended, since the run has; whatever comes of it, that is what has to be told."""
        logger.warning("Cancelling the job %s, since the run has ended.", run_id)
        try:
            self.backend.cancel(run_id)
        except (UserError, JobServiceError) as error:
            what = "The job %s could not be cancelled (%s): `kedro azure cancel %s` tries again."
            logger.error(what, run_id, error, run_id, extra={"markup": False})

    def tell_machines(self) -> None:
        """Say how many machines are still up, and paid for."""
        clusters = {machines.compute.name: machines.compute for machines in self.settings.list_machines()}
        for name in sorted(self._open):
            self._tell_cluster(clusters[name])

    def _tell_cluster(self, compute: ComputeSettings) -> None:
        try:
            state = self.backend.compute_state(compute.name)
        except (UserError, JobServiceError) as error:  # all else is done
            logger.warning("How many machines are still up is not known: %s", error)
            return
        results.info("%s.", _describe(state, compute))


def _describe(state: ComputeState, compute: ComputeSettings) -> str:
    up = f"{state.nodes} machine{'s' if state.nodes != 1 else ''} of the cluster {compute.name} still up"
    return f"{up}; idle ones are given back after {compute.idle_seconds} s" if state.nodes else up
