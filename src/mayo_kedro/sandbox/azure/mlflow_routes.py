"""MLflow's REST protocol over the workspace's own history, as far as Azure ML answers it.

It has no logged models, traces and datasets: those are answered with 404, as by an old server.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.metrics import Metrics
from mayo_kedro.sandbox.azure.mlflow_view import (
    PARENT_TAG,
    STATUSES,
    describe_experiment,
    describe_point,
    describe_run,
)
from mayo_kedro.sandbox.azure.runs import Runs

__all__ = ["MLflow"]

ROOT = "/mlflow/v2.0/workspace/api/2.0/mlflow"
NAME_TAG = "mlflow.runName"

Given = dict[str, Any]
Handler = Callable[[Given], Any]


class MLflow:
    """The routes.

    Args:
        base: the service's address.
        runs: the history.
        metrics: of the runs.
    """

    def __init__(self, base: str, runs: Runs, metrics: Metrics) -> None:
        self._base = base
        self._runs = runs
        self._metrics = metrics
        asked: dict[str, Handler] = {
            "experiments/get": self._get_experiment,
            "experiments/get-by-name": self._get_experiment,
            "experiments/search": self._search_experiments,
            "runs/get": self._get_run,
            "runs/get-run-data-status": lambda _: {"is_complete": True},
            "metrics/get-history": self._get_history,
        }
        told: dict[str, Handler] = {
            "experiments/create": self._create_experiment,
            "experiments/search": self._search_experiments,
            "experiments/set-experiment-tag": self._tag_experiment,
            "runs/create": self._create_run,
            "runs/update": self._update_run,
            "runs/delete": self._delete_run,
            "runs/search": self._search_runs,
            "runs/log-metric": lambda given: self._log(given, metrics=[given]),
            "runs/log-parameter": lambda given: self._log(given, params=[given]),
            "runs/set-tag": lambda given: self._log(given, tags=[given]),
            "runs/delete-tag": self._delete_tag,
            "runs/log-batch": self._log_batch,
            "runs/log-batch-async": self._log_batch,
        }
        self.routes = [
            *(
                Route(f"{ROOT}/{place}", _answer(handler), methods=["GET"])
                for place, handler in asked.items()
            ),
            *(
                Route(f"{ROOT}/{place}", _answer(handler), methods=["POST"])
                for place, handler in told.items()
            ),
        ]

    def _describe(self, run: Given) -> Given:
        experiment = self._runs.open_experiment(run["experiment"])
        address = describe_experiment(experiment, self._base)["artifact_location"]
        return describe_run(run, self._metrics.read(run["runId"]), address)

    def _find_run(self, given: Given) -> Given:
        name = given.get("run_id") or given.get("run_uuid", "")
        run = self._runs.find(name)
        if run is None:
            raise LookupError(f"Run with id={name} not found")
        return run

    def _find_experiment(self, given: Given) -> Given:
        name, identity = given.get("experiment_name", ""), str(given.get("experiment_id", ""))
        found = self._runs.find_experiment(name=name, identity=identity)
        if found is None:
            raise LookupError(f"Could not find experiment {name or identity}")
        return found

    def _get_experiment(self, given: Given) -> Given:
        return {"experiment": describe_experiment(self._find_experiment(given), self._base)}

    def _search_experiments(self, _: Given) -> Given:
        found = self._runs.list_experiments()
        return {"experiments": [describe_experiment(one, self._base) for one in found]}

    def _create_experiment(self, given: Given) -> Given:
        if self._runs.find_experiment(name=given["name"]):
            raise FileExistsError(f"experiment {given['name']} exists already")
        experiment = self._runs.open_experiment(given["name"])
        return {"experiment_id": experiment["experimentId"]}

    def _tag_experiment(self, given: Given) -> Given:
        experiment = self._find_experiment(given)
        experiment["tags"][given["key"]] = given["value"]
        self._runs.keep_experiment(experiment)
        return {}

    def _get_run(self, given: Given) -> Given:
        return {"run": self._describe(self._find_run(given))}

    def _create_run(self, given: Given) -> Given:
        experiment = self._find_experiment(given)
        tags = _read_pairs(given.get("tags"))
        name = given.get("run_name") or tags.get(NAME_TAG)
        facts = {"parentRunId": tags.get(PARENT_TAG), "displayName": name}
        run, _ = self._runs.make(experiment["name"], str(uuid4()), **facts)
        started = _write_time(given.get("start_time"))
        self._runs.change(run["runId"], {"tags": tags, "status": "Running", "startTimeUtc": started})
        return {"run": self._describe(run)}

    def _update_run(self, given: Given) -> Given:
        run = self._find_run(given)["runId"]
        self._runs.change(run, {"displayName": given.get("run_name")})
        if status := STATUSES.get(given.get("status", "")):
            self._runs.set_status(run, status)
        if given.get("end_time"):
            self._runs.change(run, {"endTimeUtc": _write_time(given["end_time"])})
        return {"run_info": self._describe(self._find_run(given))["info"]}

    def _delete_run(self, given: Given) -> Given:
        self._runs.change(self._find_run(given)["runId"], {"hidden": True})
        return {}

    def _search_runs(self, given: Given) -> Given:
        from mayo_kedro.sandbox.azure.mlflow_search import search  # noqa: PLC0415  imports MLflow

        wanted = [str(one) for one in given.get("experiment_ids") or []]
        runs = [
            run for run in self._runs.find_all() if run["experimentId"] in wanted and not run.get("hidden")
        ]
        described = {run["runId"]: self._describe(run) for run in runs}
        names, token = search(list(described.values()), given)
        return {"runs": [described[name] for name in names], "next_page_token": token}

    def _get_history(self, given: Given) -> Given:
        name = given["metric_key"]
        metric = self._metrics.read(self._find_run(given)["runId"]).get(name, {"value": []})
        return {"metrics": [describe_point(name, point) for point in metric["value"]]}

    def _log_batch(self, given: Given) -> Given:
        parts = {name: given.get(name) or [] for name in ("metrics", "params", "tags")}
        return self._log(given, **parts)

    def _log(self, given: Given, **parts: list[Given]) -> Given:
        run = self._find_run(given)
        parameters = _read_pairs(parts.get("params"))
        for name, value in parameters.items():
            if run["parameters"].get(name, value) != value:
                raise ValueError(f"{name} is {run['parameters'][name]} already, and cannot become {value}")
        self._runs.change(run["runId"], {"parameters": parameters, "tags": _read_pairs(parts.get("tags"))})
        for point in parts.get("metrics", []):
            when = {"step": int(point.get("step") or 0), "milliseconds": int(point["timestamp"])}
            self._metrics.log(run["runId"], point["key"], float(point["value"]), **when)
        return {}

    def _delete_tag(self, given: Given) -> Given:
        self._runs.drop_tags(self._find_run(given)["runId"], [given["key"]])
        return {}


def _answer(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        given = await request.json() if request.method == "POST" else dict(request.query_params)
        try:
            return JSONResponse(handler(given))
        except LookupError as problem:
            return _refuse(404, "RESOURCE_DOES_NOT_EXIST", problem)
        except FileExistsError as problem:
            return _refuse(400, "RESOURCE_ALREADY_EXISTS", problem)
        except ValueError as problem:
            return _refuse(400, "INVALID_PARAMETER_VALUE", problem)

    return answer


def _refuse(status: int, code: str, problem: Exception) -> Response:
    return JSONResponse({"error_code": code, "message": str(problem.args[0])}, status)


def _read_pairs(pairs: list[Given] | None) -> dict[str, str]:
    return {pair["key"]: str(pair["value"]) for pair in pairs or []}


def _write_time(milliseconds: Any) -> str:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat()
