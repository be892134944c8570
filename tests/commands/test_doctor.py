"""`kedro azure doctor`: one line for each subject, its remedy, and the exit code."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

HERE = ("Settings", "Python", "Locks", "Secrets", "Snapshot")
ELSEWHERE = ("Repository", "MLflow", "Workspace", "Cluster", "Container")


@pytest.fixture
def complete(commanded):
    """A project with all that travels."""
    shutil.copytree(ROOT / "src", commanded.path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for lock in ROOT.glob("requirements*.lock"):
        shutil.copy(lock, commanded.path)
    return commanded


def findings(output: str) -> dict[str, str]:
    """The level by the subject; of several findings the worst."""
    found = re.findall(r"^(ok|warning|wrong) +(\w+): ", output, re.M)
    worst = sorted(found, key=lambda one: ("ok", "warning", "wrong").index(one[0]))
    return {subject: level for level, subject in worst}


def change(project, file: str, **settings) -> None:
    path = project.path / "conf" / "azure" / file
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **settings}))


def test_all_is_well_in_the_rehearsal(complete):
    result = complete.kedro("azure", "doctor")
    assert findings(result.stdout) == dict.fromkeys(HERE + ELSEWHERE, "ok"), result.stdout + result.stderr
    assert result.returncode == 0
    assert "A job can be sent." in result.stdout
    assert "cpu-cluster of at most 4 Standard_F16s_v2" in result.stdout


def test_what_is_wrong_is_told_with_its_remedy_and_the_rest_is_looked_at(complete, variables):
    (complete.path / "requirements-cuda.lock").unlink()
    secret = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"
    (complete.path / "src" / "settings_of_mine.py").write_text(f'github_token = "{secret}"\n')
    change(complete, "globals.yml", mlflow_server=None)
    change(complete, "azureml.yml", secrets=["DAGSHUB_USER_TOKEN", "MY_OWN_SECRET"])
    result = complete.kedro("azure", "doctor", AZUREML_SERVICE_PRINCIPAL_PASSWORD="not-this-one")
    assert result.returncode == 1
    assert findings(result.stdout) == {
        "Settings": "ok",
        "Python": "ok",
        "Locks": "wrong",
        "Secrets": "wrong",
        "Snapshot": "wrong",
        "Repository": "ok",
        "MLflow": "warning",
        "Workspace": "wrong",
    }
    for told in (
        "requirements-cuda.lock",
        "MY_OWN_SECRET",
        "settings_of_mine.py",
        "mlflow_server",
        "PASSWORD",
    ):
        assert told in result.stdout, told
    for hidden in (secret, "not-this-one", variables["DAGSHUB_USER_TOKEN"], "Traceback"):
        assert hidden not in result.stdout + result.stderr


def test_a_wrong_setting_ends_it_at_once(commanded):
    change(commanded, "azureml.yml", node_count=9)
    result = commanded.kedro("azure", "doctor")
    assert result.returncode == 1
    assert "compute.max_nodes" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_stand_in_on_this_machine_is_out_of_a_jobs_reach(complete):
    for name in ("MAYO_KEDRO_SANDBOX", "DAGSHUB_CLIENT_HOST"):
        complete.variables.pop(name)
    result = complete.kedro("azure", "doctor")
    assert findings(result.stdout)["Repository"] == "wrong"
    assert "globals.yml" in result.stdout
    assert not (complete.path / ".sandbox").exists()


@pytest.fixture
def little_quota(azure):
    azure.azure.set(quota_cores=2)
    yield
    azure.azure.set(quota_cores=10_000)


@pytest.mark.usefixtures("little_quota")
def test_a_quota_that_is_too_small_is_told_before_a_job_is_sent(complete):
    change(complete, "azureml.yml", compute={"name": "never-made", "size": "Standard_NC4as_T4_v3"})
    result = complete.kedro("azure", "doctor")
    assert result.returncode == 1
    assert findings(result.stdout)["Cluster"] == "wrong"
    assert findings(result.stdout)["Container"] == "ok"
    for told in ("will be made", "takes 4 cores", "of 2 are left", "compute.max_nodes", "Azure portal"):
        assert told in " ".join(result.stdout.split()), told


@pytest.mark.slow
@pytest.mark.usefixtures("finished_job")
def test_of_a_cluster_that_is_there_its_own_machines_are_looked_at(complete):
    change(complete, "azureml.yml", compute={"name": "gpu-cluster", "size": "Standard_Nowhere"})
    result = complete.kedro("azure", "doctor")
    assert findings(result.stdout)["Cluster"] == "warning"
    assert "not offered" not in result.stdout
    change(complete, "azureml.yml", compute={"name": "never-made", "size": "Standard_Nowhere"})
    result = complete.kedro("azure", "doctor")
    assert findings(result.stdout)["Cluster"] == "wrong"
    assert "Standard_Nowhere is not offered" in " ".join(result.stdout.split())
