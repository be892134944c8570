"""MLflow at OWNER/NAME.mlflow: the real tracking server, in this process, from the first request on.

One store serves all repositories of a state folder: MLflow's server takes its store from the environment.
"""

import asyncio
import importlib
import os
import re
import warnings
from pathlib import Path
from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from mayo_kedro.sandbox.service import Service

__all__ = ["Tracking", "find_tracking_root"]


def find_tracking_root(path: str) -> tuple[str, str] | None:
    """Owner and name, if a request's path is below OWNER/NAME.mlflow."""
    found = re.match(r"/([^/]+)/([^/]+)\.mlflow(?=/|$)", path)
    return (found[1], found[2]) if found else None


class Tracking:
    """ASGI middleware: what is below OWNER/NAME.mlflow goes to MLflow, the rest to `app`."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._mlflow: ASGIApp | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to MLflow, below its own root."""
        root = find_tracking_root(scope["path"]) if scope["type"] == "http" else None
        if root is None or self._service.look_up(*root) is None:
            await self._app(scope, receive, send)
            return
        async with self._loading:
            if self._mlflow is None:
                self._mlflow = await run_in_threadpool(_load_server, self._service.state / "mlflow")
        prefix = "/{}/{}.mlflow".format(*root)
        path = scope["path"].removeprefix(prefix) or "/"
        raw_path = scope["raw_path"].removeprefix(prefix.encode()) or b"/"
        await self._mlflow({**scope, "path": path, "raw_path": raw_path, "root_path": ""}, receive, send)


def _load_server(folder: Path) -> ASGIApp:
    artifacts = folder.resolve() / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder.resolve()}/mlflow.db",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts.as_uri(),
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
    )
    with warnings.catch_warnings():
        # Starlette warns MLflow, and nobody here can do anything about it.
        warnings.filterwarnings("ignore", message="starlette.middleware.wsgi")
        return cast(ASGIApp, importlib.import_module("mlflow.server.fastapi_app").app)
