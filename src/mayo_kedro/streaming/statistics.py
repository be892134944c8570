"""What streaming has done, in numbers."""

import threading
from dataclasses import dataclass, field


@dataclass
class Statistics:
    """Counts since the start; safe to add to from several threads.

    Attributes:
        requests: that were sent, repeated ones too.
        retries: requests that repeated a failed one.
        bytes_fetched: of bodies, as they came.
        files_fetched: that arrived whole.
        cache_hits: files that were here already.
    """

    requests: int = 0
    retries: int = 0
    bytes_fetched: int = 0
    files_fetched: int = 0
    cache_hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, **counts: int) -> None:
        """Count more, by name."""
        with self._lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def snapshot(self) -> dict[str, int]:
        """All counts at this moment."""
        with self._lock:
            return {name: value for name, value in vars(self).items() if not name.startswith("_")}
