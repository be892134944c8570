"""Where a body goes while it arrives."""

import hashlib
from typing import Any, Protocol


class Sink(Protocol):
    """Takes a body while it arrives."""

    @property
    def size(self) -> int:
        """Bytes that have come."""

    def restart(self, size: int | None) -> None:
        """Forget what came; `size` is that of the whole body, if known."""

    def write(self, chunk: Any) -> object:
        """Take the next bytes."""

    def is_intact(self) -> bool:
        """Tell whether the whole body is what was declared."""

    @property
    def md5(self) -> str:
        """Of what came."""


class Buffer:
    """A body in memory, of which nothing was declared."""

    def __init__(self) -> None:
        self.body = bytearray()

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return len(self.body)

    def restart(self, size: int | None) -> None:
        """Forget what came."""
        self.body.clear()

    def write(self, chunk: Any) -> None:
        """Take the next bytes."""
        self.body += chunk

    def is_intact(self) -> bool:
        """True: there is nothing to compare with."""
        return True

    @property
    def md5(self) -> str:
        """Of what came."""
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()
