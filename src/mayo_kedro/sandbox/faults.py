"""Faults to order: which request breaks, and how."""

import fnmatch
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["KINDS", "Fault", "Faults", "parse_fault"]

KINDS = ("status", "reset", "lost", "silence", "truncate", "stall", "corrupt")


@dataclass
class Fault:
    """One thing that goes wrong.

    Args:
        path: a glob over the request's path; `*` matches slashes too.
        kind: status (an error instead of the answer), reset (the connection, before the answer), lost (all is
            done, but the connection is cut instead of the answer), silence (no answer at all), truncate (half
            the body, then the connection closes), stall (half the body, then nothing), corrupt (one byte
            differs).
        status: of a `status` fault.
        retry_after: seconds in the Retry-After header of a `status` fault.
        times: how many requests it meets; None for all.
        method: only requests of this method; "" for any.
        share: of the requests that fit the above, drawn anew for each; more than 0, at most 1.
        seed: of these draws: the same faults from one run to the next.

    Raises:
        ValueError: a kind or share that cannot be.
    """

    path: str = "*"
    kind: str = "status"
    status: int = 503
    retry_after: float | None = None
    times: int | None = 1
    method: str = ""
    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what is asked for, and begin the draws."""
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}, not one of {', '.join(KINDS)}")
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}, which is not more than 0 and at most 1")
        self._draws = random.Random(self.seed)  # noqa: S311 - a fault is no secret

    def meets(self, method: str, path: str) -> bool:
        """Whether this request is to break; one that fits uses up a draw."""
        fits = self.times != 0 and self.method in ("", method) and fnmatch.fnmatchcase(path, self.path)
        return fits and self._draws.random() < self.share


def parse_fault(settings: Mapping[str, Any]) -> Fault:
    """A fault from JSON.

    Raises:
        ValueError: a setting, kind or share that cannot be.
    """
    unknown = set(settings) - {field.name for field in fields(Fault)}
    if unknown:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
    return Fault(**settings)


class Faults:
    """The faults in force, in the order they were asked for; the first that meets a request is taken."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Put a fault behind those already there."""
        with self._lock:
            self._waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if any."""
        with self._lock:
            found = next((fault for fault in self._waiting if fault.meets(method, path)), None)
            if found and found.times is not None:
                found.times -= 1
            return found

    def clear(self) -> None:
        """Break nothing any more."""
        with self._lock:
            self._waiting.clear()
