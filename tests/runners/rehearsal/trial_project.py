"""The trial project, and what is looked up in it."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent

CATALOG = {
    "trial_input": {"type": "pandas.CSVDataset", "filepath": "data/01_raw/trial_input.csv"},
    "trial_result": {"type": "pandas.CSVDataset", "filepath": "data/07_model_output/trial_result.csv"},
    "trial_half": {"type": "pandas.CSVDataset", "filepath": "data/07_model_output/trial_half.csv"},
    "trial_conclusion": {"type": "json.JSONDataset", "filepath": "data/08_reporting/trial_conclusion.json"},
    "trial_outside": {"type": "pandas.CSVDataset", "filepath": "/srv/elsewhere/table.csv"},
}
PARAMETERS = {"trial": {"rows": 5, "factor": 2, "steps": 4, "epochs": 4, "seconds": 3}}

NOTING_HOOKS = '''
import json as _json
import os as _os

from kedro.framework.hooks import hook_impl as _hook_impl


class NotingHooks:
    """Notes which nodes ran, with which results, where."""

    @_hook_impl
    def before_pipeline_run(self, run_params):
        with open("runners.txt", "a") as file:
            print(run_params["runner"], file=file)

    @_hook_impl
    def after_node_run(self, node, outputs):
        line = {"ran": node.name, "outputs": {name: repr(value) for name, value in outputs.items()}}
        with open("hooks.jsonl", "a") as file:
            print(_json.dumps(line), file=file)

    @_hook_impl
    def on_node_error(self, error, node):
        with open("hooks.jsonl", "a") as file:
            print(_json.dumps({"failed": node.name}), file=file)


HOOKS = (*HOOKS, NotingHooks())
'''


@dataclass
class TrialProject:
    """A project that sends its jobs to the sandbox."""

    path: Path
    service: Any
    state: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    first: Any = None

    def kedro(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a Kedro command to its end."""
        running = self.start(*arguments, **variables)
        output, errors = running.communicate(timeout=300)
        return subprocess.CompletedProcess(arguments, running.returncode, output, errors)

    def run(self, pipeline: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a pipeline that sends jobs."""
        return self.kedro("run", "--pipeline", pipeline, "--env", "azure", *arguments, **variables)

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Start a Kedro command."""
        # A shell's background job, such as a CI may run the tests as, ignores Ctrl-C, and so do its children.
        command = ["env", "--default-signal=INT", sys.executable, "-m", "kedro", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: text for name, text in os.environ.items() if not name.startswith(("DAGSHUB", "MAYO_"))}
        return {
            **clean,
            "COLUMNS": "150",
            "NO_COLOR": "1",
            "PYTHONPATH": str(self.path / "src"),
        } | self.variables

    @contextmanager
    def started(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """Run a pipeline that sends jobs, and have it ended in any case."""
        with self.started_command("run", "--env", "azure", "--pipeline", *arguments) as running:
            yield running

    @contextmanager
    def started_command(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """Run a command, and have it ended in any case."""
        running = self.start(*arguments)
        try:
            yield running
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.communicate()

    def read_until(self, running: "subprocess.Popen[str]", text: str) -> None:
        """Read what a command says until it has said something."""
        said = []
        for line in running.stdout:
            said.append(line)
            if text in line:
                return
        raise AssertionError("".join(said) + running.stderr.read())

    def change(self, file: str, **settings: Any) -> None:
        """Change settings in a file of conf/azure."""
        path = self.path / "conf" / "azure" / file
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **settings}))

    def track_on_dagshub(self) -> None:
        """Track with the server beside the repository, as the project does by itself."""
        self.change("globals.yml", mlflow_server="dagshub")

    def read(self, path: str) -> Any:
        """A JSON file of the project."""
        return json.loads((self.path / path).read_text())

    @property
    def conclusion(self) -> Any:
        return self.read("data/08_reporting/trial_conclusion.json")

    @property
    def noted(self) -> list[dict[str, Any]]:
        """What the hooks noted here."""
        return [json.loads(line) for line in (self.path / "hooks.jsonl").read_text().splitlines()]

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was sent from here, the first first."""
        found = [json.loads(path.read_text()) for path in (self.path / ".jobs").glob("*.json")]
        return sorted(found, key=lambda record: (record["submitted"], record["run_id"]))

    def ask(self, path: str) -> Any:
        """Ask the workspace of the service for something, below history/, credential/ and the like."""
        azure, given = self.service.azure, self.service.azure.variables
        scope = (
            f"/subscriptions/{azure.subscription}/resourceGroups/{azure.group}/providers"
            f"/Microsoft.MachineLearningServices/workspaces/{azure.workspace}"
        )
        trusting = {"verify": given["SSL_CERT_FILE"], "timeout": 20}
        login = {
            "grant_type": "client_credentials",
            "client_id": given["AZUREML_SERVICE_PRINCIPAL_ID"],
            "client_secret": given["AZUREML_SERVICE_PRINCIPAL_PASSWORD"],
            "scope": f"{azure.host}/.default",
        }
        token = requests.post(f"{azure.host}/adfs/oauth2/token", login, **trusting).json()["access_token"]
        answer = requests.get(
            azure.host + path.format(scope=scope), headers={"Authorization": f"Bearer {token}"}, **trusting
        )
        answer.raise_for_status()
        return answer.json()

    def status(self, run_id: str) -> str:
        """A job's status in the words of the service."""
        return self.ask(f"/history/v1.0{{scope}}/runs/{run_id}")["status"]

    def list_artifacts(self, run_id: str) -> list[str]:
        """The files of a job that the service keeps."""
        found = self.ask(f"/artifact/v2.0{{scope}}/artifacts/ExperimentRun/dcid.{run_id}")
        return [one["path"] for one in found["value"]]

    @property
    def secrets(self) -> list[str]:
        """The names of what is in the key vault."""
        return [one["name"] for one in self.ask("/credential/v2.0{scope}/secrets")["value"]]

    def count_submissions(self) -> int:
        """How often the service was asked to run something."""
        counted = self.service.azure.counts()["paths"]
        return sum(number["requests"] for path, number in counted.items() if path.endswith("/snapshotrun"))

    def count_jobs(self) -> int:
        """How many the service has."""
        return len(list((self.state / "azure" / "runs").iterdir()))

    def ask_mlflow(self, what: str, how: str = "POST", **question: Any) -> Any:
        """Ask the MLflow server beside the repository."""
        service = self.service
        address = f"{service.host}/{service.owner}/{service.name}.mlflow/api/2.0/mlflow/{what}"
        given = {"json": question} if how == "POST" else {"params": question}
        answer = requests.request(how, address, auth=(service.owner, service.token), timeout=30, **given)
        answer.raise_for_status()
        return answer.json()

    def find_runs(self) -> dict[str, Any]:
        """The runs of that server, by id."""
        experiments = self.ask_mlflow("experiments/search", max_results=100)["experiments"]
        ids = [one["experiment_id"] for one in experiments]
        found = self.ask_mlflow("runs/search", experiment_ids=ids, max_results=1000)["runs"]
        return {run["info"]["run_id"]: run for run in found}

    def read_history(self, metric: str) -> list[tuple[int, float]]:
        """Steps and values of a metric of the job that was sent last."""
        run = self.records[-1]["job_tracked_run"]
        found = self.ask_mlflow("metrics/get-history", "GET", run_id=run, metric_key=metric)
        return [(int(one["step"]), one["value"]) for one in found["metrics"]]

    def tracked(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database of the runs that are tracked here."""
        with sqlite3.connect(self.path / "mlflow.db") as store:
            return store.execute(query).fetchall()


def copy_trial(target: Path, tracking_store: Path, service: Any, state: Path, home: Path) -> TrialProject:
    """Copy the project, and put the trial's pipelines in place of its own.

    The home folder is shared: by what lies there the SDK knows which files the service has already.
    """
    ignored = shutil.ignore_patterns("local", "__pycache__", "*.egg-info", "credentials.yml.example")
    shutil.copytree(ROOT / "conf", target / "conf", ignore=ignored)
    # What the trial's pipelines do not need would only be sent with each job.
    left_out = shutil.ignore_patterns("*.egg-info", "sandbox", "slides", "reporting")
    shutil.copytree(ROOT / "src", target / "src", ignore=left_out)
    (target / "conf" / "local").mkdir()
    for name in ("pyproject.toml", ".telemetry", *(path.name for path in ROOT.glob("requirements*.lock"))):
        shutil.copy(ROOT / name, target)
    shutil.copy(tracking_store / "mlflow.db", target)
    package = target / "src" / "mayo_kedro"
    shutil.copy(HERE / "trial_pipelines.py", package / "pipeline_registry.py")
    with (package / "settings.py").open("a") as settings:
        settings.write(NOTING_HOOKS)
    (target / "conf/base/catalog_trial.yml").write_text(yaml.safe_dump(CATALOG))
    (target / "conf/base/parameters_trial.yml").write_text(yaml.safe_dump(PARAMETERS))
    project = TrialProject(target, service, state, home, describe_variables(service, home, target / "cache"))
    project.change("globals.yml", mlflow_server=None)
    return project


def describe_variables(service: Any, home: Path, cache: Path) -> dict[str, str]:
    """What a command needs to find the service."""
    from mayo_kedro.sandbox.command import read_exports

    home.mkdir(exist_ok=True)
    return {
        **read_exports(service.host, service.token, f"{service.owner}/{service.name}"),
        **service.azure.variables,
        "HOME": str(home),
        "MAYO_CACHE_DIR": str(cache),
        "AZUREML_DEFAULT_503_BACKOFF": "1",
    }


def wait_until(what: Callable[[], Any], seconds: float = 300) -> Any:
    """Ask until there is an answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := what():
            return answer
        time.sleep(0.1)
    raise AssertionError("it never came")
