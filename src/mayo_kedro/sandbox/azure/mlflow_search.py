"""MLflow's own way to find and sort runs; importing this imports MLflow."""

from typing import Any

from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import SearchUtils

__all__ = ["search"]

MOST = 1000


def search(runs: list[dict[str, Any]], given: dict[str, Any]) -> tuple[list[str], str]:
    """The ids of the runs that fit, a page of them.

    Args:
        runs: in the words of MLflow.
        given: the client's `filter`, `order_by`, `max_results` and `page_token`.

    Returns:
        The ids, and the token of the next page, "" for none.

    Raises:
        ValueError: the filter or the order cannot be read.
    """
    try:
        entities = SearchUtils.filter([_make_entity(run) for run in runs], given.get("filter"))
        ordered = SearchUtils.sort(entities, given.get("order_by"))
    except MlflowException as problem:
        raise ValueError(problem.message) from None
    most = int(given.get("max_results") or MOST)
    page, token = SearchUtils.paginate(ordered, given.get("page_token") or None, most)
    return [run.info.run_id for run in page], token or ""


def _make_entity(run: dict[str, Any]) -> Run:
    data = run["data"]
    metrics = [
        Metric(one["key"], float(one["value"]), one["timestamp"], one["step"]) for one in data["metrics"]
    ]
    parameters = [Param(one["key"], one["value"]) for one in data["params"]]
    tags = [RunTag(one["key"], one["value"]) for one in data["tags"]]
    info = {name: value for name, value in run["info"].items() if name != "run_uuid"}
    return Run(RunInfo(**info), RunData(metrics, parameters, tags))
