"""git over HTTP: OWNER/NAME.git, spoken by git's own `http-backend`."""

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mayo_kedro.sandbox.git import clean_environment
from mayo_kedro.sandbox.service import Service

__all__ = ["GitRemote"]

BLOCK = 1 << 16


class GitRemote:
    """Fetch and push."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """What it answers to."""
        return [Route("/{owner}/{name}.git/{rest:path}", self.serve, methods=["GET", "POST"])]

    async def serve(self, request: Request) -> Response:
        """Run the backend as a CGI programme for this request."""
        self._service.find(request.path_params["owner"], request.path_params["name"])
        command = ("git", "http-backend")
        backend = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, env=self._describe(request)
        )
        feeding = asyncio.create_task(_feed(request, backend))
        assert backend.stdout is not None  # noqa: S101 - it is a pipe; tells mypy
        status, headers = _parse_head(await backend.stdout.readuntil(b"\r\n\r\n"))
        return StreamingResponse(_drain(backend, feeding), status, headers)

    def _describe(self, request: Request) -> dict[str, str]:
        given = {
            "CONTENT_TYPE": request.headers.get("content-type"),
            "CONTENT_LENGTH": request.headers.get("content-length"),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding"),
            "GIT_PROTOCOL": request.headers.get("git-protocol"),
        }
        owner, name, rest = (request.path_params[part] for part in ("owner", "name", "rest"))
        return {
            **clean_environment(),
            **{name: value for name, value in given.items() if value is not None},
            "GIT_PROJECT_ROOT": str((self._service.state / "repositories").resolve()),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{owner}/{name}.git/{rest}",
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "REMOTE_USER": self._service.login,
        }


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    pairs = (line.partition(": ")[::2] for line in head.decode().split("\r\n") if line)
    headers = dict(pairs)
    return int(headers.pop("Status", "200").split()[0]), headers


async def _feed(request: Request, backend: Process) -> None:
    """Pass the request's body on; a backend that has seen enough, or a client that is gone, ends it."""
    assert backend.stdin is not None  # noqa: S101 - it is a pipe; tells mypy
    # uvloop raises RuntimeError for a pipe whose reader has gone.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, ClientDisconnect, RuntimeError):
        async for block in request.stream():
            backend.stdin.write(block)
            await backend.stdin.drain()
    backend.stdin.close()


async def _drain(backend: Process, feeding: "asyncio.Task[None]") -> AsyncIterator[bytes]:
    assert backend.stdout is not None  # noqa: S101 - it is a pipe; tells mypy
    try:
        while block := await backend.stdout.read(BLOCK):
            yield block
        await feeding
    finally:
        if backend.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                backend.kill()
        feeding.cancel()
        await backend.wait()
