"""The metrics of runs, whichever way they were logged."""

import json
import math
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.refusals import refuse
from mayo_kedro.sandbox.azure.runs import now

__all__ = ["Metrics", "write_number"]

SCALAR = "azureml.v1.scalar"


class Metrics:
    """The values, and the routes.

    Args:
        folder: keeps them, a file of lines for each run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        root = "/metric/v2.0/workspace/runs/{run}"
        self.routes = [
            Route(f"{root}/batch", self._take, methods=["POST"]),
            Route(f"{root}/list", self._list, methods=["POST"]),
            Route(f"{root}/full", self._show, methods=["POST"]),
            *(
                Route(f"/history/v1.0/workspace/{place}/runs/{{run}}/metricsingest/wait", self._wait)
                for place in ("experiments/{experiment}", "experimentids/{identity}")
            ),
        ]

    def log(self, run: str, name: str, value: float, *, step: int = 0, milliseconds: int = 0) -> None:
        """Add one number, the way MLflow logs them.

        Args:
            run: whose.
            name: of the metric.
            value: the number.
            step: where on the curve.
            milliseconds: when, since the epoch.
        """
        point = {
            "metricId": str(uuid.uuid4()),
            "createdUtc": datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(),
            "step": step,
            "data": {name: value},
        }
        about = {"columns": {name: "Double"}, "properties": {"uxMetricType": SCALAR}}
        self._add(run, [{"name": name, "value": [point], **about}])

    def read(self, run: str) -> dict[str, dict[str, Any]]:
        """The metrics of a run by name: `columns`, `properties` and `value`, all points in their order."""
        file = self._find_file(run)
        metrics: dict[str, dict[str, Any]] = {}
        with self._lock:
            lines = file.read_text().splitlines() if file.exists() else []
        for one in map(json.loads, lines):
            known = metrics.setdefault(one["name"], {**one, "value": []})
            known["value"] += one["value"]
        return metrics

    def _add(self, run: str, metrics: list[Mapping[str, Any]]) -> None:
        lines = "".join(json.dumps(metric) + "\n" for metric in metrics)
        with self._lock, self._find_file(run).open("a") as file:
            file.write(lines)

    def _find_file(self, run: str) -> Path:
        return self._folder / f"{run}.jsonl"

    async def _take(self, request: Request) -> Response:
        given = await request.json()
        self._add(request.path_params["run"], [_complete(one) for one in given["values"]])
        return JSONResponse({"errors": []})

    async def _list(self, request: Request) -> Response:
        found = self.read(request.path_params["run"]).values()
        told = [{"metricKey": {"name": one["name"]}, "columns": one["columns"]} for one in found]
        return JSONResponse({"value": told})

    async def _show(self, request: Request) -> Response:
        run, name = request.path_params["run"], (await request.json())["metricName"]
        found = self.read(run).get(name)
        if not found:
            return refuse(404, f"there is no metric {name}")
        points = [{**point, "data": _write_numbers(point["data"])} for point in found["value"]]
        return JSONResponse({**found, "value": points, "dataContainerId": run})

    async def _wait(self, _: Request) -> Response:
        return JSONResponse({})


def write_number(value: Any) -> Any:
    """A value for JSON: numbers that it does not have are written as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _write_numbers(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: write_number(value) for name, value in data.items()}


def _complete(metric: dict[str, Any]) -> dict[str, Any]:
    points = [
        {"createdUtc": now(), "metricId": str(uuid.uuid4()), "step": 0, **one} for one in metric["value"]
    ]
    properties = metric.get("properties") or {"uxMetricType": SCALAR}
    return {"name": metric["name"], "columns": metric["columns"], "value": points, "properties": properties}
