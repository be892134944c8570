"""Loopback is reached directly, whatever proxy the user's environment names."""

from collections.abc import Mapping

__all__ = ["exempt_loopback"]

LOOPBACK = "127.0.0.1"


def exempt_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say for which hosts no proxy is used, with loopback among them.

    Args:
        environment: as it is now.
    """
    names = ("no_proxy", "NO_PROXY")
    return {name: ",".join(filter(None, [environment.get(name), LOOPBACK])) for name in names}
