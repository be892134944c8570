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

__all__ = ["Counts", "FindTransport", "Line", "Link", "Shape"]

FindTransport = Callable[[tuple[str, int]], asyncio.Transport | None]

SLICE_S = 0.002
SMALLEST_SLICE = 1 << 14
LATE_S = 0.1


@dataclass
class Shape:
    """How the line behaves: seconds before the first byte of an answer, bytes a second for all together."""

    latency_s: float = 0.0
    bytes_per_s: float | None = None


@dataclass(slots=True)
class Count:
    """Requests for one path, and the bytes of their answers."""

    requests: int = 0
    sent: int = 0


@dataclass
class Counts:
    """What has passed, by path, and the connections it came over."""

    paths: dict[str, Count] = field(default_factory=dict)
    connections: set[tuple[str, int]] = field(default_factory=set)

    def begin(self, path: str, client: tuple[str, int]) -> Count:
        """Note a request; the bytes of its answer are to be added to the result."""
        self.connections.add(client)
        count = self.paths.get(path)
        if count is None:
            count = self.paths[path] = Count()
        count.requests += 1
        return count

    def report(self) -> dict[str, Any]:
        """All of it as JSON."""
        paths = {path: {"requests": one.requests, "bytes": one.sent} for path, one in self.paths.items()}
        totals = {key: sum(count[key] for count in paths.values()) for key in ("requests", "bytes")}
        return {**totals, "connections": len(self.connections), "paths": paths}


class Line:
    """One direction of the line, which its users take turns at.

    It reckons with the times at which bytes are due, not with those at which this process wakes up to send
    them: waking late by less than LATE_S costs no bandwidth. An idle line saves nothing up.
    """

    def __init__(self) -> None:
        self._free_at = 0.0

    def book(self, size: int, bytes_per_s: float, ready: float, now: float) -> float:
        """The time at which `size` bytes that are there since `ready` will have passed."""
        self._free_at = max(self._free_at, ready, now - LATE_S) + size / bytes_per_s
        return self._free_at


class Passage:
    """One body on its way over a line, there to be sent since `ready`."""

    def __init__(self, line: Line, ready: float) -> None:
        self._line = line
        self._ready = ready

    async def take(self, size: int, bytes_per_s: float) -> None:
        """Wait until `size` more bytes have passed."""
        now = time.monotonic()
        self._ready = self._line.book(size, bytes_per_s, self._ready, now)
        if self._ready > now:
            await asyncio.sleep(self._ready - now)


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
        self.down, self.up = Line(), Line()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, the way the line is set."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        shaped = ShapedAnswer(self, self.counts.begin(scope["path"], scope["client"]), send)
        fault = self.faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, self._shape_request(receive), shaped)
        elif fault.kind == "status":
            await _refuse(fault)(scope, receive, shaped)
        elif fault.kind == "reset":
            await self._cut(scope, receive, reset=True)
        elif fault.kind == "lost":
            await self._app(scope, self._shape_request(receive), _say_nothing)
            await self._cut(scope, receive, reset=True)
        elif fault.kind == "silence":
            await _wait_for_disconnect(receive)
        else:
            broken = BrokenAnswer(shaped, self._find_end(fault, scope, receive))
            await self._app(scope, self._shape_request(receive), broken)

    def _find_end(self, fault: Fault, scope: Scope, receive: Receive) -> Callable[[], Awaitable[None]] | None:
        if fault.kind == "truncate":
            return partial(self._cut, scope, receive, reset=False)
        return partial(_wait_for_disconnect, receive) if fault.kind == "stall" else None

    def _shape_request(self, receive: Receive) -> Receive:
        bytes_per_s = self.shape.bytes_per_s
        if not bytes_per_s:
            return receive
        passage = Passage(self.up, time.monotonic())

        async def receive_shaped() -> Message:
            message = await receive()
            if body := message.get("body"):
                await passage.take(len(body), bytes_per_s)
            return message

        return receive_shaped

    async def _cut(self, scope: Scope, receive: Receive, *, reset: bool) -> None:
        transport = self._find_transport(scope["client"])
        if transport is not None:
            if reset:
                _reset_on_close(transport)
            transport.close()
        await _wait_for_disconnect(receive)


class ShapedAnswer:
    """A `send` that is as slow as the line; the headers travel with the first bytes of the body."""

    def __init__(self, link: Link, count: Count, send: Send) -> None:
        self._link = link
        self._count = count
        self._send = send
        self._start: Message | None = None
        self._passage: Passage | None = None

    async def __call__(self, message: Message) -> None:
        """Pass a message on when it is due."""
        shape = self._link.shape
        if message["type"] == "http.response.start":
            self._start = message
            self._passage = Passage(self._link.down, time.monotonic() + shape.latency_s)
            if shape.latency_s:
                await asyncio.sleep(shape.latency_s)
            return
        body = message.get("body", b"")
        self._count.sent += len(body)
        if shape.bytes_per_s and body:
            await self._send_slices(message, memoryview(body), shape.bytes_per_s)
        else:
            await self._send_part(message)

    async def _send_slices(self, message: Message, body: memoryview, bytes_per_s: float) -> None:
        assert self._passage is not None  # noqa: S101 - made with the headers; tells mypy
        more = message.get("more_body", False)
        size = max(SMALLEST_SLICE, int(bytes_per_s * SLICE_S))
        for start in range(0, len(body), size):
            end = start + size
            part = body[start:end]
            await self._passage.take(len(part), bytes_per_s)
            await self._send_part({**message, "body": part, "more_body": more or end < len(body)})

    async def _send_part(self, message: Message) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)
        await self._send(message)


def _refuse(fault: Fault) -> JSONResponse:
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return JSONResponse({"message": f"ordered: {fault.status}"}, fault.status, headers)


async def _say_nothing(_: Message) -> None:
    pass


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset_on_close(transport: asyncio.Transport) -> None:
    """Have the kernel send RST instead of FIN; the option is the socket's, so a second handle can set it."""
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as handle:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
