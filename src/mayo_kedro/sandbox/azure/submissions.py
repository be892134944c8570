"""Taking runs in: each is made once, however often it is submitted, and becomes a job."""

import os
import re
import threading
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.compute_routes import Computes
from mayo_kedro.sandbox.azure.job import Job, Surroundings
from mayo_kedro.sandbox.azure.processes import read_command
from mayo_kedro.sandbox.azure.refusals import describe_error, refuse
from mayo_kedro.sandbox.azure.runs import ENDED, Runs
from mayo_kedro.sandbox.azure.snapshots import Snapshots

__all__ = ["Submissions"]

ROOT = "/execution/v1.0/workspace/experiments/{experiment}"
STOP_GRACE_S = 0.5
RUN_NAME = re.compile(r"[a-zA-Z0-9][\w-]{0,255}", re.ASCII)
STOPPED = describe_error("ServiceError", "the sandbox was stopped while this ran")


class Submissions:
    """The jobs, and the routes.

    Args:
        computes: where they can run.
        snapshots: what they run.
        runs: the history.
        around: what a job needs.
    """

    def __init__(self, computes: Computes, snapshots: Snapshots, runs: Runs, around: Surroundings) -> None:
        self._computes = computes
        self._snapshots = snapshots
        self._runs = runs
        self._around = around
        self._jobs: dict[str, Job] = {}
        self._end_orphans()
        self._lock = threading.Lock()
        self.routes = [
            Route(f"{ROOT}/snapshotrun", self._submit, methods=["POST"]),
            Route(f"{ROOT}/runId/{{run}}/cancel", self._cancel, methods=["POST"]),
        ]

    def cancel(self, run: str) -> None:
        """Stop a run that has not ended: its job, if it has one."""
        record = self._runs.find(run)
        if record is None or record["status"] in ENDED:
            return
        if job := self._jobs.get(run):
            job.cancel()
        elif "service" not in record:
            self._runs.set_status(run, "Canceled")

    def stop(self) -> None:
        """Stop all jobs, and wait until they have ended."""
        for run, job in self._jobs.items():
            if job.is_alive():
                self._runs.set_status(run, "Canceled", error=STOPPED)
                job.cancel(grace_s=STOP_GRACE_S)
        for job in self._jobs.values():
            job.join()

    def _end_orphans(self) -> None:
        """Say of runs whose service was killed that they have ended."""
        for run in self._runs.find_all():
            if run["status"] not in ENDED and "service" in run and not _is_alive(run["service"]):
                self._runs.set_status(run["runId"], "Canceled", error=STOPPED)

    async def _submit(self, request: Request) -> Response:
        given = await request.json()
        run = request.query_params.get("runId", "")
        if not RUN_NAME.fullmatch(run):
            return refuse(400, f"{run!r} cannot be the id of a run")
        with self._lock:
            return self._take(request.path_params["experiment"], run, given)

    def _take(self, experiment: str, run: str, given: dict[str, Any]) -> Response:
        definition, snapshot = given["Configuration"], given.get("SnapshotId") or ""
        if known := self._runs.find(run):
            return JSONResponse({"runId": known["runId"]})
        target = str(definition.get("target"))
        cluster = self._computes.find(target)
        if cluster is None:
            return refuse(
                400, f"there is no compute target {target} in the workspace", "ComputeTargetNotFound"
            )
        if self._snapshots.find(snapshot) is None:
            return refuse(404, f"there is no snapshot {snapshot}", "SnapshotNotFound")
        try:
            command = read_command(definition)
        except ValueError as problem:
            return refuse(400, str(problem))
        if command.nodes > cluster.maximum:
            message = f"{command.nodes} nodes are asked for, and {target} has no more than {cluster.maximum}"
            return refuse(400, message)
        facts = {
            "runType": "azureml.scriptrun",
            "target": target,
            "definition": definition,
            "snapshot": snapshot,
            "service": os.getpid(),
            "parentRunId": given.get("ParentRunId"),
            "properties": {"_azureml.ComputeTargetType": "amlctrain", "ContentSnapshotId": snapshot},
        }
        self._runs.make(experiment, run, **facts)
        job = self._jobs[run] = Job(run, snapshot, command, cluster, self._around)
        job.start()
        return JSONResponse({"runId": run})

    async def _cancel(self, request: Request) -> Response:
        run = request.path_params["run"]
        if self._runs.find(run) is None:
            return refuse(404, f"there is no run {run}")
        self.cancel(run)
        return JSONResponse({})


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the number is another user's by now
        return False
    return True
