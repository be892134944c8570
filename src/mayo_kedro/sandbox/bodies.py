"""Answers that carry a file: streamed, with its length known, and in part if the service grants that."""

import functools
import io
import mimetypes
import re
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

__all__ = ["FileBody", "find_range"]

BLOCK = 1 << 20


class FileBody:
    """ASGI: answers with the bytes of a file.

    They are read in the event loop: from the page cache that costs less than a hop to another thread.

    Args:
        content: the file's path in a store, or its bytes.
        name: gives the content type.
        etag: what identifies these bytes, without quotes.
        ranges: tell the ETag, and answer requests for a byte range; otherwise they get the whole file.

    Raises:
        FileNotFoundError: there is no such file.
        IsADirectoryError: it is a folder.
    """

    def __init__(self, content: str | Path | bytes, name: str, etag: str, *, ranges: bool = False) -> None:
        self._stream: BinaryIO = (
            io.BytesIO(content) if isinstance(content, bytes) else open(content, "rb", buffering=0)  # noqa: SIM115
        )
        self._size = self._stream.seek(0, io.SEEK_END)
        self._headers = [(b"content-type", _find_media_type(name.rpartition("/")[2].partition(".")[2]))]
        self._etag = f'"{etag}"'.encode()
        self._ranges = ranges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the whole file, or the part of it that is asked for."""
        with self._stream:
            status, start, end = self._prepare(scope) if self._ranges else (200, 0, self._size)
            self._headers.append((b"content-length", b"%d" % (end - start)))
            await send({"type": "http.response.start", "status": status, "headers": self._headers})
            position = self._stream.seek(start) if scope["method"] != "HEAD" else end
            while end - position > BLOCK:
                block = self._stream.read(BLOCK)
                position += len(block)
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": self._stream.read(end - position)})

    def _prepare(self, scope: Scope) -> tuple[int, int, int]:
        """Status, and the half-open range of bytes to send."""
        self._headers += [(b"accept-ranges", b"bytes"), (b"etag", self._etag)]
        given = Headers(scope=scope)
        unchanged = given.get("if-range", self._etag.decode()) == self._etag.decode()
        wanted = find_range(given.get("range", ""), self._size) if unchanged else None
        if wanted is None:
            return 200, 0, self._size
        start, end = wanted
        if start >= end:
            self._headers.append((b"content-range", b"bytes */%d" % self._size))
            return 416, 0, 0
        self._headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, self._size)))
        return 206, start, end


@functools.lru_cache
def _find_media_type(suffixes: str) -> bytes:
    found = mimetypes.guess_type(f"name.{suffixes}")[0] or "application/octet-stream"
    return f"{found}; charset=utf-8".encode() if found.startswith("text/") else found.encode()


def find_range(header: str, size: int) -> tuple[int, int] | None:
    """The half-open range of bytes that a Range header asks for, empty if it lies outside.

    None for no range, or one this service does not do (several at once).
    """
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", header.replace(" ", ""))
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    start = int(first)
    return start, min(size, int(last) + 1) if last else size
