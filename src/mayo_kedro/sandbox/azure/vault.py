"""The key vault. Secrets are kept in memory only: they end with the service."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.refusals import refuse

__all__ = ["Vault"]

NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
ROOT = "/credential/v2.0/workspace/secrets"


class Vault:
    """The secrets of the workspace, and the routes."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self.routes = [
            Route(ROOT, self._put, methods=["PUT"]),
            Route(ROOT, self._list),
            Route(f"{ROOT}:putbatch", self._put_many, methods=["PUT"]),
            Route(f"{ROOT}:getbatch", self._get_many, methods=["POST"]),
            Route(f"{ROOT}:deletebatch", self._delete_many, methods=["POST"]),
            Route(f"{ROOT}/{{name}}", self._get),
            Route(f"{ROOT}/{{name}}", self._delete, methods=["DELETE"]),
        ]

    def _keep(self, given: list[dict[str, Any]]) -> Response:
        if wrong := [one["name"] for one in given if not NAME.fullmatch(one["name"])]:
            return refuse(
                400, f"{wrong[0]!r} is no name of a secret: letters, digits and dashes, at most 127"
            )
        self._secrets.update({one["name"]: one["value"] for one in given})
        return Response(status_code=200)

    async def _put(self, request: Request) -> Response:
        return self._keep([await request.json()])

    async def _put_many(self, request: Request) -> Response:
        return self._keep((await request.json())["secrets"])

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"value": [{"name": name} for name in self._secrets]})

    async def _get(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._secrets:
            return _find_nothing(name)
        return JSONResponse({"name": name, "value": self._secrets[name]})

    async def _get_many(self, request: Request) -> Response:
        names = [one["name"] for one in (await request.json())["secrets"]]
        found = [{"name": name, "value": self._secrets[name]} for name in names if name in self._secrets]
        missing = [name for name in names if name not in self._secrets]
        return JSONResponse({"secrets": found, "notFoundSecrets": missing})

    async def _delete(self, request: Request) -> Response:
        name = request.path_params["name"]
        return _find_nothing(name) if self._secrets.pop(name, None) is None else Response(status_code=200)

    async def _delete_many(self, request: Request) -> Response:
        for one in (await request.json())["secrets"]:
            self._secrets.pop(one["name"], None)
        return Response(status_code=200)


def _find_nothing(name: str) -> Response:
    return refuse(404, f"there is no secret {name}", "NotFound")
