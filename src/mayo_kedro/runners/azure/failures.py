"""From what the SDK raises to words: a mistake the user can mend, or a service that fails."""

import re
from collections.abc import Iterator
from typing import Any

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.known_mistakes import KNOWN_MISTAKES
from mayo_kedro.runners.job import JobServiceError
from mayo_kedro.runners.settings import CREDENTIALS_FILE

PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 530})
LONGEST_QUOTE = 400


_SECRETS = (
    (re.compile(r"(https?://)[^/@\s\"']+@"), r"\1"),
    (re.compile(r"(https?://[^?\s\"']+)\?[^\s\"'<>]*"), r"\1"),
    (re.compile(r"\beyJ[\w-]+(\.[\w-]*)*"), "(token)"),
    (re.compile(r"(?i)(bearer|basic)\s+[\w.~+/=-]+"), r"\1 (token)"),
    (re.compile(r"(?i)\b(sig|password|client_secret|accountkey)=[^\s&;\"']+"), r"\1=(secret)"),
)


def explain(error: BaseException, doing: str) -> UserError | JobServiceError:
    """Say what went wrong.

    Args:
        error: from the SDK or the network.
        doing: what was being done, as in "looking for the workspace".
    """
    everything = " ".join(_texts(error))
    for mistake in KNOWN_MISTAKES:
        if re.search(mistake.signs, everything, re.IGNORECASE | re.DOTALL):
            return UserError(f"{mistake.what} ({_quote(error)}, while {doing}.)", mistake.remedy)
    if status_of(error) == 401:
        return UserError(
            f"Azure ML refuses the login while {doing}.",
            f"Log in again, or check the credentials: {CREDENTIALS_FILE} says which are used.",
        )
    return JobServiceError(f"Azure ML failed while {doing}: {_quote(error)}")


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error, if there was an answer at all."""
    for cause in _causes(error):
        for holder in (cause, getattr(cause, "response", None)):
            status = getattr(holder, "status_code", None)
            if isinstance(status, int):
                return status
    said = re.search(
        r"\b(?:status_?\s?code|response code|code)\"?\s*:\s*(\d{3})\b", _text(error), re.IGNORECASE
    )
    return int(said[1]) if said else None


def is_passing(error: BaseException) -> bool:
    """Whether the same may work a moment later: an overloaded service, or a broken connection."""
    status = status_of(error)
    if status is not None:
        return status in PASSING_STATUSES
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, ConnectionError | TimeoutError) or bool(names & _BROKEN_CONNECTIONS)


# Of requests, urllib3, msrest and azure-core, none of which is imported for this.
_BROKEN_CONNECTIONS = {
    "ConnectionError",
    "Timeout",
    "ChunkedEncodingError",
    "HTTPError",
    "ClientRequestError",
    "ServiceRequestError",
    "ServiceResponseError",
}


def _quote(error: BaseException) -> str:
    text = clean(_text(error)) or type(error).__name__
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + " …"


def clean(text: str) -> str:
    """Put a text on one line, without logins, tokens and the signatures of addresses."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def _texts(error: BaseException) -> Iterator[str]:
    for cause in _causes(error):
        yield type(cause).__name__
        yield _text(cause)
        yield str(getattr(getattr(cause, "response", None), "text", ""))


def _text(error: Any) -> str:
    try:
        return str(error)
    except TypeError:  # ServiceException trips over an answer without details
        return str(getattr(error, "message", ""))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "inner_exception", None)]
