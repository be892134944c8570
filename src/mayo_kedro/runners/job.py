"""A job elsewhere as plain data, and what is asked of the service that runs it.

This is the border between the runner and a cloud's own package: behind it lies `azure/`, the only place
that knows azureml; another package or another cloud takes a second class with these methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol


class JobStatus(Enum):
    """How far a job is; `is_over` tells whether it can still change."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether the job has ended, well or not."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class ComputeSpec:
    """A cluster of machines that grows when there is work and shrinks to nothing.

    Attributes:
        name: of the cluster; it is created if it is missing.
        size: kind of machine, such as Standard_NC6s_v3.
        priority: "low" machines cost less and can be taken away; "dedicated" ones cannot.
        max_nodes: machines at most.
        idle_seconds: after so long without work a machine is given back.
    """

    name: str
    size: str
    priority: str = "low"
    max_nodes: int = 1
    idle_seconds: int = 120


@dataclass(frozen=True)
class ComputeState:
    """What a cluster is doing.

    Attributes:
        nodes: machines that are up, and paid for.
        running_nodes: of these, the ones that work.
        max_nodes: machines at most.
        size: kind of machine.
        priority: "low" or "dedicated".
        problems: what the service complains of, such as a missing quota.
    """

    nodes: int
    running_nodes: int
    max_nodes: int
    size: str
    priority: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentSpec:
    """The container that a job runs in.

    Attributes:
        name: the same name stands for the same content, so that it is built once.
        dockerfile: the whole recipe; it needs no other file.
    """

    name: str
    dockerfile: str


@dataclass(frozen=True)
class JobSpec:
    """A job to submit.

    Attributes:
        run_id: chosen by us, so that a submission whose answer was lost can be repeated.
        experiment: under which the service files it.
        command: program and arguments, run in the unpacked `source`.
        source: folder whose files travel; they lie in the job's working folder.
        environment: the container.
        compute: the cluster.
        environment_variables: no secrets: the service keeps and shows them.
        tags: kept with the run, to find it again.
        max_seconds: after so long the service ends it.
        node_count: machines; with several, TF_CONFIG tells each of the others.
    """

    run_id: str
    experiment: str
    command: Sequence[str]
    source: Path
    environment: EnvironmentSpec
    compute: ComputeSpec
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    max_seconds: int = 4 * 3600
    node_count: int = 1


@dataclass(frozen=True)
class JobState:
    """What a job is doing.

    Attributes:
        run_id: whose state.
        status: one of ours.
        word: the service's own word, such as "Queued" or "Preparing".
        error: what the service says of a failure; "" if nothing.
        attempt: counts the starts, from 1; a preempted job starts again.
        seconds_running: since it was given machines; None before.
        page: address of the run's page for a browser; "" if there is none.
        tags: as submitted.
    """

    run_id: str
    status: JobStatus
    word: str
    error: str = ""
    attempt: int = 1
    seconds_running: float | None = None
    page: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogPart:
    """Bytes of a job's log from a position on.

    Attributes:
        content: what is there from the asked position on; b"" if nothing new.
        restarted: the log is shorter than what was read, or begins otherwise: the job began anew, and
            `content` is the new log from its first byte.
    """

    content: bytes
    restarted: bool = False


class JobBackend(Protocol):
    """A service that runs jobs.

    Methods raise `UserError` for what the user can mend (a wrong name, a refused login, no quota), naming
    the setting, and `JobServiceError` where the service did not do its part after retries.
    """

    def describe(self) -> str:
        """The workspace in one line for people."""

    def ensure_compute(self, spec: ComputeSpec) -> ComputeState:
        """Make the cluster if it is missing; an existing one is left as it is."""

    def compute_state(self, name: str) -> ComputeState:
        """Look at a cluster."""

    def find_compute(self, name: str) -> ComputeState | None:
        """Look for a cluster; None if there is none of this name."""

    def check_machines(self, spec: ComputeSpec) -> list[str]:
        """Say why a cluster's machines can't be had: size, priority or quota; empty if nothing is known.

        Args:
            spec: of a cluster that is there or not; its `max_nodes` have to fit into the quota.
        """

    def knows_environment(self, spec: EnvironmentSpec) -> bool:
        """Whether the container is registered, which tells that it need not be built."""

    def ensure_environment(self, spec: EnvironmentSpec) -> None:
        """Register the container unless it is known under its name."""

    def submit(self, spec: JobSpec) -> None:
        """Start a job; with the id of a job that was started before this does nothing."""

    def state(self, run_id: str) -> JobState:
        """Look at a job."""

    def cancel(self, run_id: str) -> None:
        """Ask the service to end a job; harmless if it is over."""

    def find(self, experiment: str, tags: Mapping[str, str]) -> list[JobState]:
        """The jobs of an experiment that carry these tags, the newest first."""

    def read_log(self, run_id: str, position: int, seen: bytes = b"") -> LogPart:
        """The job's output from a byte on.

        Args:
            run_id: whose log.
            position: bytes read so far.
            seen: the first bytes of what was read, to tell a log that began anew.
        """

    def metrics(self, run_id: str) -> dict[str, float | list[float]]:
        """What the job logged with the service, by name; a list where a name was logged repeatedly."""

    def files(self, run_id: str) -> list[str]:
        """Paths of the files that the job left, such as outputs/model.keras."""

    def download(self, run_id: str, path: str, target: Path) -> None:
        """Write one of the job's files to `target`, in pieces; whole or not at all."""

    def put_secret(self, name: str, value: str) -> None:
        """Put a secret where the job can read it, and nothing shows it."""

    def delete_secret(self, name: str) -> None:
        """Remove a secret; harmless if it is gone."""

    def tracking_uri(self) -> str:
        """Address of the service's own MLflow server."""


class JobContext(Protocol):
    """What a job asks of the service it runs on."""

    @property
    def run_id(self) -> str:
        """Its own id."""

    def secret(self, name: str) -> str:
        """A secret that was put there by the sender."""


class JobServiceError(Exception):
    """The service did not do its part, after retries."""
