"""Runs and experiments in the words of MLflow: one history, two ways to look at it, as in Azure ML."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mayo_kedro.sandbox.azure.metrics import write_number

__all__ = ["PARENT_TAG", "STATUSES", "describe_experiment", "describe_point", "describe_run"]

PARENT_TAG = "mlflow.parentRunId"
ACTIVE = "active"
STATUSES = {"RUNNING": "Running", "FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled"}
TOLD = {
    **{status: name for name, status in STATUSES.items()},
    **dict.fromkeys(("CancelRequested", "Finalizing"), "RUNNING"),
}


def describe_experiment(experiment: Mapping[str, Any], base: str) -> dict[str, Any]:
    """An experiment; `base` is the service's address."""
    return {
        "experiment_id": experiment["experimentId"],
        "name": experiment["name"],
        "artifact_location": f"{base.replace('https://', 'azureml://')}/experiments/{experiment['name']}",
        "lifecycle_stage": ACTIVE,
        "tags": _list_pairs(experiment["tags"]),
    }


def describe_run(run: Mapping[str, Any], metrics: Mapping[str, Any], address: str) -> dict[str, Any]:
    """A run.

    Args:
        run: its record.
        metrics: its metrics by name.
        address: of its experiment's artifacts.
    """
    name = run.get("displayName") or run["runId"]
    parent = {PARENT_TAG: run["parentRunId"]} if run.get("parentRunId") else {}
    tags = {"mlflow.runName": name, "mlflow.rootRunId": run["rootRunId"], **parent, **run["tags"]}
    info = {
        "run_id": run["runId"],
        "run_uuid": run["runId"],
        "run_name": name,
        "experiment_id": run["experimentId"],
        "user_id": "sandbox",
        "status": TOLD.get(run["status"], "SCHEDULED"),
        "start_time": _read_time(run.get("startTimeUtc") or run["createdUtc"]),
        "end_time": _read_time(run.get("endTimeUtc")),
        "artifact_uri": f"{address}/runs/{run['runId']}/artifacts",
        "lifecycle_stage": "deleted" if run.get("hidden") else ACTIVE,
    }
    points = [point for name in metrics if (point := _find_last(name, metrics[name]))]
    data = {"metrics": points, "params": _list_pairs(run["parameters"]), "tags": _list_pairs(tags)}
    return {"info": info, "data": data}


def describe_point(name: str, point: Mapping[str, Any]) -> dict[str, Any]:
    """A point of a metric of one number."""
    value = write_number(point["data"].get(name))
    time = _read_time(point["createdUtc"])
    return {"key": name, "value": value, "step": point.get("step") or 0, "timestamp": time}


def _find_last(name: str, metric: Mapping[str, Any]) -> dict[str, Any] | None:
    points = [point for point in metric["value"] if isinstance(point["data"].get(name), int | float)]
    if not points:
        return None
    return describe_point(name, max(points, key=lambda point: (point.get("step") or 0, point["createdUtc"])))


def _list_pairs(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in pairs.items()]


def _read_time(text: str | None) -> int | None:
    return int(datetime.fromisoformat(text).timestamp() * 1000) if text else None
