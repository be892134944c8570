"""What the steps of a piece of work took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Phases:
    """Seconds by step; a step that comes several times is added up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        """Count the time of the block for a step."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - began

    def __str__(self) -> str:
        """Such as "packing 0.4 s, cluster 5.1 s"."""
        return ", ".join(f"{step} {seconds:.1f} s" for step, seconds in self.seconds.items())
