"""Clusters: their nodes, and who waits for some."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

__all__ = ["Cluster", "parse_seconds"]

LOOK_S = 0.2


class Cluster:
    """The nodes of a cluster: first come, first served.

    Args:
        description: what the client has asked for: `vmSize`, `scaleSettings` and so on.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description
        self._busy = 0
        self._idle_since: list[float] = []
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def maximum(self) -> int:
        """How many nodes there can be."""
        return int(self.description["scaleSettings"]["maxNodeCount"])

    def acquire(self, count: int, stopped: Callable[[], bool]) -> bool:
        """Wait for nodes, and take them.

        Args:
            count: how many.
            stopped: whether to wait no longer; looked at several times a second.

        Returns:
            Whether they were taken.
        """
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                while self._waiting[0] is not turn or self._busy + count > self.maximum:
                    self._changed.wait(LOOK_S)
                    if stopped():
                        return False
                self._busy += count
                del self._idle_since[:count]
                return True
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()

    def release(self, count: int) -> None:
        """Give nodes back; they stay up for the idle time."""
        with self._changed:
            self._busy -= count
            self._idle_since += [time.monotonic()] * count
            self._changed.notify_all()

    def describe_nodes(self) -> dict[str, Any]:
        """How many nodes there are, and what they do."""
        with self._changed:
            idle = self._count_idle()
            counts = {"runningNodeCount": self._busy, "idleNodeCount": idle}
            current = self._busy + idle
        others = ("preparingNodeCount", "unusableNodeCount", "leavingNodeCount", "preemptedNodeCount")
        return {
            "currentNodeCount": current,
            "targetNodeCount": current,
            "nodeStateCounts": {**counts, **dict.fromkeys(others, 0)},
            "allocationState": "Steady",
            "allocationStateTransitionTime": datetime.now(UTC).isoformat(),
            "errors": None,
            "subnet": None,
        }

    def _count_idle(self) -> int:
        settings = self.description["scaleSettings"]
        limit = parse_seconds(str(settings.get("nodeIdleTimeBeforeScaleDown", "PT120S")))
        until = time.monotonic() - limit
        self._idle_since = [since for since in self._idle_since if since > until]
        lowest = int(settings.get("minNodeCount", 0)) - self._busy
        room = self.maximum - self._busy
        return min(max(len(self._idle_since), lowest, 0), max(room, 0))


def parse_seconds(duration: str) -> float:
    """The seconds of an ISO 8601 duration of days, hours, minutes and seconds, such as PT1M30S.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", duration)
    if not found or not any(found.groups()):
        raise ValueError(f"{duration!r} is not a duration such as PT120S")
    sizes = (86_400, 3600, 60, 1)
    return sum(float(given) * size for given, size in zip(found.groups(), sizes, strict=True) if given)
