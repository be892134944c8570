"""The routes below /_sandbox/ by which tests and benchmarks look at the service and set it."""

import base64
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mayo_kedro.sandbox import history
from mayo_kedro.sandbox.access import TokenRequired
from mayo_kedro.sandbox.faults import parse_fault
from mayo_kedro.sandbox.link import Counts, Link, Shape
from mayo_kedro.sandbox.service import Service
from mayo_kedro.sandbox.uploads import UploadRefused

__all__ = ["PREFIX", "Admin"]

PREFIX = "/_sandbox/"
REFUSED = (FileNotFoundError, KeyError, TypeError, UploadRefused, ValueError)


class Admin:
    """ASGI: answers what is below PREFIX, and passes the rest on to the link.

    GET counts; POST faults (a list, see `faults.Fault`); POST link (`latency_ms`, `mbit_per_s`);
    POST token (`after`: how many more requests it works for); DELETE counts, faults, link, token, or all with
    the bare prefix. POST OWNER/NAME/commit (`files` in base64 by path, `message`, `versioning`) and
    OWNER/NAME/remove (`path`) answer the `commit`.
    """

    def __init__(self, link: Link, access: TokenRequired, service: Service) -> None:
        self._link = link
        self._access = access
        self._service = service
        self._resets: dict[str, Callable[[], None]] = {
            "counts": self._reset_counts,
            "faults": link.faults.clear,
            "link": self._reset_shape,
            "token": access.restore,
        }
        self._app: ASGIApp = Starlette(
            routes=[
                Route(f"{PREFIX}counts", self._count, methods=["GET"]),
                Route(f"{PREFIX}faults", self._add_faults, methods=["POST"]),
                Route(f"{PREFIX}link", self._set_shape, methods=["POST"]),
                Route(f"{PREFIX}token", self._expire_token, methods=["POST"]),
                Route(f"{PREFIX}{{owner}}/{{name}}/commit", self._commit, methods=["POST"]),
                Route(f"{PREFIX}{{owner}}/{{name}}/remove", self._remove, methods=["POST"]),
                Route(f"{PREFIX}{{what:path}}", self._reset, methods=["DELETE"]),
            ],
            exception_handlers=dict.fromkeys(REFUSED, _refuse),
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
        for fault in [parse_fault(settings) for settings in await request.json()]:
            self._link.faults.add(fault)
        return Response(status_code=204)

    async def _set_shape(self, request: Request) -> Response:
        self._link.shape = _parse_shape(**await request.json())
        return Response(status_code=204)

    async def _expire_token(self, request: Request) -> Response:
        self._access.expire(**await request.json())
        return Response(status_code=204)

    async def _commit(self, request: Request) -> Response:
        repository = self._service.find(request.path_params["owner"], request.path_params["name"])
        given = await request.json()
        files = {path: base64.b64decode(content) for path, content in given["files"].items()}
        commit = await run_in_threadpool(
            history.commit, repository, files, given["message"], given["versioning"]
        )
        return JSONResponse({"commit": commit})

    async def _remove(self, request: Request) -> Response:
        repository = self._service.find(request.path_params["owner"], request.path_params["name"])
        given = await request.json()
        commit = await run_in_threadpool(history.remove, repository, given["path"])
        return JSONResponse({"commit": commit})

    async def _reset(self, request: Request) -> Response:
        what = request.path_params["what"]
        if what and what not in self._resets:
            raise HTTPException(404, f"nothing called {what} to reset")
        for name, reset in self._resets.items():
            if what in ("", name):
                reset()
        return Response(status_code=204)

    def _reset_counts(self) -> None:
        self._link.counts = Counts()

    def _reset_shape(self) -> None:
        self._link.shape = Shape()


def _refuse(_: Request, problem: Exception) -> Response:
    return PlainTextResponse(str(problem), 422)


def _parse_shape(latency_ms: Any = 0, mbit_per_s: Any = None) -> Shape:
    return Shape(float(latency_ms) / 1000, float(mbit_per_s) * 125_000 if mbit_per_s else None)
