"""Runs that do not go to their end by themselves: failures, signals, a sender that dies."""

import os
import signal

import pytest

from tests.runners.rehearsal.trial_project import wait_until


def test_a_failing_job_says_why_and_leaves_what_was_here(trial):
    kept = trial.path / "data/07_model_output/trial_half.csv"
    kept.parent.mkdir(parents=True)
    kept.write_text("number\n1\n")
    done = trial.run("failing")
    job = trial.records[0]["run_id"]
    assert done.returncode == 1
    said = f"The job {job} failed in fail_node: ValueError: there is no place for [2] [bold]here[/bold]"
    assert said in done.stderr
    assert f"kedro azure files {job}" in done.stderr
    end = done.stdout.partition("In the job ")[2]
    assert "in fail" in end
    assert "in execute" not in end
    assert trial.status(job) == "Failed"
    assert kept.read_text() == "number\n1\n"
    assert "outputs/half.txt" in trial.list_artifacts(job)
    assert trial.tracked("select status from runs") == [("FAILED",)]
    assert trial.secrets == []
    events = trial.read(".viz/kedro_pipeline_events.json")
    (shown,) = (event for event in events if event["event"] == "on_node_error")
    assert shown["node"] == "write_half_node"  # the first of the job's nodes, which waits for it
    assert shown["error"].startswith(said)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_the_job_too(trial, number):
    with trial.started("waiting", "--params", "trial.steps=500") as running:
        trial.read_until(running, "step 1 is done")
        running.send_signal(number)
        output, errors = running.communicate(timeout=300)
    assert running.returncode == 1, output + errors
    job = trial.records[0]["run_id"]
    assert f"Cancelling the job {job}" in output
    assert trial.status(job) == "Canceled"
    assert trial.tracked("select status from runs") == [("KILLED",)]
    assert trial.secrets == []


@pytest.mark.slow
def test_a_signal_while_a_job_is_being_sent_ends_it_as_soon_as_it_is_there(trial):
    with trial.started("waiting", "--params", "trial.steps=500") as running:
        trial.read_until(running, "are to be sent")
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=300)
    assert running.returncode == 1, output + errors
    for record in trial.records:
        assert trial.status(record["run_id"]) == "Canceled"
    assert trial.tracked("select status from runs") == [("KILLED",)]
    assert trial.secrets == []


@pytest.mark.slow
def test_a_run_whose_process_was_killed_is_finished_by_another(trial):
    with trial.started("waiting", "--params", "trial.steps=40") as running:
        trial.read_until(running, "step 1 is done")
        os.killpg(running.pid, signal.SIGKILL)
    before = trial.count_submissions()
    done = trial.kedro("azure", "attach")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.conclusion == {"steps": 40, "closed": True}
    assert trial.count_submissions() == before
    assert trial.tracked("select status from runs") == [("FINISHED",)]
    assert trial.secrets == []


@pytest.mark.slow
def test_a_failing_job_ends_the_one_beside_it(trial):
    trial.track_on_dagshub()
    trial.change("azureml.yml", jobs_at_once=2, compute={"name": "two-machines", "max_nodes": 2})
    done = trial.run("uneven", "--params", "trial.steps=1500")
    assert done.returncode == 1
    jobs = {record["group"]: record for record in trial.records}
    assert trial.status(jobs["write_half_node and 1 more"]["run_id"]) == "Failed"
    assert trial.status(jobs["wait_node"]["run_id"]) == "Canceled"
    assert trial.secrets == []
    states = {run["info"]["status"] for run in trial.find_runs().values()}
    assert "RUNNING" not in states


@pytest.mark.slow
def test_a_job_whose_sender_was_killed_can_be_cancelled_and_leaves_no_secret(trial):
    with trial.started("waiting", "--params", "trial.steps=500") as running:
        trial.read_until(running, "step 1 is done")
        os.killpg(running.pid, signal.SIGKILL)
    job = trial.records[0]["run_id"]
    assert len(trial.secrets) == 1
    assert trial.kedro("azure", "cancel", job).returncode == 0
    assert wait_until(lambda: trial.status(job) == "Canceled")
    assert trial.secrets == []
    attached = trial.kedro("azure", "attach", job)
    assert attached.returncode == 1
    assert f"The job {job} was cancelled." in attached.stderr


@pytest.mark.slow
def test_a_job_that_takes_too_long_is_ended_and_the_setting_named(trial):
    trial.change("azureml.yml", max_hours=0.005)
    done = trial.run("waiting", "--params", "trial.steps=500")
    assert done.returncode == 1
    assert "was cancelled" in done.stderr
    assert "max_hours" in done.stderr
    assert trial.secrets == []


@pytest.mark.slow
def test_a_job_that_gets_no_machine_is_given_up(trial):
    trial.service.azure.set(queue_seconds=120)
    trial.change("azureml.yml", queue_minutes=0.05)
    done = trial.run("waiting")
    assert done.returncode == 1
    assert "waited for machines for more than 0.05 minutes" in done.stderr
    job = trial.records[0]["run_id"]
    assert wait_until(lambda: trial.status(job) == "Canceled")
    assert trial.secrets == []
    assert trial.tracked("select status from runs") == [("FAILED",)]
