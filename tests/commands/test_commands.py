"""`kedro azure`: what each command prints, its exit code, and that a mistake is told without a traceback."""

import json

import pytest

from .conftest import note

COMMANDS = ("attach", "cancel", "doctor", "download", "files", "logs", "metrics", "status")


def test_without_a_command_all_are_listed_and_none_of_them_imports_the_sdk(project):
    result = project.python("-X", "importtime", "-m", "kedro", "azure", "--help")
    assert result.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout, name
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "mayo_kedro.commands.connection" in imported
    assert not {
        name for name in imported if name.split(".")[0] in ("tensorflow", "dagshub") or name == "azureml.core"
    }


def test_a_wrong_call_has_exit_code_2(project):
    result = project.kedro("azure", "logs", "--backwards")
    assert result.returncode == 2
    assert "No such option" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("files",), "No job has been sent from"),
        (("status", "x", "--env", "nowhere"), "There is no environment 'nowhere'"),
        (("logs", "no_such_job"), "no_such_job"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(commanded, arguments, told):
    result = commanded.kedro("azure", *arguments)
    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_a_part_of_an_id_will_do_if_it_is_the_only_one(commanded, finished_job):
    note(commanded.path, finished_job)
    result = commanded.kedro("azure", "files", finished_job[-12:])
    assert result.returncode == 0, result.stderr
    assert {"outputs/deep/model.bin", "outputs/words.txt"} <= set(result.stdout.split())
    note(commanded.path, f"{finished_job[:-4]}_twin")
    assert "is a part of 2 ids" in commanded.kedro("azure", "files", finished_job[:14]).stderr


def test_the_shell_completes_ids(project):
    note(project.path, "mayo_1")
    note(project.path, "mayo_2", "2026-11-24T13:00:00+00:00")
    asked = {"_KEDRO_COMPLETE": "bash_complete", "COMP_WORDS": "kedro azure logs ma", "COMP_CWORD": "3"}
    code = "import sys; from kedro.framework.cli.cli import main; sys.argv[0] = 'kedro'; main()"
    result = project.python("-c", code, **asked)
    assert [line.split(",")[1] for line in result.stdout.splitlines()] == ["mayo_2", "mayo_1"]


def test_status_of_a_job_and_of_all(commanded, finished_job):
    note(commanded.path, finished_job)
    one = commanded.kedro("azure", "status", finished_job)
    assert one.returncode == 0, one.stderr
    assert "State:    Completed" in one.stdout
    assert "Cluster gpu-cluster: " in one.stdout
    listed = commanded.kedro("azure", "status")
    assert listed.returncode == 0, listed.stderr
    assert [line for line in listed.stdout.splitlines() if finished_job in line and "Completed" in line]


def test_logs_leave_out_events_and_secrets(commanded, finished_job):
    result = commanded.kedro("azure", "logs", finished_job, DAGSHUB_USER_TOKEN="s3-cret")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[:2] == ["starts", "the token is ***"]


def test_metrics_are_json(commanded, finished_job):
    result = commanded.kedro("azure", "metrics", finished_job)
    assert json.loads(result.stdout) == {"auc": 0.5, "loss": [0.7, 0.6]}


def test_download_brings_the_chosen_files(commanded, finished_job):
    result = commanded.kedro("azure", "download", finished_job, "--path", "outputs/*.bin", "--to", "here")
    assert result.returncode == 0, result.stderr
    assert (commanded.path / "here/outputs/deep/model.bin").read_bytes() == bytes(range(256)) * 100
    assert [path.name for path in (commanded.path / "here").rglob("*") if path.is_file()] == ["model.bin"]


@pytest.mark.slow
def test_a_job_is_cancelled_once(commanded, send):
    run_id = send("import time; time.sleep(60)", wait=False)
    first = commanded.kedro("azure", "cancel", run_id)
    assert first.returncode == 0, first.stderr
    watched = commanded.kedro("azure", "logs", run_id, "--follow")
    assert watched.returncode == 1, watched.stdout
    assert "Canceled" in watched.stdout + watched.stderr
    assert "is over: Canceled" in commanded.kedro("azure", "cancel", run_id).stdout
    assert commanded.kedro("azure", "status", run_id).returncode == 1


@pytest.mark.slow
def test_a_service_that_is_out_of_reach_is_told_of(commanded):
    elsewhere = {
        "ARM_CLOUD_METADATA_URL": "https://127.0.0.1:9/metadata",
        "AZURE_CONFIG_DIR": str(commanded.path),
    }
    result = commanded.kedro("azure", "metrics", "some_job", **elsewhere)
    assert result.returncode == 1
    assert "Traceback" not in result.stdout + result.stderr
