"""From the service's description of a run to ours."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mayo_kedro.runners.azure.failures import clean, status_of
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.job import JobState, JobStatus

_STATUSES = {
    "Running": JobStatus.RUNNING,
    "Finalizing": JobStatus.RUNNING,
    "CancelRequested": JobStatus.RUNNING,
    "NotResponding": JobStatus.RUNNING,
    "Completed": JobStatus.COMPLETED,
    "Failed": JobStatus.FAILED,
    "Canceled": JobStatus.CANCELLED,
}


def find_run(workspace: Any, run_id: str) -> Any | None:
    """Look for a run.

    Args:
        workspace: the SDK's.
        run_id: of the job.

    Returns:
        The SDK's `Run`, or None if the workspace has none of this id.
    """
    try:
        return load_sdk().Run.get(workspace, run_id)
    except Exception as error:
        if status_of(error) == 404:
            return None
        raise


def cancel_run(workspace: Any, run_id: str) -> None:
    """Cancel a run, and see that the service took it: the SDK ignores a refusal.

    Args:
        workspace: the SDK's.
        run_id: of the job.

    Raises:
        TimeoutError: the job goes on; asking again may help.
    """
    # Looked up anew: the address to cancel at comes when the job is there, not with its submission.
    run = find_run(workspace, run_id)
    if run is None:
        return
    run.cancel()
    word = run.get_status()
    if word != "CancelRequested" and not to_status(word).is_over:
        raise TimeoutError(f"the job is still {word}")


def to_status(word: str) -> JobStatus:
    """Sort the service's word in; what is not known (yet) is waiting.

    Args:
        word: such as "Queued", "Preparing", "Finalizing".
    """
    return _STATUSES.get(word, JobStatus.WAITING)


@dataclass
class _Watched:
    """What was seen of a job so far.

    Attributes:
        attempt: counts the starts.
        status: seen last.
        noticed: by what a new start was noticed, until the other sign of the same start has come too.
    """

    attempt: int = 1
    status: JobStatus | None = None
    noticed: str = ""


class Attempts:
    """Counts a job's starts: the service does not tell, but it puts the job back into the queue.

    A start that happens between two looks shows only in the log, which begins anew.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, _Watched] = {}
        self._counting = threading.Lock()

    def see_status(self, run_id: str, status: JobStatus) -> int:
        """Note a job's status.

        Args:
            run_id: of the job.
            status: as it is now.

        Returns:
            How many times the job was started, as far as was seen; one that is in the queue again counts.
        """
        with self._counting:
            job = self._jobs.setdefault(run_id, _Watched())
            again = status is JobStatus.WAITING and job.status is JobStatus.RUNNING
            if again and job.noticed != "log":
                job.attempt += 1
                job.noticed = "queue"
            elif job.noticed == "log":
                job.noticed = ""
            job.status = status
            return job.attempt

    def see_new_log(self, run_id: str) -> None:
        """Note that a job's log began anew.

        Args:
            run_id: of the job.
        """
        with self._counting:
            job = self._jobs.setdefault(run_id, _Watched())
            if job.noticed == "queue":
                job.noticed = ""
            else:
                job.attempt += 1
                job.noticed = "log"


def read_state(run: Any, attempts: Attempts, now: datetime | None = None) -> tuple[JobState, dict[str, str]]:
    """Look at a run.

    Args:
        run: the SDK's.
        attempts: counts the starts.
        now: for tests; the present if None.

    Returns:
        The state, and the addresses of the log files by path.
    """
    details = run.get_details()
    word = str(details.get("status") or "")
    status = to_status(word)
    state = JobState(
        run_id=run.id,
        status=status,
        word=word,
        error=_error_of(details),
        attempt=attempts.see_status(run.id, status),
        seconds_running=_seconds_running(details, now or datetime.now(UTC)),
        page=run.get_portal_url() or "",
        tags=dict(run.tags or {}),
    )
    return state, dict(details.get("logFiles") or {})


def _error_of(details: dict[str, Any]) -> str:
    error = (details.get("error") or {}).get("error") or {}
    return clean(str(error.get("message") or error.get("code") or ""))


def _seconds_running(details: dict[str, Any], now: datetime) -> float | None:
    start, end = (_read_time(details.get(name)) for name in ("startTimeUtc", "endTimeUtc"))
    if start is None:
        return None
    # Clocks differ: a job that started this moment did not start in the future.
    return max(0.0, ((end or now) - start).total_seconds())


def _read_time(given: str | None) -> datetime | None:
    if not given:
        return None
    time = datetime.fromisoformat(given)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
