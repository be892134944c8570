import logging
import math

import mlflow
import pytest
from kedro.io import DatasetError

from mayo_kedro.datasets import TrainingMonitorDataset


@pytest.fixture
def tracked(tmp_path):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    # Named, since a test before this one may have left another store's experiment active.
    experiment = mlflow.create_experiment("monitor")
    with mlflow.start_run(experiment_id=experiment) as run:
        yield run.info.run_id
    mlflow.set_tracking_uri(before)


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
