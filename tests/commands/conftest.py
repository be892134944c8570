"""A project whose commands speak to the sandbox's Azure ML, and a job that is over there."""

import json
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

SEND = """
import sys
from mayo_kedro.runners.azure.backend import AzureMLBackend
from mayo_kedro.runners.job import ComputeSpec, EnvironmentSpec, JobSpec
from mayo_kedro.runners.settings import AzureMLSettings
import time
from pathlib import Path

backend = AzureMLBackend(AzureMLSettings())
cluster = ComputeSpec("gpu-cluster", "Standard_NC4as_T4_v3", max_nodes=2)
backend.ensure_compute(cluster)
container = EnvironmentSpec("mayo-kedro-test", "FROM example/image:1\\n")
given = {"PYTHONUNBUFFERED": "1"}
command, source = ["python", "job.py"], Path(sys.argv[2])
backend.submit(JobSpec(sys.argv[1], "commands", command, source, container, cluster, given, {}, 120))
while sys.argv[3] == "wait" and not backend.state(sys.argv[1]).status.is_over:
    time.sleep(0.3)
"""

PROGRAM = """
import os, pathlib
print("starts")
print('MAYO-EVENT {"fold": 0, "stage": "frozen", "epoch": 0, "step": 1, "steps": 2}')
print("the token is " + "-".join(["s3", "cret"]))
pathlib.Path("outputs/deep").mkdir(parents=True)
pathlib.Path("outputs/deep/model.bin").write_bytes(bytes(range(256)) * 100)
pathlib.Path("outputs/words.txt").write_text("words")
from azureml.core import Run
run = Run.get_context()
run.log("auc", 0.5); run.log("loss", 0.7); run.log("loss", 0.6)
run.flush()
"""


@pytest.fixture(scope="session")
def azure(shared_folder: Path, small_sample: Path, worker_id: str):
    """A sandbox of this worker with Azure ML."""
    from mayo_kedro.sandbox.process import start

    (shared_folder / f"commands-home-{worker_id}").mkdir(exist_ok=True)
    with start(shared_folder / f"commands-{worker_id}", seed=small_sample, azure=True) as running:
        yield running


@pytest.fixture(scope="session")
def variables(azure, shared_folder: Path, worker_id: str) -> dict[str, str]:
    """What a command needs to find the sandbox."""
    from mayo_kedro.sandbox.command import read_exports

    exports = read_exports(azure.host, azure.token, f"{azure.owner}/{azure.name}")
    return {
        **exports,
        **azure.azure.variables,
        "HOME": str(shared_folder / f"commands-home-{worker_id}"),
        "AZUREML_DEFAULT_503_BACKOFF": "1",
    }


@pytest.fixture(scope="session")
def send(variables, tmp_path_factory) -> Callable[..., str]:
    """Send a program as a job, and give its id."""

    def send_one(program: str, wait: bool = True) -> str:
        run_id = f"commands_{uuid.uuid4().hex}"
        source = tmp_path_factory.mktemp("job")
        (source / "job.py").write_text(textwrap.dedent(program))
        how = "wait" if wait else "go"
        command = [sys.executable, "-c", SEND, run_id, str(source), how]
        environment = {**os.environ, **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return run_id

    return send_one


@pytest.fixture(scope="session")
def finished_job(send) -> str:
    """A job that has left log, metrics and files."""
    return send(PROGRAM)


@pytest.fixture
def commanded(project, variables):
    """A copy of the project whose commands find the sandbox."""
    project.variables |= variables
    return project


def note(project: Path, run_id: str, submitted: str = "2026-11-24T12:00:00+00:00") -> None:
    """Put down a job as one that was sent from a project."""
    (project / ".jobs").mkdir(exist_ok=True)
    record = {
        "run_id": run_id,
        "kedro_run": "2026-11-24T12.00.00.000Z",
        "group": "train",
        "nodes": ["train_fold_0_node"],
        "submitted": submitted,
        "environment": "azure",
        "pipelines": ["modelling"],
        "parameters": {},
        "remaining": [],
    }
    (project / ".jobs" / f"{run_id}.json").write_text(json.dumps(record))
