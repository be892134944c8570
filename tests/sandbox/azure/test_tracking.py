"""MLflow over the workspace, in a job and outside, and what else a job does with the SDK."""

import pytest

from mayo_kedro.sandbox.azure.handle import AzureSandbox

from .conftest import Client, ClientError

pytestmark = pytest.mark.slow  # of MLflow's imports

JOB = """
import os, pathlib, sys
asked = set()
def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo") and arguments[0] != "":
        asked.add(str(arguments[0] if event == "socket.getaddrinfo" else arguments[1][0]))
sys.addaudithook(note)
import mlflow
with mlflow.start_run() as run:
    assert run.info.run_id == os.environ["AZUREML_RUN_ID"]
    mlflow.log_param("size", 3)
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("seen", "notes/text.txt")

from azureml.core import Run
run = Run.get_context()
run.log("accuracy", 0.5)
run.tag("kind", "rehearsed")
pathlib.Path("plain.txt").write_text("sent")
run.upload_file("sent/plain.txt", "plain.txt")
secret = run.get_secret("for-the-job")
run.flush()
print(len(secret), sorted(asked))
"""

RENEWAL = """
from azureml.core import Run
import os
run = Run.get_context()
before = os.environ["AZUREML_RUN_TOKEN"]
header = run.experiment.workspace._auth.get_authentication_header()["Authorization"]
print(header != f"Bearer {before}", flush=True)
run.log("late", 1)
run.flush()
"""


def test_mlflow_in_a_job_and_outside_sees_one_history(client: Client) -> None:
    told = client(
        """
        import mlflow
        mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())
        workspace.get_default_keyvault().set_secret("for-the-job", "x" * 7)
        run = submit(workspace, {"main.py": JOB})
        status = wait(run)
        seen = mlflow.get_run(run.id)
        history = mlflow.MlflowClient().get_metric_history(run.id, "loss")
        text = mlflow.artifacts.load_text(f"{seen.info.artifact_uri}/notes/text.txt")
        result = [status, read_log(run).splitlines()[-1], seen.data.params, seen.data.tags["kind"],
                  [(point.step, point.value) for point in history], text, run.get_metrics(),
                  run.get_file_names(), seen.info.status]
        workspace.get_default_keyvault().delete_secret("for-the-job")
        """,
        JOB=JOB,
    )
    losses = [1.0, 1 / 2, 1 / 3]
    assert told == [
        "Completed",
        "7 ['127.0.0.1']",
        {"size": "3"},
        "rehearsed",
        [[step, value] for step, value in enumerate(losses)],
        "seen",
        {"loss": losses, "accuracy": 0.5},
        ["notes/text.txt", "sent/plain.txt", "user_logs/std_log.txt"],
        "FINISHED",
    ]


def test_mlflow_runs_of_ones_own(client: Client) -> None:
    told = client(
        """
        import mlflow
        mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())
        mlflow.set_experiment("outside")
        with mlflow.start_run(run_name="outer") as outer:
            mlflow.log_metrics({"one": 1.0, "none": float("nan")})
            with mlflow.start_run(nested=True):
                mlflow.log_metric("one", 2.0)
        found = mlflow.search_runs(filter_string="metrics.one > 1.5", output_format="list")
        data = mlflow.get_run(outer.info.run_id).data
        result = [[run.data.tags["mlflow.parentRunId"] == outer.info.run_id for run in found],
                  str(data.metrics["none"]), data.tags["mlflow.runName"],
                  mlflow.get_run(outer.info.run_id).info.status]
        """
    )
    assert told == [[True], "nan", "outer", "FINISHED"]
    with pytest.raises(ClientError, match="already"):
        client(
            """
            with mlflow.start_run():
                mlflow.log_param("size", 1)
                mlflow.log_param("size", 2)
            """
        )
    with pytest.raises(ClientError, match="not found"):
        client('mlflow.get_run("nothing")')


def test_the_token_of_a_run_is_renewed(client: Client, azure: AzureSandbox) -> None:
    azure.set(run_token_seconds=20)
    told = client(
        """
        run = submit(workspace, {"main.py": RENEWAL})
        result = [wait(run), read_log(run), run.get_metrics()]
        """,
        RENEWAL=RENEWAL,
    )
    azure.set(run_token_seconds=86400)
    assert told == ["Completed", "True\n", {"late": 1}]


def test_nothing_but_loopback_was_asked_for(client: Client) -> None:
    assert client("result = sorted(CONNECTED)") == ["127.0.0.1"]


def test_a_trial_of_a_search_goes_on_in_its_child_run_after_a_preemption(client: Client) -> None:
    """The preempted process says nothing; its last epoch is done and told again."""
    told = client(
        """
        import mlflow
        from mayo_kedro.datasets.training_monitor_dataset import TrainingMonitor
        mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())
        mlflow.set_experiment("searches")
        def tell(trial, *epochs):
            for epoch in epochs:
                trial.epoch_ended(0, "frozen", epoch, 3, {"val_loss": 0.5 - epoch / 8})
        with mlflow.start_run() as job:
            preempted = TrainingMonitor().open_trial(0, 3, 9, {"dropout": 0.5}, None)
            first = preempted.__enter__()
            tell(first, 0, 1)
            before = mlflow.get_run(first.tracked_run).info.status
            with TrainingMonitor().open_trial(0, 3, 9, {"dropout": 0.5}, first.tracked_run) as trial:
                tell(trial, 1, 2)
                trial.trial_ended("finished", 0.25)
        run = mlflow.get_run(trial.tracked_run)
        points = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val_loss")
        below = mlflow.search_runs(filter_string=f"tags.mlflow.parentRunId = '{job.info.run_id}'")
        result = [before, run.info.status, run.info.run_name, run.data.params, run.data.tags["trial.outcome"],
                  run.data.metrics["loss_of_trial"], [(one.step, one.value) for one in points], len(below)]
        """
    )
    assert told == [
        "RUNNING",
        "FINISHED",
        "fold 0 trial 3",
        {"modelling.dropout": "0.5"},
        "finished",
        0.25,
        [[0, 0.5], [1, 0.375], [2, 0.25]],
        1,
    ]
