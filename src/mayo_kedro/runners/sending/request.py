"""What a job is asked to do: job/request.json for us, and job/run.yml for `kedro run --config`."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from mayo_kedro.runners.crossing.crossings import Crossing
from mayo_kedro.runners.crossing.packing import PackedValue
from mayo_kedro.runners.in_job.job_folder import JOB_FOLDER, REQUEST, RUN


class Fingerprints(BaseModel):
    """What has to be the same on both sides.

    Attributes:
        python: minor version, such as "3.11".
        lock: sha256 of requirements.lock.
        code: sha256 over everything that travels but what is in job/.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    python: str
    lock: str
    code: str


class Tracking(BaseModel):
    """Where the job tracks, if not with the service that runs it.

    Attributes:
        uri: of an MLflow server.
        run_id: of a run there that the sender made, a child of its own; None starts one. A job that starts
            again goes on in the same run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    run_id: str | None = None


class JobRequest(BaseModel):
    """What a job is asked to do.

    Attributes:
        env: of the configuration.
        pipelines: by name; none is the default one.
        nodes: names of the nodes to run.
        params: the submitting run's, resolved.
        fingerprints: what has to be the same.
        files: sha256 of everything that travels but what is in job/, by path.
        inputs: values in memory; their files are in job/inputs/.
        outputs: what the nodes make and the sender needs.
        secrets: name with the service's key vault by environment variable.
        environment: environment variables of the job's process; no secrets.
        context: full name of the class that asks the service for secrets, a `JobContext`.
        tracking: None leaves it to what the service and the configuration say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    env: str | None = None
    pipelines: tuple[str, ...] = ()
    nodes: tuple[str, ...]
    params: dict[str, Any] = Field(default_factory=dict)
    fingerprints: Fingerprints
    files: dict[str, str]
    inputs: tuple[PackedValue, ...] = ()
    outputs: tuple[Crossing, ...] = ()
    secrets: dict[str, str] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    context: str = ""
    tracking: Tracking | None = None


def write_request(request: JobRequest, folder: Path) -> None:
    """Write both files.

    Args:
        request: what to do.
        folder: the staged project.
    """
    (folder / JOB_FOLDER).mkdir(exist_ok=True)
    (folder / REQUEST).write_text(request.model_dump_json(indent=1), encoding="utf-8")
    # All text in quotes: Kedro's reader takes 1e5 for a number and other text for a date.
    run = yaml.safe_dump(_describe_run(request), default_style='"', sort_keys=False)
    (folder / RUN).write_text(run, encoding="ascii")


def read_request(folder: Path) -> JobRequest:
    """Read what a job is asked to do.

    Args:
        folder: the unpacked snapshot.
    """
    return JobRequest.model_validate_json((folder / REQUEST).read_text(encoding="utf-8"))


def _describe_run(request: JobRequest) -> dict[str, Any]:
    """The options of `kedro run`; Kedro splits lists of names itself."""
    run = {
        "env": request.env,
        "pipelines": ",".join(request.pipelines),
        "node_names": ",".join(request.nodes),
        "runner": "mayo_kedro.runners.in_job.job_runner.JobRunner",
        "params": request.params,
    }
    return {"run": run}
