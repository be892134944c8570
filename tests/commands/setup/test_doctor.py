"""`kedro doctor`: a line for each part of the set-up, its remedy, and the exit code."""

import json
import shutil

import pytest
import yaml

from tests.commands.test_doctor import findings
from tests.conftest import ROOT

HERE = ("Python", "Packages", "Disk", "Memory", "Parameters")
DATA = ("Repository", "MLflow", "Table", "Images", "Weights")


@pytest.fixture
def cared_for(project, slide_sandbox):
    """A project with its lock, and the way to the repository."""
    shutil.copy(ROOT / "requirements.lock", project.path)
    project.variables |= {
        "DAGSHUB_CLIENT_HOST": slide_sandbox.host,
        "DAGSHUB_USER_TOKEN": slide_sandbox.token,
    }
    return project


def configure(project, **settings):
    (project.path / "conf" / "local" / "globals.yml").write_text(yaml.safe_dump(settings))


REPOSITORY = {"owner": "ann", "name": "slides"}


def test_each_part_that_is_wrong_is_told_with_its_remedy(cared_for):
    path = cared_for.path
    configure(cared_for, repository=REPOSITORY, images={"table": "slides.csv", "folder": "scans"})
    settings = (path / "pyproject.toml").read_text()
    (path / "pyproject.toml").write_text(
        settings.replace('requires-python = "', 'requires-python = ">=3.99,')
    )
    (path / "requirements.lock").write_text("numpy==0.1 \\\n    --hash=x\nnever-made-package==1.0\n")
    (path / "data").write_text("a file in the folder's place")
    (path / "mlflow.db").write_text("no database")
    parameters = {"modelling": {"batch_size": 0, "weights": "absent.h5"}}
    (path / "conf" / "local" / "parameters_modelling.yml").write_text(yaml.safe_dump(parameters))
    result = cared_for.kedro("doctor", "--json")
    assert result.returncode == 1, result.stderr
    told = {(one["subject"], one["level"]): one for one in json.loads(result.stdout)}
    for expected in (
        ("Python", "wrong", "3.99", "remove .venv"),
        ("Packages", "wrong", "never-made-package 1.0", "--require-hashes"),
        ("Packages", "warning", "instead of 0.1", "--require-hashes"),
        ("Disk", "wrong", "for results, can't be written", "folder that you may write to"),
        ("Parameters", "wrong", "modelling.batch_size = 0", "parameters_modelling.yml"),
        ("Repository", "ok", "ann/slides on http://127.0.0.1", ""),
        ("MLflow", "wrong", "mlflow.db can't be written", "move it away"),
        ("Table", "wrong", "no column 'image_id'", "columns.image"),
        ("Images", "wrong", "no column 'image_id'", "columns.image"),
        ("Weights", "wrong", "absent.h5 is not in pretrained_efficientnet", "modelling.weights"),
    ):
        subject, level, said, remedy = expected
        assert said in told[subject, level]["said"], told
        assert remedy in told[subject, level]["remedy"], told
    assert cared_for.variables["DAGSHUB_USER_TOKEN"] not in result.stdout + result.stderr


@pytest.mark.slow
def test_a_refused_token_leaves_out_what_it_would_read(cared_for):
    configure(cared_for, repository=REPOSITORY)
    result = cared_for.kedro("doctor", DAGSHUB_USER_TOKEN="hunter2hunter2")
    assert result.returncode == 1
    levels = findings(result.stdout)
    assert levels["Repository"] == "wrong"
    assert not {"Table", "Images", "Weights"} & set(levels)
    assert "/user/settings/tokens" in result.stdout
    assert "1 of " in result.stdout
    assert "hunter2" not in result.stdout + result.stderr


@pytest.mark.slow
def test_without_a_repository_the_stand_in_is_not_started(cared_for):
    cared_for.variables.pop("DAGSHUB_CLIENT_HOST")
    result = cared_for.kedro("doctor")
    assert result.returncode == 0, result.stdout + result.stderr
    assert findings(result.stdout) == dict.fromkeys((*HERE, "Repository", "MLflow"), "ok")
    assert "Everything is set up." in result.stdout
    configure(cared_for, images={"table": "slides.csv"})
    result = cared_for.kedro("doctor")
    assert findings(result.stdout)["Repository"] == "warning"
    assert "--seed FOLDER" in result.stdout
    assert not (cared_for.path / ".sandbox").exists()


@pytest.mark.slow
def test_a_misspelt_environment_is_told(cared_for):
    result = cared_for.kedro("doctor", "--env", "locla")
    assert result.returncode == 1
    assert "There is no environment 'locla'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_what_jobs_need_is_looked_at_where_they_are_sent(commanded):
    for lock in ROOT.glob("requirements*.lock"):
        shutil.copy(lock, commanded.path)
    shutil.copytree(ROOT / "src", commanded.path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    result = commanded.kedro("doctor", "--env", "azure")
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = ("Settings", "Locks", "Secrets", "Snapshot", "Workspace", "Cluster", "Container")
    assert findings(result.stdout) == dict.fromkeys((*HERE, *DATA, *jobs), "ok")
    assert result.stdout.count("MLflow:") == 1


@pytest.mark.slow
def test_a_data_set_that_was_set_up_passes_and_runs(cared_for):
    made = cared_for.kedro("init", "--repository", "ann/slides", "--env", "mine", "--weights", "none")
    assert made.returncode == 0, made.stdout + made.stderr
    result = cared_for.kedro("doctor", "--env", "mine")
    assert result.returncode == 0, result.stdout + result.stderr
    assert findings(result.stdout) == dict.fromkeys((*HERE, *DATA), "ok")
    tiny = "modelling.image_size=64,modelling.frozen_epochs=1,modelling.fine_tune_epochs=1,modelling.folds=0"
    run = cared_for.kedro("run", "--env", "mine", "--params", f"{tiny},reporting.bootstrap_samples=50")
    assert run.returncode == 0, run.stdout + run.stderr
    metrics = json.loads((cared_for.path / "data" / "08_reporting" / "metrics.json").read_text())
    assert 0 <= metrics["patient_auc"] <= 1
