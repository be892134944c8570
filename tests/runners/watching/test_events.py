"""Events in a job's log, and the monitor that writes them."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.datasets import TrainingMonitorDataset
from mayo_kedro.runners.watching import events
from mayo_kedro.runners.watching.events import EventWriter, TrainingEvent, take_event

numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(TrainingEvent, loss=numbers, val_loss=numbers, images_per_second=numbers),
    st.text(st.characters(exclude_characters="{}\n")),
)
def test_an_event_is_found_again_in_its_line_whatever_stands_before(event, before):
    stream = io.StringIO()
    EventWriter(stream).write(event)
    assert take_event(before + stream.getvalue().rstrip("\n")) == (before, event)


@pytest.mark.parametrize("line", ["", "epoch 1", "MAYO-EVENT", 'MAYO-EVENT {"fold": "x"}', "MAYO-EVENT {]}"])
def test_what_is_no_event_stays_a_line(line):
    assert take_event(line) == (line, None)


def test_a_number_that_is_none_is_left_out():
    stream = io.StringIO()
    EventWriter(stream).write(TrainingEvent(fold=0, stage="frozen", epoch=0, loss=float("nan")))
    _, event = take_event(stream.getvalue().rstrip())
    assert event is not None
    assert event.loss is None


def test_steps_are_told_once_a_second_and_the_end_of_an_epoch_always(monkeypatch):
    now = 100.0
    monkeypatch.setattr(events, "time", SimpleNamespace(monotonic=lambda: now))
    stream = io.StringIO()
    writer = EventWriter(stream)
    for step in range(10):
        now = 100.0 + step * 0.3
        writer.step(TrainingEvent(fold=0, stage="frozen", epoch=0, step=step, steps=10))
    writer.write(TrainingEvent(fold=0, stage="frozen", epoch=0, epochs=3))
    found = [take_event(line)[1] for line in stream.getvalue().splitlines()]
    assert [event.step for event in found if event] == [0, 4, 8, None]


TRAIN = """
import mlflow, sys
from mayo_kedro.datasets import TrainingMonitorDataset
mlflow.set_tracking_uri(sys.argv[1])
with mlflow.start_run(run_id=sys.argv[2]):
    monitor = TrainingMonitorDataset().load()
    for epoch in range(*map(int, sys.argv[3:])):
        monitor.batch_ended(0, "frozen", epoch, 0, 1, {"loss": 0.5})
        monitor.epoch_ended(0, "frozen", epoch, 3, {"loss": 0.5 - epoch / 10, "val_loss": 0.6})
"""


def train(uri: str, run: str, epochs: tuple[str, str], **variables: str) -> str:
    command = [sys.executable, "-c", TRAIN, uri, run, *epochs]
    environment = {**os.environ, **variables}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return result.stdout


def test_a_job_that_begins_again_tells_an_epoch_twice_and_tracks_it_once(tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri)
    run = client.create_run(client.create_experiment("jobs", str(tmp_path))).info.run_id
    # The first process is lost after the metrics of epoch 1 and before its checkpoint.
    first = train(uri, run, ("0", "2"), MAYO_JOB="1")
    second = train(uri, run, ("1", "3"), MAYO_JOB="1")
    told = [take_event(line)[1] for line in (first + second).splitlines() if events.MARK in line]
    assert [event.epoch for event in told if event and event.epochs == 3] == [0, 1, 1, 2]
    for name in ("fold_0/loss", "fold_0/val_loss"):
        assert [metric.step for metric in client.get_metric_history(run, name)] == [0, 1, 2]


def test_elsewhere_than_in_a_job_there_are_no_events(monkeypatch, capsys):
    monkeypatch.delenv(events.JOB_VARIABLE, raising=False)
    monitor = TrainingMonitorDataset().load()
    monitor.batch_ended(0, "frozen", 0, 0, 1, {"loss": 0.5})
    monitor.epoch_ended(0, "frozen", 0, 1, {"loss": 0.5})
    assert events.MARK not in capsys.readouterr().out
    monkeypatch.setenv(events.JOB_VARIABLE, "1")
    TrainingMonitorDataset().load().batch_ended(0, "frozen", 0, 0, 1, {"loss": 0.5})
    assert events.MARK in capsys.readouterr().out
