"""The line between client and service: how far, how wide, what passes over it, and where it breaks."""

import asyncio
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mayo_kedro.sandbox.breaking import BrokenAnswer
from mayo_kedro.sandbox.faults import Fault, Faults

__all__ = ["Bucket", "Counts", "FindTransport", "Link", "Shape"]

FindTransport = Callable[[tuple[str, int]], asyncio.Transport | None]

SLICE = 1 << 16
BURST_S = 0.01


@dataclass
class Shape:
    """How the line behaves: seconds before the first byte of an answer, bytes a second for all together."""

    latency_s: float = 0.0
    bytes_per_s: float | None = None


@dataclass
class Counts:
    """What has passed: requests and bytes of answers by path, and the connections they came over."""

    paths: dict[str, dict[str, int]] = field(default_factory=dict)
    connections: set[tuple[str, int]] = field(default_factory=set)

    def add(self, path: str, *, requests: int = 0, sent: int = 0) -> None:
        """Note a request, or bytes of an answer."""
        count = self.paths.setdefault(path, {"requests": 0, "bytes": 0})
        count["requests"] += requests
        count["bytes"] += sent

    def report(self) -> dict[str, Any]:
        """All of it as JSON."""
        totals = {key: sum(count[key] for count in self.paths.values()) for key in ("requests", "bytes")}
        return {**totals, "connections": len(self.connections), "paths": self.paths}


class Bucket:
    """A token bucket: those who take wait until the line has had time for what they took."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def take(self, size: int, bytes_per_s: float | None) -> None:
        """Wait until `size` more bytes have passed."""
        if not bytes_per_s:
            return
        now = time.monotonic()
        self._free_at = max(self._free_at, now - BURST_S) + size / bytes_per_s
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)


class Link:
    """ASGI middleware around the service.

    Args:
        app: the service.
        find_transport: the connection of a client's address, to cut it.
    """

    def __init__(self, app: ASGIApp, find_transport: FindTransport) -> None:
        self._app = app
        self._find_transport = find_transport
        self.shape = Shape()
        self.faults = Faults()
        self.counts = Counts()
        self._down, self._up = Bucket(), Bucket()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, the way the line is set."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.counts.connections.add(tuple(scope["client"]))
        self.counts.add(scope["path"], requests=1)
        shaped = self._shape_answer(scope, send)
        fault = self.faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, self._shape_request(receive), shaped)
        elif fault.kind == "status":
            await asyncio.sleep(self.shape.latency_s)
            await _refuse(fault)(scope, receive, shaped)
        elif fault.kind == "reset":
            await self._cut(scope, receive, reset=True)
        else:
            broken = BrokenAnswer(shaped, self._find_end(fault, scope, receive))
            await self._app(scope, self._shape_request(receive), broken)

    def _find_end(self, fault: Fault, scope: Scope, receive: Receive) -> Callable[[], Awaitable[None]] | None:
        if fault.kind == "truncate":
            return partial(self._cut, scope, receive, reset=False)
        return partial(_wait_for_disconnect, receive) if fault.kind == "stall" else None

    def _shape_request(self, receive: Receive) -> Receive:
        async def receive_shaped() -> Message:
            message = await receive()
            await self._up.take(len(message.get("body", b"")), self.shape.bytes_per_s)
            return message

        return receive_shaped

    def _shape_answer(self, scope: Scope, send: Send) -> Send:
        async def send_shaped(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(self.shape.latency_s)
            body = message.get("body", b"")
            self.counts.add(scope["path"], sent=len(body))
            if not self.shape.bytes_per_s or len(body) <= SLICE:
                await self._down.take(len(body), self.shape.bytes_per_s)
                await send(message)
                return
            for start in range(0, len(body), SLICE):
                part = body[start : start + SLICE]
                await self._down.take(len(part), self.shape.bytes_per_s)
                more = message.get("more_body", False) or start + SLICE < len(body)
                await send({**message, "body": part, "more_body": more})

        return send_shaped

    async def _cut(self, scope: Scope, receive: Receive, *, reset: bool) -> None:
        transport = self._find_transport(tuple(scope["client"]))
        if transport is not None:
            if reset:
                _reset_on_close(transport)
            transport.close()
        await _wait_for_disconnect(receive)


def _refuse(fault: Fault) -> JSONResponse:
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return JSONResponse({"message": f"ordered: {fault.status}"}, fault.status, headers)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset_on_close(transport: asyncio.Transport) -> None:
    """Have the kernel send RST instead of FIN; the option is the socket's, so a second handle can set it."""
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as handle:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
