"""Clusters over REST: made at the resource manager, looked at through the workspace's own service."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.computes import Cluster, parse_seconds
from mayo_kedro.sandbox.azure.records import Records
from mayo_kedro.sandbox.azure.refusals import refuse_resource
from mayo_kedro.sandbox.azure.workspace import LOCATION, Workspace

__all__ = ["Computes"]


class Computes:
    """The clusters of the workspace, and the routes.

    Args:
        base: the service's address.
        workspace: whose clusters.
        records: keeps them.
    """

    def __init__(self, base: str, workspace: Workspace, records: Records) -> None:
        self._base = base
        self._workspace = workspace
        self._records = records
        self._clusters = {kept["name"]: Cluster(kept["description"]) for kept in records}
        self.routes = [
            Route("/workspace/computes/{name}", self._make, methods=["PUT"]),
            Route("/workspace/computes/{name}", self._change, methods=["PATCH"]),
            Route("/workspace/computes/{name}", self._remove, methods=["DELETE"]),
            Route("/workspace/operations/{name}", self._describe_operation),
            *(Route(f"{place}/workspace/computes", self._list) for place in ("", "/rp/workspaces")),
            *(Route(f"{place}/workspace/computes/{{name}}", self._show) for place in ("", "/rp/workspaces")),
        ]

    def find(self, name: str) -> Cluster | None:
        """A cluster by its name."""
        return self._clusters.get(name)

    def count_nodes(self) -> Iterator[tuple[str, str, int]]:
        """Size, priority and number of the nodes that are up, by cluster."""
        for cluster in self._clusters.values():
            given = cluster.description
            nodes = int(cluster.describe_nodes()["currentNodeCount"])
            yield str(given["vmSize"]), str(given["vmPriority"]), nodes

    def _describe(self, name: str, cluster: Cluster) -> dict[str, Any]:
        about = {
            "computeType": "AmlCompute",
            "computeLocation": LOCATION,
            "provisioningState": "Succeeded",
            "provisioningErrors": None,
            "description": None,
            "resourceId": None,
            "isAttachedCompute": False,
            "createdOn": datetime.now(UTC).isoformat(),
            "modifiedOn": datetime.now(UTC).isoformat(),
            "properties": {**cluster.description, **cluster.describe_nodes()},
        }
        identity = f"{self._workspace.scope}/computes/{name}"
        return {"id": identity, "name": name, "location": LOCATION, "tags": None, "properties": about}

    def _keep(self, name: str, description: dict[str, Any]) -> None:
        parse_seconds(str(description["scaleSettings"].get("nodeIdleTimeBeforeScaleDown", "PT120S")))
        if int(description["scaleSettings"]["maxNodeCount"]) < 1:
            raise ValueError("maxNodeCount has to be 1 or more")
        if cluster := self._clusters.get(name):
            cluster.description = description
        else:
            self._clusters[name] = Cluster(description)
        self._records.put(name, {"name": name, "description": description})

    def _answer_later(self, status: int, body: dict[str, Any] | None) -> Response:
        operation = f"{self._base}{self._workspace.scope}/operations/done?api-version=2020-02-02"
        return JSONResponse(body, status, {"Azure-AsyncOperation": operation})

    async def _make(self, request: Request) -> Response:
        name, given = request.path_params["name"], (await request.json())["properties"]
        if given.get("computeType") != "AmlCompute":
            return refuse_resource(400, "UnsupportedComputeType", "only AmlCompute is rehearsed")
        try:
            self._keep(name, {"vmPriority": "Dedicated", **given["properties"]})
        except (KeyError, TypeError, ValueError) as problem:
            return refuse_resource(400, "InvalidScaleSettings", f"the scale settings do not fit: {problem}")
        return self._answer_later(201, self._describe(name, self._clusters[name]))

    async def _change(self, request: Request) -> Response:
        name, cluster = request.path_params["name"], self._clusters.get(request.path_params["name"])
        if cluster is None:
            return _find_nothing(name)
        changes = (await request.json())["properties"]["properties"]
        try:
            settings = {**cluster.description["scaleSettings"], **(changes.get("scaleSettings") or {})}
            self._keep(name, {**cluster.description, **changes, "scaleSettings": settings})
        except (KeyError, TypeError, ValueError) as problem:
            return refuse_resource(400, "InvalidScaleSettings", f"the scale settings do not fit: {problem}")
        return self._answer_later(200, self._describe(name, cluster))

    async def _remove(self, request: Request) -> Response:
        self._clusters.pop(request.path_params["name"], None)
        self._records.delete(request.path_params["name"])
        return self._answer_later(202, None)

    async def _describe_operation(self, request: Request) -> Response:
        return JSONResponse({"name": request.path_params["name"], "status": "Succeeded"})

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"value": [self._describe(name, one) for name, one in self._clusters.items()]})

    async def _show(self, request: Request) -> Response:
        name = request.path_params["name"]
        cluster = self._clusters.get(name)
        return JSONResponse(self._describe(name, cluster)) if cluster else _find_nothing(name)


def _find_nothing(name: str) -> Response:
    return refuse_resource(404, "ComputeNotFound", f"there is no compute target {name}")
