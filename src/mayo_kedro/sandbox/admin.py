"""The routes below /_sandbox/ by which tests and benchmarks look at the line and set it."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mayo_kedro.sandbox.faults import parse_fault
from mayo_kedro.sandbox.link import Counts, Link, Shape

__all__ = ["PREFIX", "Admin"]

PREFIX = "/_sandbox/"


class Admin:
    """ASGI: answers what is below PREFIX, and passes the rest on to the link.

    GET counts; POST faults (a list, see `faults.Fault`); POST link (`latency_ms`, `mbit_per_s`);
    DELETE counts, faults, link, or all with the bare prefix.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        resets = {"counts": self._reset_counts, "faults": link.faults.clear, "link": self._reset_shape}
        self._resets = resets
        self._app: ASGIApp = Starlette(
            routes=[
                Route(f"{PREFIX}counts", self._count, methods=["GET"]),
                Route(f"{PREFIX}faults", self._add_faults, methods=["POST"]),
                Route(f"{PREFIX}link", self._set_shape, methods=["POST"]),
                Route(f"{PREFIX}{{what:path}}", self._reset, methods=["DELETE"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
        else:
            await self._link(scope, receive, send)

    async def _count(self, _: Request) -> Response:
        return JSONResponse(self._link.counts.report())

    async def _add_faults(self, request: Request) -> Response:
        try:
            faults = [parse_fault(settings) for settings in await request.json()]
        except (TypeError, ValueError) as problem:
            return PlainTextResponse(str(problem), 422)
        for fault in faults:
            self._link.faults.add(fault)
        return Response(status_code=204)

    async def _set_shape(self, request: Request) -> Response:
        try:
            self._link.shape = _parse_shape(**await request.json())
        except (TypeError, ValueError) as problem:
            return PlainTextResponse(str(problem), 422)
        return Response(status_code=204)

    async def _reset(self, request: Request) -> Response:
        what = request.path_params["what"]
        if what and what not in self._resets:
            return PlainTextResponse(f"nothing called {what} to reset", 404)
        for name, reset in self._resets.items():
            if what in ("", name):
                reset()
        return Response(status_code=204)

    def _reset_counts(self) -> None:
        self._link.counts = Counts()

    def _reset_shape(self) -> None:
        self._link.shape = Shape()


def _parse_shape(latency_ms: Any = 0, mbit_per_s: Any = None) -> Shape:
    return Shape(float(latency_ms) / 1000, float(mbit_per_s) * 125_000 if mbit_per_s else None)
