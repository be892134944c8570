"""What is refused before anything is paid for, and that it is told in words."""

import pytest


def run_refused(trial, pipeline, *arguments, **variables):
    before = trial.count_submissions()
    done = trial.run(pipeline, *arguments, **variables)
    assert done.returncode == 1, done.stdout + done.stderr
    assert trial.count_submissions() == before
    assert trial.secrets == []
    assert not list((trial.path / ".jobs").glob("*"))
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr


def test_a_file_that_a_job_cannot_reach(trial):
    told = run_refused(trial, "outside")
    assert "trial_outside: /srv/elsewhere/table.csv is outside of the project's folder" in told
    assert "nothing was sent" in told
    assert not (trial.path / "hooks.jsonl").exists()


@pytest.mark.slow
def test_a_value_that_has_no_open_format(trial):
    told = run_refused(trial, "unfit")
    assert "something: it is in memory only, and set has no open format. Declare it" in told


@pytest.mark.slow
def test_a_secret_in_a_file_that_would_be_sent(trial):
    (trial.path / "conf/base/notes.yml").write_text(f"note: {trial.service.token}\n")
    told = run_refused(trial, "waiting")
    assert "conf/base/notes.yml" in told
    assert trial.service.token not in told


@pytest.mark.slow
def test_more_than_the_service_takes(trial):
    with (trial.path / "src/mayo_kedro/weights.bin").open("wb") as file:
        file.truncate(301 * 1024**2)
    told = run_refused(trial, "waiting")
    assert "src/mayo_kedro/weights.bin" in told
    assert "at most 300.0 MiB" in told


@pytest.mark.slow
def test_a_secret_that_is_not_set(trial):
    trial.change("azureml.yml", secrets=["DAGSHUB_USER_TOKEN", "ANOTHER_TOKEN"])
    told = run_refused(trial, "waiting")
    assert "ANOTHER_TOKEN is not set" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "wrong", "setting"),
    [
        ("AZUREML_ARM_WORKSPACE_NAME", "nowhere", "workspace.workspace_name"),
        ("AZUREML_ARM_RESOURCEGROUP", "nowhere", "workspace.resource_group"),
        ("AZUREML_ARM_SUBSCRIPTION", "00000000-0000-0000-0000-000000000000", "workspace.subscription_id"),
        ("AZUREML_SERVICE_PRINCIPAL_PASSWORD", "wrong", "client_secret"),
        ("AZUREML_SERVICE_PRINCIPAL_ID", "00000000-0000-0000-0000-000000000000", "client_id"),
    ],
)
def test_a_wrong_name(trial, variable, wrong, setting):
    told = run_refused(trial, "waiting", **{variable: wrong})
    assert setting in told
    assert variable in told or variable.removeprefix("AZUREML_SERVICE_PRINCIPAL_") in told


@pytest.mark.slow
def test_a_wrong_name_of_the_cluster(trial):
    trial.change("azureml.yml", compute={"name": "no cluster"})
    assert "compute.name" in run_refused(trial, "waiting")


@pytest.mark.slow
def test_a_service_that_takes_no_jobs(trial):
    trial.service.azure.fault("*/snapshotrun", status=503, times=None)
    done = trial.run("waiting")
    assert done.returncode == 1
    assert "Azure ML failed while submitting" in done.stderr
    assert "nothing was sent" in done.stderr
    assert trial.secrets == []
    assert trial.records == []
