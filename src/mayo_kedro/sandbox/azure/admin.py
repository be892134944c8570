"""The routes below /_sandbox/ by which tests and users make things go otherwise than well."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mayo_kedro.sandbox.azure.knobs import Knobs, convert
from mayo_kedro.sandbox.azure.tokens import Tokens
from mayo_kedro.sandbox.faults import Fault, parse_fault
from mayo_kedro.sandbox.link import Counts, Link

__all__ = ["PREFIX", "Admin"]

PREFIX = "/_sandbox/"
SUBMISSIONS = "*/snapshotrun"
SECRETS = "*/secrets/*"
BLOBS = "/azureml-*"


class Admin:
    """ASGI: answers what is below PREFIX, and passes the rest on to the link.

    GET counts; POST faults (a list, see `faults.Fault`); POST knobs (an object, see `knobs.KNOBS`); DELETE
    counts or faults.

    Args:
        link: the way to the service, on which things break.
        knobs: those of runs and logs.
        tokens: which can be made to expire.
    """

    def __init__(self, link: Link, knobs: Knobs, tokens: Tokens) -> None:
        self._link = link
        self._knobs = knobs
        self._tokens = tokens
        self._app: ASGIApp = Starlette(
            routes=[
                Route(f"{PREFIX}counts", self._count, methods=["GET"]),
                Route(f"{PREFIX}faults", self._add_faults, methods=["POST"]),
                Route(f"{PREFIX}knobs", self._set_knobs, methods=["POST"]),
                Route(f"{PREFIX}{{what}}", self._reset, methods=["DELETE"]),
            ],
            exception_handlers=dict.fromkeys((TypeError, ValueError), _refuse),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
        else:
            await self._link(scope, receive, send)

    def set(self, settings: Mapping[str, object]) -> None:
        """Set knobs.

        Args:
            settings: by name, as text or in the knob's type.

        Raises:
            ValueError: there is no such knob, or it cannot be set so.
        """
        given = {name: convert(name, value) for name, value in settings.items()}
        self._knobs.set(given)
        for fault in _make_faults(given):
            self._link.faults.add(fault)
        if "token_requests" in given:
            self._tokens.expire(given["token_requests"])
        self._tokens.lifetime_s = given.get("token_seconds", self._tokens.lifetime_s)
        self._tokens.run_lifetime_s = given.get("run_token_seconds", self._tokens.run_lifetime_s)

    async def _count(self, _: Request) -> Response:
        return JSONResponse(self._link.counts.report())

    async def _add_faults(self, request: Request) -> Response:
        for fault in [parse_fault(settings) for settings in await request.json()]:
            self._link.faults.add(fault)
        return Response(status_code=204)

    async def _set_knobs(self, request: Request) -> Response:
        self.set(await request.json())
        return Response(status_code=204)

    async def _reset(self, request: Request) -> Response:
        if request.path_params["what"] == "counts":
            self._link.counts = Counts()
        elif request.path_params["what"] == "faults":
            self._link.faults.clear()
        else:
            raise HTTPException(404, f"nothing called {request.path_params['what']} to reset")
        return Response(status_code=204)


def _make_faults(given: Mapping[str, object]) -> list[Fault]:
    faults = []
    if "refuse_submissions" in given:
        status, times = _split(str(given["refuse_submissions"]), 2)
        faults.append(Fault(SUBMISSIONS, status=int(status), times=int(times)))
    if "lost_answers" in given:
        faults.append(Fault(SUBMISSIONS, "lost", times=int(str(given["lost_answers"]))))
    if "kept_secrets" in given:
        times = str(given["kept_secrets"])
        faults.append(Fault(SECRETS, status=403, times=int(times), method="DELETE"))
    if "fault" in given:
        status, times, path = _split(str(given["fault"]), 3)
        faults.append(Fault(path, status=int(status), times=int(times)))
    if "corrupt" in given:
        faults.append(Fault(f"{BLOBS}{given['corrupt']}", "corrupt", method="GET"))
    return faults


def _split(text: str, parts: int) -> list[str]:
    found = text.split("*", parts - 1)
    if len(found) != parts or not all(found[:2]):
        raise ValueError(f"{text!r} has to be {'*'.join(('STATUS', 'TIMES', 'GLOB')[:parts])}")
    return found


def _refuse(_: Request, problem: Exception) -> Response:
    return PlainTextResponse(str(problem), 422)
