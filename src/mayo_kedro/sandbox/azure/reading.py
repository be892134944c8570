"""Answers with the bytes of a blob, as slow as wished."""

import asyncio
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from starlette.types import Message, Receive, Scope, Send

from mayo_kedro.sandbox.bodies import FileBody

__all__ = ["BlobBody", "Pace"]

SLICE_S = 0.05


@dataclass
class Pace:
    """How fast blobs are read: seconds before the answer, bytes a second (None: as fast as it goes)."""

    delay_s: float = 0.0
    bytes_per_s: float | None = None


class BlobBody:
    """ASGI: a blob, or the part of it that is asked for.

    Args:
        file: the blob's.
        name: its path, whose suffix gives the content type.
        pace: of this answer.

    Raises:
        OSError: there is no such file.
    """

    def __init__(self, file: Path, name: str, pace: Pace | None = None) -> None:
        about = file.stat()
        self._pace = pace or Pace()
        self._body = FileBody(file, name, f"{about.st_mtime_ns:x}-{about.st_size:x}", ranges=True)
        self._headers = [
            (b"last-modified", formatdate(about.st_mtime, usegmt=True).encode()),
            (b"x-ms-blob-type", b"BlockBlob"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await asyncio.sleep(self._pace.delay_s)

        async def send_slowly(message: Message) -> None:
            if message["type"] == "http.response.start":
                code = [(b"x-ms-error-code", b"InvalidRange")] if message["status"] == 416 else []
                message = {**message, "headers": [*message["headers"], *self._headers, *code]}
            await self._send_slices(message, send)

        await self._body(_take_range(scope), receive, send_slowly)

    async def _send_slices(self, message: Message, send: Send) -> None:
        body, speed = message.get("body", b""), self._pace.bytes_per_s
        if not (body and speed):
            await send(message)
            return
        size = max(1, int(speed * SLICE_S))
        for start in range(0, len(body), size):
            await asyncio.sleep(min(size, len(body) - start) / speed)
            more = message.get("more_body", False) or start + size < len(body)
            await send({**message, "body": body[start : start + size], "more_body": more})


def _take_range(scope: Scope) -> Scope:
    """The storage client asks for a range in a header of its own."""
    own = [(b"range", value) for name, value in scope["headers"] if name == b"x-ms-range"]
    return {**scope, "headers": [*own, *scope["headers"]]}
