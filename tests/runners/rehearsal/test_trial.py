"""A run that goes well: what comes back, what is told of it, and that no secret stays anywhere."""

import os

import pytest
from kedro_viz.utils import _hash  # by which it finds a node of its flowchart in the events of a run

from tests.runners.rehearsal.trial_pipelines import register_pipelines

CONCLUSION = {"table": 20, "array": 20.0, "kind": "float32", "kept": 20, "total": 12.0}


def test_what_a_job_made_reaches_the_nodes_of_here(finished):
    job = finished.records[0]["run_id"]
    facts = {"names": ["a", "ü"], "none": None, "deep": {"x": 1.5}, "rows": 5, "job": job}
    assert finished.conclusion == {**CONCLUSION, "facts": facts}
    assert (finished.path / "data/07_model_output/trial_result.csv").read_text().count("image") == 6


def test_hooks_see_the_nodes_of_the_job_with_what_they_made(finished):
    noted = {line["ran"]: line["outputs"] for line in finished.noted[:4]}
    assert list(noted) == ["make_values_node", "compute_node", "add_node", "conclude_node"]
    assert "image 4       8" in noted["compute_node"]["doubled"]
    assert "image 4       8" in noted["compute_node"]["trial_result"]
    assert noted["compute_node"]["doubled_array"] == "array([0., 2., 4., 6., 8.], dtype=float32)"
    assert noted["compute_node"]["passed"] == f"StayedInJob(run_id='{finished.records[0]['run_id']}')"
    assert noted["add_node"] == {"total": "12.0"}


def test_kedro_viz_shows_the_nodes_of_the_job_as_those_of_here(finished):
    events = finished.read(".viz/kedro_pipeline_events.json")
    shown = {_hash(str(node)): node.name for node in register_pipelines()["__default__"].nodes}
    done = {shown[event["node_id"]]: event for event in events if event["event"] == "after_node_run"}
    assert set(done) == set(shown.values())
    assert done["compute_node"]["duration"] > 1  # as long as its job
    assert events[-1]["event"] == "after_pipeline_run"


def test_the_job_is_tracked_below_its_sender(finished):
    record, runs = finished.records[0], finished.find_runs()
    child = runs[record["job_tracked_run"]]
    tags = {tag["key"]: tag["value"] for tag in child["data"]["tags"]}
    assert tags["mlflow.parentRunId"] == record["tracked_run"]
    assert tags["azureml.run_id"] == record["run_id"]
    assert child["info"]["status"] == "FINISHED"
    parameters = {one["key"]: one["value"] for one in child["data"]["params"]}
    assert parameters["trial.factor"] == "2"
    assert runs[record["tracked_run"]]["info"]["status"] == "FINISHED"


def test_the_token_is_nowhere_and_its_place_in_the_key_vault_is_empty(finished):
    token = finished.service.token.encode()
    kept_by_the_service = {"token"}
    roots = [finished.path, finished.home, finished.state]
    searched = [
        path
        for root in roots
        for folder, _, names in os.walk(root)
        for path in (os.path.join(folder, name) for name in names)
    ]
    looked_into = {os.path.basename(path) for path in searched}
    assert {"std_log.txt", "mlflow.db", f"{finished.records[0]['run_id']}.json"} <= looked_into
    holding = [path for path in searched if token in open(path, "rb").read()]  # noqa: SIM115
    assert [
        path for path in holding if os.path.relpath(path, finished.state) not in kept_by_the_service
    ] == []
    assert finished.service.token not in finished.first.stdout + finished.first.stderr
    assert finished.secrets == []
    run = f"experiments/mayo_kedro/runs/{finished.records[0]['run_id']}"
    told = finished.ask(f"/history/v1.0{{scope}}/{run}/details")
    assert finished.service.token not in str(told)


@pytest.mark.slow
def test_unchanged_work_is_not_paid_for_twice(finished):
    finished.change("azureml.yml", resume=True)
    before, first = finished.count_submissions(), finished.records[0]["run_id"]
    again = finished.kedro("run", "--env", "azure")
    assert again.returncode == 0, again.stderr
    assert "taking its results" in again.stdout
    assert finished.count_submissions() == before
    assert finished.conclusion["facts"]["job"] == first
    assert len(finished.records) == 1


@pytest.mark.slow
def test_changed_work_is_sent_again(finished):
    finished.change("azureml.yml", resume=True)
    before = finished.count_submissions()
    changed = finished.kedro("run", "--env", "azure", "--params", "trial.factor=3")
    assert changed.returncode == 0, changed.stderr
    assert finished.count_submissions() == before + 1
    assert finished.conclusion["table"] == 30


@pytest.mark.slow
def test_a_runner_named_on_the_command_line_wins(trial):
    before = trial.count_submissions()
    done = trial.run("trial", "--runner", "SequentialRunner")
    assert done.returncode == 0, done.stderr
    assert trial.conclusion == {**CONCLUSION, "facts": {**trial.conclusion["facts"], "job": None}}
    assert trial.count_submissions() == before


@pytest.mark.slow
def test_a_job_that_cannot_reach_a_local_tracking_store_runs_untracked(trial):
    done = trial.run("trial")
    assert done.returncode == 0, done.stdout + done.stderr
    assert trial.records[0]["job_tracked_run"] is None
    assert trial.tracked("select status from runs") == [("FINISHED",)]
