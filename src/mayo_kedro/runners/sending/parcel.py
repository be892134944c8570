"""All that a job needs, gathered in a folder, with the order for the service."""

import copy
import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from kedro.io import DataCatalog

from mayo_kedro.errors import UserError
from mayo_kedro.runners.backends import JOB_CONTEXT, describe_environment
from mayo_kedro.runners.crossing.crossings import Boundary, Way
from mayo_kedro.runners.crossing.packing import pack
from mayo_kedro.runners.crossing.resolved_parameters import merge
from mayo_kedro.runners.grouping import NodeGroup
from mayo_kedro.runners.in_job.job_folder import COMMAND, INPUTS
from mayo_kedro.runners.job import JobSpec
from mayo_kedro.runners.machine_settings import MACHINES_TAG
from mayo_kedro.runners.run_context import RunContext
from mayo_kedro.runners.sending.cluster_key import CLUSTER_KEY, make_cluster_key
from mayo_kedro.runners.sending.fingerprints import hash_listing
from mayo_kedro.runners.sending.request import JobRequest, write_request
from mayo_kedro.runners.sending.staging import check_snapshot, stage_project
from mayo_kedro.runners.settings import SETTINGS_FILE, AzureMLSettings
from mayo_kedro.runners.tracking import TrackedRun, describe_server, tracked_child

_NOT_DECIDING = "conf/*/azureml*.yml"

FINGERPRINT_TAG = "mayo_fingerprint"

OF_THIS_RUN = ("mlflow_run_id", "resume")
"""Parameters that are no job's: which run is tracked here, and whether a finished job will do."""

UNTRACKED = "MAYO_UNTRACKED"
"""Set in a job that must not track, since it cannot reach the server or another machine does it."""

IN_A_JOB = {
    "COLUMNS": "160",  # its log is read elsewhere
    "KEDRO_DISABLE_TELEMETRY": "1",
    "KEDRO_LOGGING_CONFIG": "conf/logging_in_a_job.yml",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True)
class Parcel:
    """A job that is ready to be sent.

    Attributes:
        spec: the order for the service.
        secrets: values by their names with the service's key vault; never written anywhere else.
        fingerprint: the same for jobs that would do the same.
        tracked: the job's run in MLflow; None if it has none.
    """

    spec: JobSpec
    secrets: Mapping[str, str]
    fingerprint: str
    tracked: TrackedRun | None

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Parcel({self.spec.run_id})"


def pack_job(
    group: NodeGroup,
    boundary: Boundary,
    catalog: DataCatalog,
    context: RunContext,
    settings: AzureMLSettings,
    folder: Path,
) -> Parcel:
    """Gather code, configuration, inputs and request of a group of nodes.

    Args:
        group: the nodes.
        boundary: how its datasets travel; all inputs are there by now.
        catalog: of the run.
        context: of the run.
        settings: of the jobs.
        folder: an empty folder, which is then sent.

    Raises:
        UserError: something can't or must not travel.
    """
    run_id, machines = _make_run_id(group), settings.machines(group.tag)
    staged = stage_project(context.project, folder, boundary.data_files)
    packed = [
        pack(catalog.load(crossing.name), folder / INPUTS, crossing.name)
        for crossing in boundary.inputs
        if crossing.way is Way.PACKED
    ]
    values = read_secrets(settings)
    if machines.node_count > 1:
        values[CLUSTER_KEY] = make_cluster_key()
    request = JobRequest(
        env=context.environment,
        pipelines=tuple(context.pipelines),
        nodes=tuple(node.name for node in group.nodes),
        params=_describe_parameters(context, boundary),
        fingerprints=staged.fingerprints,
        files=staged.files,
        inputs=tuple(packed),
        outputs=boundary.outputs,
        secrets={variable: f"{run_id}-{variable}" for variable in values},
        environment=dict(context.job_variables()),
        context=JOB_CONTEXT,
    )
    fingerprint = _fingerprint(request, machines.node_count)
    with tracked_child(group.name, run_id) as tracked:
        environment = {**request.environment, **IN_A_JOB, "MAYO_JOB": run_id}
        environment |= {} if tracked else {UNTRACKED: "1"}
        complete = {"tracking": describe_server(tracked), "environment": environment}
        write_request(request.model_copy(update=complete), folder)
        check_snapshot(folder, settings.secrets)
    spec = JobSpec(
        run_id=run_id,
        experiment=settings.experiment,
        command=COMMAND,
        source=folder,
        environment=describe_environment(context.project, settings),
        compute=machines.compute_spec,
        tags={FINGERPRINT_TAG: fingerprint, "mayo_nodes": ",".join(request.nodes), MACHINES_TAG: group.tag},
        max_seconds=machines.max_seconds,
        node_count=machines.node_count,
    )
    named = {request.secrets[variable]: value for variable, value in values.items()}
    return Parcel(spec, named, fingerprint, tracked)


def _describe_parameters(context: RunContext, boundary: Boundary) -> dict[str, Any]:
    """What the nodes read, and what was given with `--params`: the configuration may read that too."""
    given = {name: value for name, value in context.parameters.items() if name not in OF_THIS_RUN}
    parameters = copy.deepcopy(given)
    merge(parameters, boundary.parameters)
    return parameters


def read_secrets(settings: AzureMLSettings) -> dict[str, str]:
    """The secrets that a job needs, by environment variable.

    Raises:
        UserError: a variable is not set.
    """
    missing = [name for name in settings.secrets if not os.environ.get(name)]
    if missing:
        raise UserError(
            f"{', '.join(missing)} is not set, and {SETTINGS_FILE} names it among the secrets of a job.",
            "Set it in the environment, or take it from `secrets` there if the job does not need it.",
        )
    return {name: os.environ[name] for name in settings.secrets}


def _make_run_id(group: NodeGroup) -> str:
    """Ours, so that a submission can be repeated; the time sorts, the last part tells jobs apart."""
    name = re.sub(r"\W+", "_", group.nodes[0].name, flags=re.ASCII)[:60]
    return f"{name}_{int(time.time())}_{secrets.token_hex(4)}"


def _fingerprint(request: JobRequest, node_count: int) -> str:
    """Of what decides the outcome: code, configuration, inputs, parameters, lock, the data's commit.

    Where and how long a job may run does not: to ask for `resume` must not change the fingerprint.
    """
    aside: Any = {"secrets": True, "files": True, "fingerprints": {"code"}}
    deciding = json.dumps(request.model_dump(mode="json", exclude=aside), sort_keys=True)
    files = {path: digest for path, digest in request.files.items() if not fnmatch(path, _NOT_DECIDING)}
    return hash_listing({**files, "request": deciding, "nodes": str(node_count)})
