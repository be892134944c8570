"""What a run survives: machines that are taken away, a service that stumbles, results that arrive damaged."""

import pytest


@pytest.mark.slow
def test_two_preemptions_cost_no_epoch_and_repeat_none(trial):
    trial.track_on_dagshub()
    trial.service.azure.set(preemptions=2, preempt_on="is over")
    done = trial.run("counting")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.conclusion == {"starts": [0, 1, 2], "epochs": 4, "closed": True}
    assert "The machines were taken away, and the job begins again: attempt 3" in done.stdout
    assert trial.read_history("counted") == [(0, 0), (1, 10), (2, 20), (3, 30)]


@pytest.mark.slow
def test_a_submission_is_repeated_while_the_service_is_overloaded(trial):
    trial.service.azure.set(refuse_submissions="503*3")
    done = trial.run("waiting")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.conclusion == {"steps": 4, "closed": True}


@pytest.mark.slow
def test_a_lost_answer_to_a_submission_starts_no_second_job(trial):
    before = trial.count_jobs()
    trial.service.azure.set(lost_answers=1)
    done = trial.run("waiting")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.conclusion == {"steps": 4, "closed": True}
    assert trial.count_jobs() == before + 1


@pytest.mark.slow
def test_a_login_that_expires_meanwhile_is_renewed(trial):
    with trial.started("waiting", "--params", "trial.steps=40") as running:
        trial.read_until(running, "step 1 is done")
        trial.service.azure.set(token_requests=1)
        output, errors = running.communicate(timeout=300)
    assert running.returncode == 0, output + errors
    assert trial.conclusion == {"steps": 40, "closed": True}
    assert trial.secrets == []


@pytest.mark.slow
def test_a_result_that_arrives_damaged_is_fetched_again(trial):
    trial.service.azure.fault("/azureml-artifacts/*doubled.parquet", "corrupt", method="GET")
    done = trial.run("trial")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.conclusion["table"] == 20


@pytest.mark.slow
def test_a_result_that_stays_damaged_replaces_nothing_and_can_be_had_later(trial):
    trial.service.azure.fault("/azureml-artifacts/*doubled.parquet", "corrupt", method="GET", times=None)
    kept = trial.path / "data/07_model_output/trial_result.csv"
    kept.parent.mkdir(parents=True)
    kept.write_text("earlier")
    done = trial.run("trial")
    job = trial.records[0]["run_id"]
    assert done.returncode == 1
    assert f"kedro azure attach {job}" in done.stderr
    assert kept.read_text() == "earlier"
    trial.service.azure.reset("faults")
    attached = trial.kedro("azure", "attach", job)
    assert attached.returncode == 0, attached.stdout + attached.stderr
    assert trial.conclusion["table"] == 20
    assert kept.read_text() != "earlier"


@pytest.mark.slow
def test_independent_nodes_run_as_jobs_side_by_side(trial):
    trial.change("azureml.yml", jobs_at_once=2, compute={"name": "two-machines", "max_nodes": 2})
    done = trial.run("pair", "--params", "trial.seconds=15")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.conclusion["together"] > 0
    assert {record["group"] for record in trial.records} == {"left_node", "right_node"}


@pytest.mark.slow
def test_two_machines_of_one_job_know_of_each_other_and_one_of_them_saves(trial):
    trial.change("azureml.yml", node_count=2, compute={"name": "two-machines", "max_nodes": 2})
    done = trial.run("worker")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.conclusion == {"workers": 2, "me": {"type": "worker", "index": 0}}
