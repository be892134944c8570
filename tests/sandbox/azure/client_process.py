"""A process of a user's: the real SDK, which reads variables when it is imported, and a note of connections.

Each line on stdin is a JSON string, Python to run; the answer is one line too: its `result`, or its error.
"""

import contextlib
import io
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

CONNECTED: set[str] = set()
ENDED = ("Completed", "Failed", "Canceled")


def note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        CONNECTED.add(str(arguments[1][0]))
    if event == "socket.getaddrinfo":
        CONNECTED.add(str(arguments[0]))


def open_workspace(**changes: str) -> Any:
    """The workspace as a user opens it, by the SDK's own variables; some of these may be wrong."""
    from azureml.core import Workspace
    from azureml.core.authentication import ServicePrincipalAuthentication

    given = {**os.environ, **changes}
    principal = ServicePrincipalAuthentication(
        given["AZUREML_SERVICE_PRINCIPAL_TENANT_ID"],
        given["AZUREML_SERVICE_PRINCIPAL_ID"],
        given["AZUREML_SERVICE_PRINCIPAL_PASSWORD"],
    )
    return Workspace.get(
        given["AZUREML_ARM_WORKSPACE_NAME"],
        auth=principal,
        subscription_id=given["AZUREML_ARM_SUBSCRIPTION"],
        resource_group=given["AZUREML_ARM_RESOURCEGROUP"],
    )


def make_cluster(workspace: Any, name: str, nodes: int = 2, idle_seconds: int = 120) -> Any:
    from azureml.core.compute import AmlCompute, ComputeTarget

    settings = AmlCompute.provisioning_configuration(
        "STANDARD_NC6",
        vm_priority="lowpriority",
        min_nodes=0,
        max_nodes=nodes,
        idle_seconds_before_scaledown=idle_seconds,
    )
    cluster = ComputeTarget.create(workspace, name, settings)
    cluster.wait_for_completion()
    return cluster


def submit(
    workspace: Any, files: dict[str, str], *command: str, run_id: str | None = None, **settings: Any
) -> Any:
    """Send a folder with these files, and run a command in it; `python main.py` if none is given."""
    import tempfile

    from azureml.core import Environment, Experiment, ScriptRunConfig

    environment = Environment.from_dockerfile("rehearsed", "FROM scratch")
    environment.python.user_managed_dependencies = True
    environment.environment_variables = settings.pop("variables", {})
    given = {"compute_target": "gpu", "max_run_duration_seconds": 60, "environment": environment, **settings}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            place = Path(folder, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
        run = ScriptRunConfig(folder, command=list(command) or ["python", "main.py"], **given)
        identity = {"run_id": run_id} if run_id else {}
        return Experiment(workspace, "tries").submit(run, **identity)


def wait(run: Any, *statuses: str) -> str:
    """Wait until a run has one of these statuses, or has ended."""
    import time

    deadline = time.monotonic() + 120
    while (status := run.get_status()) not in (*statuses, *ENDED):
        if time.monotonic() > deadline:
            raise TimeoutError(status)
        time.sleep(0.05)
    return str(status)


def read_log(run: Any, name: str = "user_logs/std_log.txt") -> str:
    import requests

    return requests.get(run.get_details()["logFiles"][name], timeout=60).text


def serve() -> None:
    sys.addaudithook(note)
    os.environ.update(
        AZUREML_DEFAULT_503_BACKOFF="0", AZUREML_DEFAULT_500_BACKOFF="0", AZUREML_DEFAULT_RETRIES="1"
    )
    answers, sys.stdout = sys.stdout, sys.stderr
    known = globals()
    for line in sys.stdin:
        known["result"] = None
        answer: dict[str, Any] = {}
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                exec(json.loads(line), known)
            answer = {"result": known["result"]}
        except BaseException as problem:
            answer = {
                "error": type(problem).__name__,
                "message": tell(problem),
                "trace": traceback.format_exc(),
            }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def tell(problem: BaseException) -> str:
    try:
        return str(problem)
    except TypeError:  # of the SDK's own errors, some cannot be printed
        return repr(problem.args)


if __name__ == "__main__":
    serve()
