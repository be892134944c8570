"""Reading a job's log as it grows: whole lines, each once, also where the job begins anew."""

from collections.abc import Callable, Iterator, Sequence

from mayo_kedro.runners.job import LogPart

HIDDEN = "***"

_REMEMBERED_BYTES = 4096  # enough for the time stamps that tell one start from another


class LineSplitter:
    """Makes lines of bytes that arrive in pieces, cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> list[str]:
        """Take more bytes and give the lines that are complete now, without their ends."""
        *complete, self._rest = (self._rest + content).split(b"\n")
        return [_decode(line) for line in complete]

    def flush(self) -> list[str]:
        """Give a last line that has no end; nothing if there is none."""
        rest, self._rest = self._rest, b""
        return [_decode(rest)] if rest else []


def _decode(line: bytes) -> str:
    # A bar that redraws itself writes over its line: only what stays in sight at last is told.
    return line.decode(errors="replace").rstrip("\r").rpartition("\r")[2]


class Scrubber:
    """Takes secrets out of texts.

    Args:
        secrets: their values.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        # The longest first: one may be a part of another.
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Give the text with a sign in place of each secret."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class LogReader:
    """Reads on where it stopped; after a preemption from the start of the new log.

    Args:
        read_part: gives the log from a position on, see `JobBackend.read_log`; it is also given the first
            bytes of what was read.
        secrets: values that are taken out.
    """

    def __init__(self, read_part: Callable[[int, bytes], LogPart], secrets: Sequence[str] = ()) -> None:
        self._read_part = read_part
        self._scrub = Scrubber(secrets)
        self._splitter = LineSplitter()
        self._position = 0
        self._seen = b""
        self.restarts = 0
        """How often the log began anew, as far as was seen."""

    def read(self, to_the_end: bool) -> Iterator[str]:
        """Give the lines that have come since.

        Args:
            to_the_end: of a log that does not grow any more, with a last line that has no end.

        Yields:
            Whole lines without their ends.
        """
        for line in self._read(to_the_end):
            yield self._scrub(line)

    def _read(self, to_the_end: bool) -> Iterator[str]:
        while True:
            part = self._read_part(self._position, self._seen)
            if part.restarted:
                yield from self._splitter.flush()
                self._begin_anew()
            self._position += len(part.content)
            self._seen = (self._seen + part.content)[:_REMEMBERED_BYTES]
            yield from self._splitter.feed(part.content)
            if not (to_the_end and part.content):
                break
        if to_the_end:
            yield from self._splitter.flush()

    def _begin_anew(self) -> None:
        self.restarts += 1
        self._position, self._seen = 0, b""
