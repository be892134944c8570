"""Where a DagsHub service listens: a URL, or the name of one that is started when first needed."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

DEFAULT_HOST = "https://dagshub.com"
HOST_VARIABLE = "DAGSHUB_CLIENT_HOST"
TOKEN_VARIABLE = "DAGSHUB_USER_TOKEN"  # noqa: S105  the name of a variable, not a token


@dataclass(frozen=True)
class Service:
    """A DagsHub service.

    Attributes:
        host: its URL, without a slash at the end.
        token: the user's token; None reads public repositories only.
    """

    host: str
    token: str | None = field(default=None, repr=False)


_starters: dict[str, Callable[[], Service]] = {}


def register_service(name: str, start: Callable[[], Service]) -> None:
    """Let `name` stand for a service; `start` is called each time somebody connects to it.

    Args:
        name: what takes the place of a URL in the settings, such as "sandbox".
        start: returns the running service, starting it on the first call.
    """
    _starters[name] = start


def find_service(host: str | None = None, token: str | None = None) -> Service:
    """Find the service that the settings mean.

    Args:
        host: a URL, the name of a registered service, or None for `DAGSHUB_CLIENT_HOST` or dagshub.com.
        token: the user's token, or None for `DAGSHUB_USER_TOKEN`.

    Returns:
        The service, running if it is one of the registered.
    """
    if host in _starters:
        return _starters[host]()
    url = host or os.environ.get(HOST_VARIABLE) or DEFAULT_HOST
    return Service(url.rstrip("/"), token or os.environ.get(TOKEN_VARIABLE) or None)
