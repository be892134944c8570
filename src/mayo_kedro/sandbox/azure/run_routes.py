"""Runs over REST."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.experiments import EXPERIMENTS, ROOT, answer_page
from mayo_kedro.sandbox.azure.queries import parse_filter
from mayo_kedro.sandbox.azure.runs import ENDED, Runs
from mayo_kedro.sandbox.azure.tokens import Tokens

__all__ = ["RunRoutes"]

RUNS = tuple(f"{place}/runs/{{run}}" for place in EXPERIMENTS)
EVENT = "Microsoft.MachineLearning.Run."
STATUSES = {
    "Start": "Running",
    "Completed": "Completed",
    "Failed": "Failed",
    "Canceled": "Canceled",
    "CancelRequested": "CancelRequested",
}


class RunRoutes:
    """The routes.

    Args:
        runs: the history.
        tokens: renews those of runs.
        find_logs: the addresses of the logs of a run, by their path.
        cancel: stops a run.
    """

    def __init__(
        self,
        runs: Runs,
        tokens: Tokens,
        find_logs: Callable[[str], dict[str, str]],
        cancel: Callable[[str], None],
    ) -> None:
        self._runs = runs
        self._tokens = tokens
        self._find_logs = find_logs
        self._cancel = cancel
        self.routes = [
            Route(f"{ROOT}/runs/{{run}}", self._show),
            Route(f"{ROOT}/computes/{{target}}/runs", self._list_by_compute),
            *(route for place in EXPERIMENTS for route in self._route_many(place)),
            *(route for place in RUNS for route in self._route_one(place)),
        ]

    def _route_many(self, place: str) -> Iterator[Route]:
        yield Route(f"{place}/runs:query", self._query, methods=["POST"])
        yield Route(f"{place}/batch/events", self._take_events, methods=["POST"])

    def _route_one(self, place: str) -> Iterator[Route]:
        yield Route(place, self._show)
        yield Route(place, self._change, methods=["PATCH"])
        yield Route(f"{place}/details", self._show_details)
        yield Route(f"{place}/token", self._renew_token)
        yield Route(f"{place}/events", self._take_event, methods=["POST"])
        yield Route(f"{place}/children", self._list_children)
        yield Route(f"{place}/tags", self._drop_tags, methods=["DELETE"])

    async def _show(self, request: Request) -> Response:
        return JSONResponse(self._runs.describe(self._find(request)))

    async def _show_details(self, request: Request) -> Response:
        run = self._find(request)
        names = ("runId", "target", "status", "startTimeUtc", "endTimeUtc", "error", "properties")
        told = {name: run[name] for name in names if name in run}
        more = {"warnings": run.get("warnings", []), "inputDatasets": [], "outputDatasets": []}
        definition = {"runDefinition": run["definition"]} if "definition" in run else {}
        return JSONResponse({**told, **more, **definition, "logFiles": self._find_logs(run["runId"])})

    async def _change(self, request: Request) -> Response:
        given, name = await request.json(), request.path_params["run"]
        facts = {key: given[key] for key in ("parentRunId", "runType", "scriptName") if given.get(key)}
        self._runs.make(self._read_experiment(request), name, **facts)
        return JSONResponse(self._runs.describe(self._runs.change(name, given)))

    async def _query(self, request: Request) -> Response:
        given = await request.json()
        return self._list(self._read_experiment(request), given.get("filter"), given.get("top"))

    async def _list_by_compute(self, request: Request) -> Response:
        target = request.path_params["target"]
        runs = [
            run for run in self._runs.find_all() if run.get("target") == target and run["status"] not in ENDED
        ]
        return answer_page([self._runs.describe(run) for run in runs], request.query_params.get("$top"))

    async def _list_children(self, request: Request) -> Response:
        test = parse_filter(request.query_params.get("$filter", ""))
        parent = request.path_params["run"]
        runs = [run for run in self._runs.find_all() if run.get("parentRunId") == parent and test(run)]
        return answer_page([self._runs.describe(run) for run in runs], request.query_params.get("$top"))

    async def _renew_token(self, request: Request) -> Response:
        token, expiry = self._tokens.issue_for_run(self._find(request)["runId"])
        return JSONResponse({"token": token, "expiryTimeUtc": _write_time(expiry)})

    async def _take_event(self, request: Request) -> Response:
        self._take(request.path_params["run"], await request.json())
        return JSONResponse(None)

    async def _take_events(self, request: Request) -> Response:
        for event in (await request.json())["events"]:
            self._take(event["data"]["RunId"], event)
        return JSONResponse({"errors": []})

    async def _drop_tags(self, request: Request) -> Response:
        self._find(request)
        run = self._runs.drop_tags(request.path_params["run"], await request.json())
        return JSONResponse(self._runs.describe(run))

    def _take(self, run: str, event: dict[str, Any]) -> None:
        kind = str(event["name"]).removeprefix(EVENT)
        data = event.get("data") or {}
        if kind in ("Canceled", "CancelRequested"):
            self._cancel(run)
        if kind in STATUSES:
            self._runs.set_status(run, STATUSES[kind])
        elif kind == "Error":
            self._runs.change(run, {"error": data.get("ErrorResponse") or data.get("errorResponse")})
        elif kind == "Warning":
            record = self._runs.find(run) or {}
            record.setdefault("warnings", []).append(
                {"source": data.get("Source"), "message": data.get("Message")}
            )

    def _list(self, experiment: str, text: str | None, top: Any) -> Response:
        test = parse_filter(text or "")
        runs = [self._runs.describe(run) for run in self._runs.find_all(experiment) if test(run)]
        return answer_page(runs, top)

    def _read_experiment(self, request: Request) -> str:
        given = request.path_params
        if "experiment" in given:
            return str(given["experiment"])
        found = self._runs.find_experiment(identity=given["identity"])
        if found is None:
            raise HTTPException(404, f"there is no experiment {given['identity']}")
        return str(found["name"])

    def _find(self, request: Request) -> dict[str, Any]:
        run = self._runs.find(request.path_params["run"])
        if run is None:
            raise HTTPException(404, f"there is no run {request.path_params['run']}")
        return run


def _write_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
