"""Watching a job until it is over: its log into ours, its state and progress into the display."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Event
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_when_event_set,
    wait_exponential,
)
from tenacity.nap import sleep_using_event

from mayo_kedro.errors import UserError
from mayo_kedro.runners.job import JobBackend, JobServiceError, JobState, JobStatus, LogPart
from mayo_kedro.runners.watching.display import JobDisplay
from mayo_kedro.runners.watching.events import take_event
from mayo_kedro.runners.watching.job_log import LogReader, Scrubber

logger = logging.getLogger(__name__)
job_logger = logging.getLogger("mayo_kedro.job")
"""Gets the lines that the job writes."""

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 300.0

_Answer = TypeVar("_Answer")


class SilenceError(UserError):
    """The service has not answered for minutes; the job goes on."""


def follow(
    backend: JobBackend,
    run_id: str,
    display: JobDisplay,
    *,
    queue_minutes: float,
    secrets: Sequence[str] = (),
    stop: Event | None = None,
) -> JobState:
    """Watch a job until it is over; several threads may each watch one.

    Args:
        backend: of the job.
        run_id: which.
        display: shows its state and progress.
        queue_minutes: a job that waits longer for machines is cancelled.
        secrets: values that are taken out of the log and of the service's error.
        stop: when it is set, the watching ends and the job goes on.

    Returns:
        The last known state: of a job that is over, unless `stop` was set.

    Raises:
        UserError: the job waited too long, or the service has not answered for minutes.
    """
    follower = _Follower(backend, run_id, display, secrets, stop or Event())
    queue = _Queue(backend, run_id, queue_minutes)
    while True:
        state = follower.look()
        if state.status.is_over or follower.stop.is_set():
            return state
        queue.check(state)
        follower.stop.wait(POLL_SECONDS)


class _Follower:
    def __init__(
        self, backend: JobBackend, run_id: str, display: JobDisplay, secrets: Sequence[str], stop: Event
    ) -> None:
        self._backend = backend
        self._run_id = run_id
        self._display = display
        self._scrub = Scrubber(secrets)
        self._log = LogReader(self._read_part, secrets)
        self._attempts = 0
        self._state = JobState(run_id, JobStatus.WAITING, "Unknown")
        self.stop = stop

    def look(self) -> JobState:
        """Ask for state and log once, and hand both on."""
        try:
            # The state first: of a job that is over, the log is then read to its end.
            state = self._ask(lambda: self._backend.state(self._run_id))
            self._count_attempts(state)
            for line in self._log.read(to_the_end=state.status.is_over):
                self._count_attempts(state)
                self._pass_on(line)
        except JobServiceError as error:
            if self.stop.is_set():
                return self._state
            raise _make_silence_error(self._run_id, self._scrub(_describe(error))) from None
        self._state = replace(state, attempt=self._attempts, error=self._scrub(state.error))
        self._display.update(self._state)
        return self._state

    def _read_part(self, position: int, seen: bytes) -> LogPart:
        return self._ask(lambda: self._backend.read_log(self._run_id, position, seen))

    def _count_attempts(self, state: JobState) -> None:
        # A start shows in the state, in the log, or in both, one after the other.
        attempts = max(self._attempts, state.attempt, self._log.restarts + 1)
        if 0 < self._attempts < attempts:
            words = "The machines were taken away, and the job begins again: attempt %d."
            logger.warning(f"%s{words}", self._display.prefix(self._run_id), attempts)
        self._attempts = attempts

    def _pass_on(self, line: str) -> None:
        text, event = take_event(line)
        if event is not None:
            self._display.event(self._run_id, event)
        if text or event is None:
            # What a job writes is no markup, and may look like it.
            job_logger.info("%s%s", self._display.prefix(self._run_id), text, extra={"markup": False})

    def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        patient = Retrying(
            retry=retry_if_exception_type(JobServiceError),
            wait=wait_exponential(multiplier=1, max=30),
            stop=stop_after_delay(PATIENCE_SECONDS) | stop_when_event_set(self.stop),
            sleep=sleep_using_event(self.stop),
            before_sleep=self._tell_retry,
            reraise=True,
        )
        return patient(question)

    def _tell_retry(self, attempt: RetryCallState) -> None:
        error = attempt.outcome.exception() if attempt.outcome else None
        wait = attempt.next_action.sleep if attempt.next_action else 0
        told = self._scrub(_describe(error))
        logger.warning(
            "The service did not answer (%s); asking again in %.0f s.", told, wait, extra={"markup": False}
        )


class _Queue:
    """Ends a job that waits too long for machines; after a preemption it may wait as long again."""

    def __init__(self, backend: JobBackend, run_id: str, minutes: float) -> None:
        self._backend = backend
        self._run_id = run_id
        self._minutes = minutes
        self._since: float | None = None

    def check(self, state: JobState) -> None:
        if state.status is not JobStatus.WAITING:
            self._since = None
            return
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > self._minutes * 60:
            self._give_up(state)

    def _give_up(self, state: JobState) -> None:
        what = f"The job {self._run_id} waited for machines for more than {self._minutes:g} minutes"
        try:
            self._backend.cancel(self._run_id)
        except JobServiceError as error:
            raise UserError(
                f"{what} ({state.word}), and it could not be cancelled: {_describe(error)}.",
                f"Cancel it with `kedro azure cancel {self._run_id}`: it costs once it gets machines.",
            ) from None
        raise UserError(
            f"{what} ({state.word}) and was cancelled.",
            "Raise queue_minutes in conf/azure/azureml.yml, or choose another size or priority of `compute` "
            "there; `kedro azure doctor` tells what the cluster is doing.",
        )


def _describe(error: BaseException | None) -> str:
    return str(error) or type(error).__name__


def _make_silence_error(run_id: str, told: str) -> SilenceError:
    return SilenceError(
        f"The service has not answered for {PATIENCE_SECONDS / 60:.0f} minutes: {told}",
        f"The job goes on. When the service answers again, `kedro azure attach {run_id}` picks it up.",
    )
