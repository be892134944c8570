"""The same jobs in a terminal, in a notebook and in plain lines."""

import io
import logging
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from rich import pretty
from rich.console import Console

from mayo_kedro import progress
from mayo_kedro.runners.job import JobState, JobStatus
from mayo_kedro.runners.watching import display as module
from mayo_kedro.runners.watching import job_progress
from mayo_kedro.runners.watching.display import JobDisplay
from mayo_kedro.runners.watching.events import TrainingEvent
from mayo_kedro.runners.watching.job_progress import JobProgress, Price, describe_seconds

QUEUED = JobState("mayo_1764000000_0a1b2c3d", JobStatus.WAITING, "Queued")
RUNNING = replace(
    QUEUED,
    status=JobStatus.RUNNING,
    word="Running",
    seconds_running=1800.0,
    page="https://ml.azure.com/runs/1",
)
STEP = TrainingEvent(fold=1, stage="fine_tune", epoch=2, step=3, steps=8, loss=0.61234)
EPOCH = TrainingEvent(
    fold=1, stage="fine_tune", epoch=1, epochs=24, loss=0.7, val_loss=0.65, images_per_second=95.4
)


@pytest.fixture
def shown(caplog) -> JobDisplay:
    caplog.set_level(logging.INFO)
    return JobDisplay(Price(3.0, "EUR", 2))


def tell(display: JobDisplay, *told: JobState | TrainingEvent) -> None:
    for one in told:
        if isinstance(one, JobState):
            display.update(one)
        else:
            display.event(RUNNING.run_id, one)


def test_a_row_has_state_training_speed_loss_time_and_cost():
    job = JobProgress(QUEUED, "0a1b2c3d", Price(3.0, "EUR", 2))
    job.take_state(RUNNING)
    job.take_event(EPOCH)
    job.take_event(STEP)
    assert job.describe() == {
        "Job": "0a1b2c3d",
        "State": "Running",
        "Fold": "1",
        "Epoch": "3/24 fine-tune",
        "Step": "3/8",
        "Images/s": "95",
        "Loss": "0.612",
        "Time": "30:00",
        "Cost": "3.00 EUR",
    }


def test_machines_that_were_taken_away_are_paid_for_too():
    job = JobProgress(RUNNING, "job", Price(3.0, "EUR"))
    job.take_state(replace(QUEUED, attempt=2))
    job.take_state(replace(RUNNING, attempt=2, seconds_running=600.0))
    assert job.seconds == 2400.0
    assert job.describe()["State"] == "Running, attempt 2"
    assert job.describe()["Cost"] == "2.00 EUR"


def test_the_end_of_a_job_is_no_new_start():
    job = JobProgress(RUNNING, "job", Price(3.0, "EUR"))
    job.take_state(replace(RUNNING, status=JobStatus.COMPLETED, seconds_running=1799.0))
    assert job.seconds == 1799.0
    job.take_state(replace(RUNNING, status=JobStatus.COMPLETED, attempt=2, seconds_running=1.0))
    assert job.seconds == 1800.0


def test_a_cost_is_only_told_where_the_price_is_known():
    assert JobProgress(RUNNING, "job", Price(None, "EUR")).describe()["Cost"] == ""


@pytest.mark.parametrize(("seconds", "words"), [(0, ""), (9.9, "0:09"), (61, "1:01"), (3725, "1:02:05")])
def test_durations(seconds, words):
    assert describe_seconds(seconds) == words


def test_in_a_terminal_jobs_have_a_table_above_the_bars(shown, monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=160)
    monkeypatch.setattr(progress, "get_console", lambda: console)
    with shown, progress.progress("Downloading", 4) as advance:
        tell(shown, RUNNING, EPOCH, STEP)
        advance(1)
        progress._display._progress.refresh()
    assert progress._display._progress is None
    last = screen.getvalue().split("Job")[-1]
    for told in ("0a1b2c3d", "3/24 fine-tune", "3/8", "3.00 EUR", "Downloading", "1/4"):
        assert told in last, told
    assert last.index("0a1b2c3d") < last.index("Downloading")


def test_elsewhere_each_state_is_a_line_and_training_one_now_and_then(shown, caplog, monkeypatch):
    now = 100.0
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(job_progress, "time", clock)
    with shown:
        for seconds in (0.0, 2.0):
            now = 100.0 + seconds
            tell(shown, QUEUED)
        for seconds in (4.0, 6.0, 21.0):
            now = 100.0 + seconds
            tell(shown, EPOCH, STEP, RUNNING)
        tell(shown, replace(RUNNING, status=JobStatus.COMPLETED, word="Completed"))
    training = "fold 1 · epoch 3/24 fine-tune · step 3/8 · 95 images/s"
    assert [message.removeprefix("Job 0a1b2c3d: ") for message in caplog.messages] == [
        "Queued",
        f"Running · {training} · loss 0.612 · 30:00 · 3.00 EUR",
        f"Running · {training} · loss 0.612 · 30:00 · 3.00 EUR",
        "Completed · loss 0.612 · 30:00 · 3.00 EUR",
    ]


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_html_has_a_link_to_the_page_a_bar_and_nothing_of_others(shown):
    tell(shown, STEP, replace(RUNNING, word="<script>alert(1)</script>"))
    parsed = Cells()
    parsed.feed(shown._repr_html_())
    tags = dict(parsed.tags)
    assert tags["a"]["href"] == RUNNING.page
    assert (tags["progress"]["value"], tags["progress"]["max"]) == ("3", "8")
    assert "script" not in tags
    assert "<script>alert(1)</script>" in parsed.text


def test_a_page_that_is_no_web_address_is_no_link(shown):
    tell(shown, replace(RUNNING, page="javascript:alert(1)"))
    assert "href" not in shown._repr_html_()


def test_in_a_notebook_one_output_is_put_in_place_of_itself(shown, monkeypatch):
    shell = InteractiveShell.instance()
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    pretty.install()  # as Kedro's log handler does
    with capture_output() as captured, shown:
        tell(shown, QUEUED)
        tell(shown, STEP, RUNNING)
    first, *later = captured.outputs
    assert "No job has been sent yet" in first.data["text/html"]
    assert not first.update
    assert [output.update for output in later] == [True, True]
    assert "3 fine-tune" in later[-1].data["text/html"]
    assert "epoch 3 fine-tune" in later[-1].data["text/plain"]
    InteractiveShell.clear_instance()


def test_lines_have_a_prefix_only_where_there_are_several_jobs(shown):
    tell(shown, RUNNING)
    assert shown.prefix(RUNNING.run_id) == ""
    shown.name("mayo_1764000000_ffffffff", "fold 2")
    assert shown.prefix(RUNNING.run_id) == "0a1b2c3d: "
    assert shown.prefix("mayo_1764000000_ffffffff") == "fold 2: "


def test_the_time_in_the_queue_is_told_until_there_are_machines(monkeypatch):
    now = 100.0
    monkeypatch.setattr(job_progress, "time", SimpleNamespace(monotonic=lambda: now))
    job = JobProgress(QUEUED, "job", Price(None, "EUR"))
    now = 175.0
    assert job.describe()["State"] == "Queued 1:15"
    job.take_state(RUNNING)
    assert job.describe()["State"] == "Running"
    now = 300.0
    job.take_state(replace(QUEUED, attempt=2))
    now = 310.0
    assert job.describe()["State"] == "Queued, attempt 2 0:10"
