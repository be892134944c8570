"""Environments over REST: kept and given a version, never built."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.records import Records
from mayo_kedro.sandbox.azure.refusals import refuse

__all__ = ["Environments"]


class Environments:
    """The routes.

    Args:
        base: the service's address.
        scope: the workspace's path.
        records: keeps the environments, each by its name with a list of its versions.
    """

    def __init__(self, base: str, scope: str, records: Records) -> None:
        self._address = f"{base}/environment/v2.0{scope}/builds/done"
        self._records = records
        places = ("/environment/v1.0/workspace/environments", "/environment/v2.0/workspace/environments")
        named = [f"{place}/{{name}}" for place in places]
        versioned = [f"{place}/versions/{{version}}" for place in named]
        self.routes = [
            *(Route(f"{place}/", self._list) for place in places),
            *(Route(place, self._register, methods=["PUT"]) for place in (*named, *versioned)),
            *(Route(place, self._show) for place in (*named, *versioned)),
            *(Route(f"{place}/image", self._build, methods=["POST"]) for place in versioned),
            *(Route(f"{place}/image", self._describe_image) for place in versioned),
            Route("/environment/v2.0/workspace/builds/done", self._describe_build),
        ]

    def _find(self, name: str, version: str | None) -> dict[str, Any] | None:
        versions = (self._records.get(name) or {"versions": []})["versions"]
        fitting = [one for one in versions if version in (None, one["version"])]
        return fitting[-1] if fitting else None

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"value": [kept["versions"][-1] for kept in self._records]})

    async def _register(self, request: Request) -> Response:
        given = await request.json()
        name, version = request.path_params["name"], request.path_params.get("version")
        versions: list[dict[str, Any]] = (self._records.get(name) or {"versions": []})["versions"]
        stored = {
            "name": name,
            "python": given.get("python"),
            "environmentVariables": given.get("EnvironmentVariables"),
            "docker": given.get("Docker"),
            "spark": given.get("Spark"),
            "inferencingStackVersion": given.get("InferencingStackVersion"),
        }
        same = [one for one in versions if {**one, "version": None} == {**stored, "version": None}]
        if same and version in (None, same[-1]["version"]):
            return JSONResponse(same[-1])
        if version and self._find(name, version):
            return refuse(409, f"version {version} of environment {name} is there with another content")
        stored["version"] = version or str(len(versions) + 1)
        self._records.put(name, {"versions": [*versions, stored]})
        return JSONResponse(stored)

    async def _show(self, request: Request) -> Response:
        name, version = request.path_params["name"], request.path_params.get("version")
        found = self._find(name, version)
        if not found:
            return refuse(
                404, f"there is no environment {name}" + (f", version {version}" if version else "")
            )
        return JSONResponse(found)

    async def _build(self, request: Request) -> Response:
        if not self._find(request.path_params["name"], request.path_params["version"]):
            return refuse(404, "there is no such environment")
        return JSONResponse({"location": self._address}, 202)

    async def _describe_build(self, _: Request) -> Response:
        return JSONResponse(
            {"status": "Succeeded", "logUrl": None, "environmentBuild": {"status": "Succeeded"}}
        )

    async def _describe_image(self, request: Request) -> Response:
        found = self._find(request.path_params["name"], request.path_params["version"])
        name = "{name}:{version}".format(**request.path_params)
        return JSONResponse({"imageExistsInRegistry": bool(found), "dockerImage": {"name": name}})
