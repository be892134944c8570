"""Which failures another attempt may mend, how many there are, and how long to wait before each."""

import re
import time
from collections import Counter
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from mayo_kedro.streaming.concurrency import LONGEST_PAUSE

if TYPE_CHECKING:
    from tenacity import RetryCallState

ATTEMPTS = 6
SAME_WRONG = 3
"""How often a wrong body comes unchanged before it is taken for what the service holds."""
LONGEST_BACK_OFF = 8.0


class PassingError(Exception):
    """An attempt failed in a way that another one may mend.

    Args:
        reason: in words, without an address.
        retry_after: seconds that the service asked to wait.
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.attempts = 0


class WrongBodyError(PassingError):
    """A body came whole, and is not what it should be.

    Args:
        reason: in words, without an address.
        remedy: what to do if it stays so.
        md5: of the body: if the same one comes again, it is not the line that is at fault.
    """

    def __init__(self, reason: str, remedy: str, md5: str) -> None:
        super().__init__(reason)
        self.remedy = remedy
        self.md5 = md5


def try_again(attempt: Callable[[], None], repeated: Callable[[], None]) -> None:
    """Make up to `ATTEMPTS` attempts, but no more once the same wrong body has come `SAME_WRONG` times.

    Args:
        attempt: what to try.
        repeated: is told of each attempt after the first.

    Raises:
        PassingError: what ended the last attempt, with the number of `attempts`.
    """
    try:
        attempt()
    except PassingError as error:
        _try_on(attempt, repeated, error)


def _try_on(attempt: Callable[[], None], repeated: Callable[[], None], first: PassingError) -> None:
    # Who meets no fault does not pay for this import.
    from tenacity import Retrying, retry_if_exception_type  # noqa: PLC0415

    failures = iter([first])
    wrong: Counter[str] = Counter()

    def repeat() -> None:
        if failed := next(failures, None):
            raise failed
        attempt()

    def stops(state: "RetryCallState") -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, WrongBodyError):
            wrong[error.md5] += 1
        if isinstance(error, PassingError):
            error.attempts = state.attempt_number
        return state.attempt_number >= ATTEMPTS or SAME_WRONG in wrong.values()

    for trial in Retrying(
        retry=retry_if_exception_type(PassingError),
        stop=stops,
        wait=_back_off,
        before_sleep=lambda _: repeated(),
        reraise=True,
    ):
        with trial:
            repeat()


def _back_off(state: "RetryCallState") -> float:
    from tenacity import wait_random_exponential  # noqa: PLC0415

    error = state.outcome.exception() if state.outcome else None
    asked = min(error.retry_after, LONGEST_PAUSE) if isinstance(error, PassingError) else 0.0
    return asked + float(wait_random_exponential(multiplier=0.2, max=LONGEST_BACK_OFF)(state))


def read_retry_after(header: str | None) -> float:
    """Seconds from a `Retry-After` header, which holds seconds or a date; 0 for none."""
    if not header:
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", header):
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0
