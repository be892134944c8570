import io
import logging
import math
import shutil

import mlflow
import pytest
from kedro.io import DatasetError

from mayo_kedro.datasets import TrainingMonitorDataset
from mayo_kedro.datasets.training_monitor_dataset import TrainingMonitor
from mayo_kedro.runners.watching.events import EventWriter, take_event


@pytest.fixture
def experiment(tmp_path, tracking_store):
    shutil.copy(tracking_store / "mlflow.db", tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    # Named, since a test before this one may have left another store's experiment active.
    yield mlflow.create_experiment("monitor")
    mlflow.set_tracking_uri(before)


@pytest.fixture
def tracked(experiment):
    with mlflow.start_run(experiment_id=experiment) as run:
        yield run.info.run_id


def test_an_epoch_is_told_and_tracked_live(tracked, caplog):
    monitor = TrainingMonitorDataset().load()
    assert monitor.tracked_run == tracked
    for step in range(3):
        monitor.batch_ended(2, "fine_tune", 4, step, 3, {"loss": 0.7})
    with caplog.at_level(logging.INFO):
        monitor.epoch_ended(2, "fine_tune", 4, 8, {"loss": 0.6, "val_loss": 0.65})
    assert "Fold 2 · fine-tune · epoch 5/8 · loss 0.600  val_loss 0.650" in caplog.text
    assert "images/s" not in caplog.text
    with caplog.at_level(logging.INFO):
        monitor.epoch_ended(2, "fine_tune", 5, 8, {"images_per_second": 120.4, "data_wait_share": 0.031})
    assert "120 images/s, 3% of the time waiting for data" in caplog.text
    history = mlflow.MlflowClient().get_metric_history(tracked, "fold_2/val_loss")
    assert [(metric.step, metric.value) for metric in history] == [(4, 0.65)]


def test_without_a_tracked_run_it_only_tells(caplog):
    assert TrainingMonitorDataset().load().tracked_run is None
    with caplog.at_level(logging.INFO):
        TrainingMonitorDataset().load().epoch_ended(0, "frozen", 0, 1, {"loss": math.pi})
    assert "loss 3.142" in caplog.text


def test_it_can_only_be_loaded():
    assert TrainingMonitorDataset().exists()
    with pytest.raises(DatasetError):
        TrainingMonitorDataset().save("anything")


SETTINGS = {"dropout": 0.25, "unfreeze": "all"}


def read(run):
    """Status, parent, outcome, parameters, and every point of every metric."""
    told, client = mlflow.get_run(run), mlflow.MlflowClient()
    points = {
        name: [(point.step, point.value) for point in client.get_metric_history(run, name)]
        for name in told.data.metrics
    }
    tags = told.data.tags
    outcome = tags.get("trial.outcome")
    return told.info.status, tags.get("mlflow.parentRunId"), outcome, told.data.params, points


def test_a_trial_is_a_run_of_its_own_below_that_of_the_training(tracked, caplog):
    with (
        caplog.at_level(logging.INFO),
        TrainingMonitorDataset().load().open_trial(2, 3, 10, SETTINGS, None) as trial,
    ):
        assert trial.tracked_run != tracked
        trial.batch_ended(2, "frozen", 0, 0, 1, {"loss": 0.75})
        trial.epoch_ended(2, "frozen", 0, 8, {"loss": 0.75, "val_loss": 0.5})
        trial.trial_ended("finished", 0.5)
    assert "Fold 2 · trial 3/10 · frozen · epoch 1/8 · loss 0.750  val_loss 0.500" in caplog.text
    assert mlflow.get_run(trial.tracked_run).info.run_name == "fold 2 trial 3"
    assert read(trial.tracked_run) == (
        "FINISHED",
        tracked,
        "finished",
        {"modelling.dropout": "0.25", "modelling.unfreeze": "all"},
        {"loss": [(0, 0.75)], "val_loss": [(0, 0.5)], "loss_of_trial": [(0, 0.5)]},
    )
    assert mlflow.active_run().info.run_id == tracked
    assert read(tracked)[4] == {}


def test_a_pruned_trial_says_so_and_has_no_loss(tracked):
    with TrainingMonitorDataset().load().open_trial(0, 1, 2, SETTINGS, None) as trial:
        trial.trial_ended("pruned", None)
    assert read(trial.tracked_run)[2:] == ("pruned", read(trial.tracked_run)[3], {})


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "KILLED"), (ValueError, "FAILED"), (None, "RUNNING")]
)
def test_an_interrupted_trial_goes_on_in_its_run_below_the_run_that_goes_on(experiment, error, status):
    """Killed (None), a process says nothing; its last epoch is done and told again."""
    with mlflow.start_run(experiment_id=experiment):
        opened = TrainingMonitorDataset().load().open_trial(0, 1, 2, SETTINGS, None)
        first = opened.__enter__()
        for epoch in (0, 1):
            first.epoch_ended(0, "frozen", epoch, 3, {"val_loss": 0.5 - epoch / 8})
        if error is not None:
            assert not opened.__exit__(error, error(), None)
    assert read(first.tracked_run)[0] == status
    with mlflow.start_run(experiment_id=experiment) as other:
        monitor = TrainingMonitorDataset().load()
        with monitor.open_trial(0, 1, 2, SETTINGS, first.tracked_run) as again:
            assert read(again.tracked_run)[0] == "RUNNING"
            for epoch in (1, 2):
                again.epoch_ended(0, "frozen", epoch, 3, {"val_loss": 0.5 - epoch / 8})
            again.trial_ended("finished", 0.25)
    assert again.tracked_run == first.tracked_run
    points = {"val_loss": [(0, 0.5), (1, 0.375), (2, 0.25)], "loss_of_trial": [(0, 0.25)]}
    ended = ("FINISHED", other.info.run_id, "finished")
    assert read(again.tracked_run) == (*ended, read(again.tracked_run)[3], points)


