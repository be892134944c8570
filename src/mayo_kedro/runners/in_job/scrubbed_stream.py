"""A job's output without its secrets: the service keeps what is written there, and shows it."""

from collections.abc import Sequence
from typing import Any, TextIO

from mayo_kedro.runners.watching.job_log import Scrubber


class ScrubbedStream:
    """A text stream that hides secrets in what is written to it at once; all else is the stream's own.

    Args:
        stream: such as `sys.stdout`.
        secrets: their values.
    """

    def __init__(self, stream: TextIO, secrets: Sequence[str]) -> None:
        self._stream = stream
        self._scrub = Scrubber(secrets)

    def write(self, text: str) -> int:
        """Write a text; returns its length as it was given."""
        self._stream.write(self._scrub(text))
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
