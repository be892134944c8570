"""What is checked and set before a job's nodes run; each job is a process in an unpacked snapshot."""

import json
import os

import pytest

from mayo_kedro.runners.crossing.manifest import read_failure
from mayo_kedro.runners.in_job import start
from mayo_kedro.runners.sending.request import Tracking
from mayo_kedro.runners.sending.staging import check_snapshot

from .small_project import make_small_project

NODES = """
import os
import sys
import subprocess
from kedro.pipeline import Node, Pipeline
import mayo_kedro

CHILD = "import small; print(small.__file__)"
KNOWN = ("MAYO_", "MLFLOW_", "MY_", "TF_")


def look_around(value):
    print("the job runs")
    return {
        "value": value,
        "variables": {name: text for name, text in os.environ.items() if name.startswith(KNOWN)},
        "package": mayo_kedro.__file__,
        "folder": os.getcwd(),
        "child": subprocess.check_output([sys.executable, "-c", CHILD], text=True),
    }


def create_pipeline():
    return Pipeline([Node(look_around, "value", "seen", name="look", tags=["gpu"])])
"""

CONTEXT = """
from pathlib import Path
from mayo_kedro.errors import UserError


class FolderOfSecrets:
    run_id = "job"

    def secret(self, name):
        path = Path("secrets") / name
        if not path.exists():
            raise UserError(f"There is no secret {name!r}.", "Send the job again.")
        return path.read_text()
"""

SECRET = "a-value-that-nobody-may-see"


@pytest.fixture
def project(tmp_path):
    made = make_small_project(tmp_path / "project", NODES)
    (made.path / "src/small/context.py").write_text(CONTEXT)
    return made


@pytest.fixture
def send(project, tmp_path):
    def send_job(**fields):
        return project.send(tmp_path / "job", project.make_catalog(value="x"), **fields)

    return send_job


def look(job, **variables):
    result = job.run(**variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return job.read_json("outputs/results/seen.json")


def test_the_job_runs_its_own_code_in_its_own_folder(send):
    job = send()
    check_snapshot(job.folder)
    seen = look(job)
    assert seen["package"] == str(job.folder / "src/mayo_kedro/__init__.py")
    assert seen["child"].strip() == str(job.folder / "src/small/__init__.py")
    assert seen["folder"] == str(job.folder)
    assert seen["variables"]["MAYO_CHECKPOINTS"] == str(job.folder / "outputs/checkpoints")


def change_lock(job):
    (job.folder / "requirements.lock").write_text("kedro==1.6.0\n")


def remove_lock(job):
    (job.folder / "requirements.lock").unlink()


def change_code(job):
    (job.folder / "src/small/nodes.py").write_text(NODES + "\n")


def add_code(job):
    (job.folder / "src/small/more.py").write_text("")


def add_configuration(job):
    (job.folder / "conf/azure/catalog.yml").write_text("")


def remove_code(job):
    (job.folder / "src/small/pipeline_registry.py").unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_lock, "requirements.lock of the job is not the one"),
        (remove_lock, "requirements.lock of the job is not the one"),
        (change_code, "src/small/nodes.py is another"),
        (add_code, "src/small/more.py is too many"),
        (add_configuration, "conf/azure/catalog.yml is too many"),
        (remove_code, "src/small/pipeline_registry.py is missing"),
    ],
)
def test_what_is_not_what_was_submitted_is_refused_in_words(change, words, send):
    job = send()
    change(job)
    result = job.run()
    assert result.returncode == start.REFUSED
    assert words in result.stderr
    assert "Submit again" in result.stderr
    assert "Traceback" not in result.stderr
    assert "the job runs" not in result.stdout
    assert words in read_failure(job.folder).message


def test_another_version_of_python_is_refused(send):
    job = send()
    request = job.read_json("job/request.json")
    request["fingerprints"]["python"] = "3.7"
    (job.folder / "job/request.json").write_text(json.dumps(request))
    result = job.run()
    assert result.returncode == start.REFUSED
    assert "submitted with 3.7" in result.stderr


def test_a_refusal_needs_no_package(send):
    job = send()
    change_lock(job)
    without_packages = job.run("/usr/bin/env", "-i", os.path.realpath("/proc/self/exe"), "-I", "-S")
    assert without_packages.returncode == start.REFUSED, without_packages.stderr


def test_secrets_reach_the_process_and_no_file(send):
    job = send(context="small.context.FolderOfSecrets", secrets={"MY_TOKEN": "token-of-this-job"})
    (job.folder / "secrets").mkdir()
    (job.folder / "secrets/token-of-this-job").write_text(SECRET)
    seen = look(job)
    assert seen["variables"]["MY_TOKEN"] == SECRET
    holders = [
        path.name
        for path in job.folder.rglob("*.*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert holders == ["seen.json"], "only what the node itself has written"


@pytest.mark.slow
def test_a_missing_secret_ends_the_job_in_words(send):
    job = send(context="small.context.FolderOfSecrets", secrets={"MY_TOKEN": "gone"})
    result = job.run()
    assert result.returncode == 1
    assert "There is no secret 'gone'." in result.stderr
    assert "Traceback" not in result.stderr
    assert read_failure(job.folder).type == "UserError"


INJECTED = {
    "MLFLOW_TRACKING_URI": "azureml://host",
    "MLFLOW_TRACKING_TOKEN": "token",
    "MLFLOW_RUN_ID": "job",
    "MLFLOW_EXPERIMENT_ID": "1",
    "MLFLOW_EXPERIMENT_NAME": "experiment",
}


def test_what_the_service_says_of_tracking_is_dropped_where_the_job_tracks_elsewhere(send):
    job = send(
        tracking=Tracking(uri="https://elsewhere/o/n.mlflow", run_id="abc"), environment={"MY_NAME": "1"}
    )
    variables = look(job, **INJECTED)["variables"]
    tracking = {name: value for name, value in variables.items() if name.startswith("MLFLOW_")}
    assert tracking == {"MLFLOW_TRACKING_URI": "https://elsewhere/o/n.mlflow", "MLFLOW_RUN_ID": "abc"}
    assert variables["MY_NAME"] == "1"


@pytest.mark.slow
def test_it_stays_where_the_job_tracks_with_the_service(send):
    assert INJECTED.items() <= look(send(), **INJECTED)["variables"].items()


WORKERS = ["a:1", "b:1"]


@pytest.mark.parametrize(
    ("cluster", "task", "chief"),
    [
        (None, None, True),
        ({"worker": WORKERS}, {"type": "worker", "index": 0}, True),
        ({"worker": WORKERS}, {"type": "worker", "index": 1}, False),
        ({"chief": ["c:1"], "worker": WORKERS}, {"type": "chief", "index": 0}, True),
        ({"chief": ["c:1"], "worker": WORKERS}, {"type": "worker", "index": 0}, False),
        ({"worker": WORKERS, "ps": ["p:1"]}, {"type": "ps", "index": 0}, False),
        ({"worker": WORKERS, "evaluator": ["e:1"]}, {"type": "evaluator", "index": 0}, False),
    ],
)
def test_one_of_several_machines_is_the_chief(cluster, task, chief, monkeypatch):
    text = json.dumps({"cluster": cluster, "task": task}) if cluster else ""
    monkeypatch.setenv("TF_CONFIG", text)
    assert start.is_chief() is chief


@pytest.mark.slow
@pytest.mark.parametrize("env", [None, "azure"])
def test_the_environment_of_the_configuration_is_the_senders(env, send):
    assert look(send(env=env, pipelines=("other",)))["value"] == "x"
