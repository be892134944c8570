"""Experiments over REST."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.queries import parse_filter
from mayo_kedro.sandbox.azure.runs import Runs

__all__ = ["EXPERIMENTS", "ROOT", "Experiments", "answer_page"]

ROOT = "/history/v1.0/workspace"
# an experiment goes by its name or its id
EXPERIMENTS = (f"{ROOT}/experiments/{{experiment}}", f"{ROOT}/experimentids/{{identity}}")


def answer_page(values: list[dict[str, Any]], top: Any) -> Response:
    """The first page of a list, which is the only one; `top` is how many the client wants, if it says so."""
    return JSONResponse({"value": values[: int(top)] if top else values, "continuationToken": None})


class Experiments:
    """The routes.

    Args:
        runs: the history.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.routes = [
            Route(f"{ROOT}/experiments:query", self._query, methods=["POST"]),
            Route(EXPERIMENTS[0], self._make, methods=["POST"]),
            *(Route(place, self._show) for place in EXPERIMENTS),
            Route(EXPERIMENTS[1], self._change, methods=["PATCH"]),
        ]

    async def _make(self, request: Request) -> Response:
        return JSONResponse(self._runs.open_experiment(request.path_params["experiment"]))

    async def _show(self, request: Request) -> Response:
        return JSONResponse(self._find(request))

    async def _change(self, request: Request) -> Response:
        experiment, given = self._find(request), await request.json()
        experiment["tags"] = {**experiment["tags"], **(given.get("tags") or {})}
        if given.get("description"):
            experiment["description"] = given["description"]
        self._runs.keep_experiment(experiment)
        return JSONResponse(experiment)

    async def _query(self, request: Request) -> Response:
        given = await request.json()
        test = parse_filter(given.get("filter") or "")
        return answer_page([one for one in self._runs.list_experiments() if test(one)], given.get("top"))

    def _find(self, request: Request) -> dict[str, Any]:
        given = request.path_params
        name, identity = given.get("experiment", ""), given.get("identity", "")
        found = self._runs.find_experiment(name=name, identity=identity)
        if found is None:
            raise HTTPException(404, f"there is no experiment {name or identity}")
        return found
