"""How fast bytes pass, in words for the progress display."""

import time


class Throughput:
    """Counts bytes.

    Args:
        total: how many there are in all.
    """

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._began = time.monotonic()

    def add(self, count: int) -> None:
        """Count `count` bytes as done."""
        self._done += count

    def describe(self) -> str:
        """Bytes done of all, bytes a second, and the time that the rest will take at that speed."""
        speed = self._done / max(time.monotonic() - self._began, 1e-9)
        left = (self._total - self._done) / speed if speed else 0.0
        done, total = self._done / 1e9, self._total / 1e9
        return f"{done:.1f} of {total:.1f} GB, {speed / 1e9:.3f} GB/s, {_describe_seconds(left)} left"


def _describe_seconds(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{minutes:.0f} min" if minutes >= 1 else f"{seconds:.0f} s"
