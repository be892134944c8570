"""Serving on loopback, from a thread, so that the main thread is free to wait for whatever ends it."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

import uvicorn
from starlette.types import ASGIApp

from mayo_kedro.sandbox.dagshub import make_app
from mayo_kedro.sandbox.link import FindTransport, Shape
from mayo_kedro.sandbox.service import Service

__all__ = ["Server", "Serving", "listen"]

LOOPBACK = "127.0.0.1"
PREFERRED_PORTS = range(8750, 8850)


def listen(port: int, remembered: Path) -> socket.socket:
    """A listening socket on loopback.

    Args:
        port: the port to use; 0 for the one used last, or the first of PREFERRED_PORTS that is free.
        remembered: the file that keeps the port for the next start.

    Raises:
        OSError: `port` is taken.
    """
    if port:
        return _bind(port)
    last = [int(remembered.read_text())] if remembered.exists() else []
    for candidate in [*last, *PREFERRED_PORTS, 0]:
        try:
            bound = _bind(candidate)
        except OSError:
            continue
        if not last:
            remembered.write_text(str(bound.getsockname()[1]))
        return bound
    raise OSError("no port is free on loopback")


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
        bound.listen(1024)
    except OSError:
        bound.close()
        raise
    return bound


class Serving:
    """An application on a socket; a context manager that serves while it is open.

    Args:
        make_app: makes the application, given how to find a client's connection.
        listening: where to serve.
        settings: of uvicorn, beyond those that are always the same.
    """

    def __init__(
        self, make_app: Callable[[FindTransport], ASGIApp], listening: socket.socket, **settings: Any
    ) -> None:
        self._listening = listening
        self._server = uvicorn.Server(
            uvicorn.Config(
                make_app(self._find_transport),
                lifespan="off",
                ws="none",
                log_level="error",
                access_log=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
                **settings,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="sandbox")

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; answers under way get a second to finish."""
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()

    def _find_transport(self, client: tuple[str, int]) -> asyncio.Transport | None:
        for connection in self._server.server_state.connections:
            if getattr(connection, "client", None) == client:
                return cast(asyncio.Transport, getattr(connection, "transport", None))
        return None


class Server(Serving):
    """The service on a socket."""

    def __init__(self, service: Service, listening: socket.socket, shape: Shape | None = None) -> None:
        self.host = "http://{}:{}".format(*listening.getsockname())
        super().__init__(
            lambda find_transport: make_app(service, shape or Shape(), find_transport), listening
        )
