"""One run on its way from the queue to its end."""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mayo_kedro.sandbox.azure.artifacts import Artifacts
from mayo_kedro.sandbox.azure.computes import Cluster
from mayo_kedro.sandbox.azure.knobs import Knobs
from mayo_kedro.sandbox.azure.processes import Command, Processes
from mayo_kedro.sandbox.azure.refusals import describe_error
from mayo_kedro.sandbox.azure.runs import Runs
from mayo_kedro.sandbox.azure.workplace import Workplace

__all__ = ["Job", "Surroundings", "name_logs"]

LOOK_S = 0.1
GRACE_S = 5.0
TOLD_OF_LOG = 2000


@dataclass(frozen=True)
class Surroundings:
    """What a job needs of the service.

    Args:
        runs: where its status is told.
        artifacts: where its files go.
        knobs: what is to go wrong.
        make_environment: the variables that Azure sets for a run.
        unpack: writes a snapshot into a folder.
        workplace: where jobs run.
    """

    runs: Runs
    artifacts: Artifacts
    knobs: Knobs
    make_environment: Callable[[str], dict[str, str]]
    unpack: Callable[[str, Path], None]
    workplace: Workplace


@dataclass(frozen=True)
class Verdict:
    """How a run ends, and what else is told of that."""

    status: str
    facts: Mapping[str, object] = field(default_factory=dict)


class Job(threading.Thread):
    """A thread that takes a run to its end.

    Args:
        run: its id.
        snapshot: what to unpack.
        command: what to start.
        cluster: where.
        around: the service.
    """

    def __init__(
        self, run: str, snapshot: str, command: Command, cluster: Cluster, around: Surroundings
    ) -> None:
        super().__init__(name=f"job {run}", daemon=True)
        self._run = run
        self._snapshot = snapshot
        self._command = command
        self._cluster = cluster
        self._around = around
        self._cancelled = threading.Event()
        self._grace_s = GRACE_S

    def cancel(self, grace_s: float = GRACE_S) -> None:
        """Stop it, wherever it is; its processes have so many seconds to end by themselves."""
        self._grace_s = grace_s
        self._around.runs.set_status(self._run, "CancelRequested")
        self._cancelled.set()

    def run(self) -> None:
        """Wait for nodes, use them, give them back, and say how it ended."""
        verdict = Verdict("Canceled")
        if self._wait_for_nodes():
            try:
                verdict = self._use_nodes()
            except Exception as problem:  # the service goes on, and the user reads it in the run
                verdict = _fail(f"the sandbox could not run this: {problem!r}", "ServiceError")
            finally:
                self._cluster.release(self._command.nodes)
        self._tell(verdict.status, **verdict.facts)

    def _wait_for_nodes(self) -> bool:
        self._tell("Queued")
        if self._cancelled.wait(self._around.knobs.queue_seconds):
            return False
        return self._cluster.acquire(self._command.nodes, self._cancelled.is_set)

    def _use_nodes(self) -> Verdict:
        root = self._around.workplace.make_folder()
        try:
            return self._use_folder(root)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _use_folder(self, root: Path) -> Verdict:
        folder = self._around.artifacts.find_folder(self._run)
        logs = [folder / name for name in name_logs(self._command.nodes)]
        environment = {**self._around.make_environment(self._run), **self._command.variables}
        processes = Processes(root, self._command, environment, logs, self._around.workplace)
        self._around.artifacts.follow(self._run, processes.folders)
        deadline = time.monotonic() + self._command.seconds
        try:
            while (verdict := self._attempt(processes, deadline)) is None:
                self._tell("Queued")
                self._cancelled.wait(self._around.knobs.queue_seconds)
            return verdict
        finally:
            processes.kill()
            self._tell("Finalizing")
            self._around.artifacts.collect(self._run)

    def _attempt(self, processes: Processes, deadline: float) -> Verdict | None:
        """Run it once; None if it was preempted, and is to run again."""
        if self._cancelled.is_set():
            return Verdict("Canceled")
        self._tell("Preparing")
        processes.prepare(lambda folder: self._around.unpack(self._snapshot, folder))
        if self._around.knobs.use("start_failures"):
            return _fail("the node did not start: a knob of the sandbox says so", "ServiceError")
        started = time.monotonic()
        processes.start()
        self._tell("Running")
        while (verdict := self._look_at(processes, deadline)) is None:
            if self._is_due(processes, started):
                processes.kill()
                return None
            self._cancelled.wait(LOOK_S)
        return verdict

    def _look_at(self, processes: Processes, deadline: float) -> Verdict | None:
        """How it has ended, if it has or has to."""
        ended = processes.have_ended()
        if failure := processes.find_failure():
            return _blame(processes.logs[failure[0]], failure[1])
        if ended:
            return Verdict("Completed")
        late = time.monotonic() > deadline
        if late or self._cancelled.is_set():
            processes.terminate(self._grace_s)
            return _describe_lateness(self._command.seconds) if late else Verdict("Canceled")
        return None

    def _is_due(self, processes: Processes, started: float) -> bool:
        """Whether it loses its nodes now."""
        knobs = self._around.knobs
        if not knobs.preemptions or time.monotonic() - started < knobs.preempt_after:
            return False
        shown = not knobs.preempt_on or _shows(processes, knobs.preempt_on)
        return shown and knobs.use("preemptions")

    def _tell(self, status: str, **facts: object) -> None:
        self._around.runs.set_status(self._run, status, **facts)


def name_logs(nodes: int) -> list[str]:
    """The paths of the logs of a run, as Azure names them."""
    several = [f"user_logs/std_log_process_{node}.txt" for node in range(nodes)]
    return several if nodes > 1 else ["user_logs/std_log.txt"]


def _shows(processes: Processes, wanted: str) -> bool:
    if any((folder / wanted).exists() for folder in processes.folders):
        return True
    return any(wanted in log.read_text(errors="replace") for log in processes.logs)


def _fail(message: str, code: str = "UserError") -> Verdict:
    return Verdict("Failed", {"error": describe_error(code, message)})


def _blame(log: Path, code: int) -> Verdict:
    end = log.read_text(errors="replace")[-TOLD_OF_LOG:].strip()
    told = f"status code {code}" if code > 0 else f"signal {-code}"
    where = f"{log.parent.name}/{log.name}"
    return _fail(f"Execution failed. User process exited with {told}. Please check log file '{where}'. {end}")


def _describe_lateness(seconds: float) -> Verdict:
    message = f"The run was canceled because it took longer than the {seconds:g} seconds it was given."
    return Verdict("Canceled", {"error": describe_error("UserError", message)})
