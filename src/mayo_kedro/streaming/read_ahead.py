"""A file that is read from front to back while its next parts are under way; no disk holds any of it."""

import io
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from mayo_kedro.streaming.integrity import BodyCheck, is_checkable
from mayo_kedro.streaming.workers import Workers

BLOCK_BYTES = 2 * 2**20
BLOCKS_AT_ONCE = 8
"""Under way for all files of a process: 16 MiB fill 1 Gbit/s at 100 ms, and a machine has several of them."""

BLOCKS_AHEAD = 24
"""Of one file: what comes while its reader waits for its turn, so that the line is not idle."""

PARTS_AT_ONCE = 16
"""Of a file that is read here and there."""

Fetch = Callable[[int, int], bytes]
"""Bytes `start` to `end` (exclusive) of the file."""

_fetchers = Workers(BLOCKS_AT_ONCE, by_urgency=True)
_turns = itertools.count()


class ReadAheadFile(io.RawIOBase):
    """A seekable file of which a few blocks are in memory.

    fsspec's own caches fetch one block ahead at most, which leaves a far line idle. The files of a process
    share the line: one that was opened before is served before, but for the first and the last block of
    each, which come at once: a TIFF's table of contents usually lies at its end.

    Args:
        fetch: reads a part; called from several threads.
        size: of the file in bytes.
        block_bytes: how much is fetched at once.
        blocks_ahead: how many blocks are fetched before they are asked for; 0 for reading here and there.
        declared: the hash that the whole should have; "" if nobody declares one.
    """

    def __init__(
        self,
        fetch: Fetch,
        size: int,
        *,
        block_bytes: int = BLOCK_BYTES,
        blocks_ahead: int = BLOCKS_AHEAD,
        declared: str = "",
    ) -> None:
        self.size = size
        self.bytes_fetched = 0
        self._fetch, self._block_bytes, self._ahead = fetch, block_bytes, blocks_ahead
        self._blocks = -(-size // block_bytes)
        self._position = 0
        self._current, self._content = -1, b""
        self._futures: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._turn = next(_turns)
        self._parts = ThreadPoolExecutor(PARTS_AT_ONCE)
        self._check = BodyCheck(declared) if is_checkable(declared) else None
        if self._check:
            self._check.restart(size)
        self._checked = 0
        self._unchecked: dict[int, bytes] = {}
        self._checking = threading.Lock()
        for block in {*range(min(blocks_ahead + 1, self._blocks)), self._blocks - 1} if size else ():
            self._begin(block)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, and give it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def read(self, length: int = -1) -> bytes:
        """Read `length` bytes, fewer only where the file ends; all that is left if it is negative."""
        start = self._position
        end = self.size if length < 0 else min(start + length, self.size)
        block, first = divmod(start, self._block_bytes)
        if block == self._current and first + end - start <= len(self._content):  # nearly always
            self._position = max(start, end)
            return self._content[first : first + end - start]
        parts = []
        while start < end:
            block, first = divmod(start, self._block_bytes)
            part = self._get(block)[first : first + end - start]
            parts.append(part)
            start += len(part)
        self._position = start
        return b"".join(parts)

    def readinto(self, buffer: "memoryview[int] | bytearray") -> int:  # type: ignore[override]
        """Read into a buffer, for `io.BufferedReader`."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read_ranges(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Read several parts (start, end) at once, each as it is and not by blocks."""
        return list(self._parts.map(lambda part: self._count(self._fetch(*part)), ranges))

    def is_intact(self) -> bool:
        """Tell whether the whole file, also what was not read, has the declared hash; True without one."""
        if self._check is None:
            return True
        while self._checked < self._blocks:
            block = self._checked
            content = self._get(block)
            with self._checking:
                if self._checked == block:  # it was fetched before, and had to be dropped
                    self._unchecked[block] = content
                    self._update_check()
        return self._check.is_intact()

    def close(self) -> None:
        """Drop what has not begun, and wait for what has."""
        self._parts.shutdown(cancel_futures=True)
        wait([future for future in self._futures.values() if not future.cancel()])
        self._futures.clear()
        self._unchecked.clear()
        super().close()

    def _get(self, block: int) -> bytes:
        if block != self._current:
            self._content = self._begin(block).result()
            if block == self._current + 1:
                for later in range(block + 1, min(block + 1 + self._ahead, self._blocks)):
                    self._begin(later)
            self._current = block
        return self._content

    def _begin(self, block: int) -> "Future[bytes]":
        if block not in self._futures:
            urgency = (0,) if block in (0, self._blocks - 1) else (1, self._turn)
            self._futures[block] = _fetchers.submit(partial(self._fetch_block, block), urgency)
        self._futures.move_to_end(block)
        if self._blocks - 1 in self._futures:  # it came first, and is needed last
            self._futures.move_to_end(self._blocks - 1)
        while len(self._futures) > self._ahead + 3:
            self._futures.popitem(last=False)[1].cancel()
        return self._futures[block]

    def _fetch_block(self, block: int) -> bytes:
        start = block * self._block_bytes
        content = self._count(self._fetch(start, min(start + self._block_bytes, self.size)))
        if self._check:
            with self._checking:
                if (
                    self._checked <= block and len(self._unchecked) <= self._ahead + 3
                ):  # else it is fetched again, see `is_intact`
                    self._unchecked[block] = content
                self._update_check()
        return content

    def _update_check(self) -> None:
        # Here and not by the reader, who has the pixels to unpack.
        while self._check and (content := self._unchecked.pop(self._checked, None)) is not None:
            self._check.update(content)
            self._checked += 1

    def _count(self, content: bytes) -> bytes:
        with self._checking:
            self.bytes_fetched += len(content)
        return content
