"""The service, put together: what stands in for DagsHub on this machine."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mayo_kedro.sandbox.access import TokenRequired
from mayo_kedro.sandbox.admin import Admin
from mayo_kedro.sandbox.api import ReadingApi
from mayo_kedro.sandbox.dvc_http import DvcRemote
from mayo_kedro.sandbox.files import Files
from mayo_kedro.sandbox.git_http import GitRemote
from mayo_kedro.sandbox.link import FindTransport, Link, Shape
from mayo_kedro.sandbox.service import Service
from mayo_kedro.sandbox.storage import StorageApi
from mayo_kedro.sandbox.tracking import Tracking
from mayo_kedro.sandbox.writing import WritingApi

__all__ = ["make_app"]


def make_app(service: Service, shape: Shape, find_transport: FindTransport) -> ASGIApp:
    """All routes, behind the token, behind the link.

    Args:
        service: the state to serve.
        shape: how the link behaves at first.
        find_transport: the connection of a client's address, for faults that cut it.
    """
    api = (ReadingApi(service), WritingApi(service), StorageApi(service))
    parts = (*api, DvcRemote(service), GitRemote(service))
    routes = [Route("/", _introduce), *(route for part in parts for route in part.routes())]
    handlers = {HTTPException: _explain}
    app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
    access = TokenRequired(Files(Tracking(app, service), service), service.token)
    link = Link(access, find_transport)
    link.shape = shape
    return Admin(link, access, service)


def _introduce(_: Request) -> Response:
    return PlainTextResponse("The sandbox of mayo-kedro: it stands in for DagsHub, on this machine only.\n")


def _explain(_: Request, problem: HTTPException) -> Response:
    return JSONResponse({"message": problem.detail}, problem.status_code, problem.headers)
