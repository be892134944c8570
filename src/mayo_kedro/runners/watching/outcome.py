"""How a job ended, in words."""

import logging
import re

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.manifest import Failure
from mayo_kedro.runners.crossing.returning import fetch_failure
from mayo_kedro.runners.job import JobBackend, JobState, JobStatus
from mayo_kedro.runners.settings import SETTINGS_FILE

logger = logging.getLogger(__name__)

_BEGINNING = "Traceback (most recent call last):\n"
# Kedro's own call of a node: what comes before is how it got there.
_CALL = re.compile(r'  File "[^"]*kedro[/\\]pipeline[/\\]node\.py", .*\n(?:    .*\n)*')


def explain_end(backend: JobBackend, state: JobState) -> UserError:
    """Say why a job ended without results; a traceback of its own is logged.

    Args:
        backend: of the job.
        state: in which it ended.
    """
    kept = f"Its log: `kedro azure logs {state.run_id}`. Its files: `kedro azure files {state.run_id}`."
    if state.status is JobStatus.CANCELLED:
        if state.error:  # not on request: the one other reason is its time
            kept = f"Raise max_hours in {SETTINGS_FILE} if it needs longer. {kept}"
        return UserError(f"The job {state.run_id} was cancelled. {state.error}".rstrip(), kept)
    failure = _fetch(backend, state.run_id)
    if failure is None:
        return UserError(f"The job {state.run_id} failed: {state.error or 'it left no word'}", kept)
    if failure.traceback:
        logger.error("In the job %s:\n%s", state.run_id, shorten(failure.traceback), extra={"markup": False})
    return UserError(f"The job {state.run_id} failed{_describe(failure)}", kept)


def shorten(traceback: str) -> str:
    """Leave out of a traceback how Kedro came to call the node.

    Args:
        traceback: as Python prints it, with all causes.
    """
    return _BEGINNING.join(_skip_callers(part) for part in traceback.rstrip().split(_BEGINNING))


def _skip_callers(frames: str) -> str:
    calls = list(_CALL.finditer(frames))
    own = frames[calls[-1].end() :] if calls else frames
    return own if own.startswith("  File ") else frames


def _describe(failure: Failure) -> str:
    where = f" in {failure.node}" if failure.node else ""
    kind = "" if failure.type in ("UserError", "Refusal") else f"{failure.type}: "
    return f"{where}: {kind}{failure.message}"


def _fetch(backend: JobBackend, run_id: str) -> Failure | None:
    try:
        return fetch_failure(backend, run_id)
    except Exception as error:  # the failure itself is what has to be told
        logger.warning("What the job %s says of its end could not be fetched (%s).", run_id, error)
        return None
