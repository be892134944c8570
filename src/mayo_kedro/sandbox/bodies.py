"""Answers that carry a file: streamed, with its length known, and in part if the service grants that."""

import io
import mimetypes
import re
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["FileBody"]

BLOCK = 1 << 18


class FileBody(Response):
    """The bytes of a file.

    They are read in the event loop: from the page cache that costs less than a hop to another thread.

    Args:
        content: the file's path in a store, or its bytes.
        name: gives the content type.
        ranges: answer requests for a byte range; otherwise they get the whole file.

    Raises:
        FileNotFoundError: there is no such file.
    """

    def __init__(self, content: Path | bytes, name: str, *, ranges: bool = False) -> None:
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        super().__init__(media_type=media_type)
        self._stream: BinaryIO = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        self._size = self._stream.seek(0, io.SEEK_END)
        self._ranges = ranges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the whole file, or the part of it that is asked for."""
        wanted = Headers(scope=scope).get("range", "") if self._ranges else ""
        with self._stream:
            start, end = self._prepare(find_range(wanted, self._size))
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            position = self._stream.seek(start) if scope["method"] != "HEAD" else end
            while position < end:
                block = self._stream.read(min(BLOCK, end - position))
                position += len(block)
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    def _prepare(self, wanted: tuple[int, int] | None) -> tuple[int, int]:
        start, end = wanted or (0, self._size)
        if self._ranges:
            self.headers["Accept-Ranges"] = "bytes"
        if wanted and start >= end:
            self.status_code = 416
            self.headers["Content-Range"] = f"bytes */{self._size}"
        elif wanted:
            self.status_code = 206
            self.headers["Content-Range"] = f"bytes {start}-{end - 1}/{self._size}"
        self.headers["Content-Length"] = str(max(0, end - start))
        return start, end


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