def test_a_run_that_the_server_does_not_know_is_begun_anew(tracked, caplog):
    with TrainingMonitorDataset().load().open_trial(0, 1, 2, SETTINGS, "f" * 32) as trial:
        assert trial.tracked_run != "f" * 32
    assert "does not have the run ffff" in caplog.text
    assert read(trial.tracked_run)[1] == tracked


def test_finished_trials_of_an_earlier_attempt_are_adopted(experiment, caplog):
    with mlflow.start_run(experiment_id=experiment):
        opened = TrainingMonitorDataset().load().open_trial(0, 1, 2, SETTINGS, None)
        trial = opened.__enter__()
    with mlflow.start_run(experiment_id=experiment) as other:
        TrainingMonitorDataset().load().adopt_trials([trial.tracked_run, "f" * 32])
    assert read(trial.tracked_run)[:2] == ("FINISHED", other.info.run_id)
    assert "does not have the run ffff" in caplog.text


def test_a_trial_of_a_training_that_is_not_tracked_is_only_told(caplog):
    monitor = TrainingMonitorDataset().load()
    with caplog.at_level(logging.INFO), monitor.open_trial(0, 1, 2, SETTINGS, "f" * 32) as trial:
        trial.epoch_ended(0, "fine_tune", 0, 1, {"loss": math.pi})
        trial.trial_ended("finished", 0.5)
    monitor.adopt_trials(["f" * 32])
    assert trial.tracked_run is None
    assert "trial 1/2 · fine-tune · epoch 1/1 · loss 3.142" in caplog.text


def test_in_a_job_the_events_of_a_trial_name_it():
    stream = io.StringIO()
    with TrainingMonitor(EventWriter(stream)).open_trial(1, 2, 9, SETTINGS, None) as trial:
        trial.batch_ended(1, "fine_tune", 4, 0, 3, {"loss": 0.5})
        trial.epoch_ended(1, "fine_tune", 4, 8, {"loss": 0.5})
    events = [take_event(line)[1] for line in stream.getvalue().splitlines()]
    assert [event.stage for event in events] == ["trial 2/9 · fine_tune"] * 2
