"""The service's words become ours, and starts are counted although the service does not tell them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.runners.azure.states import Attempts, to_status
from mayo_kedro.runners.job import JobStatus

WAITING, RUNNING = JobStatus.WAITING, JobStatus.RUNNING


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NotStarted", WAITING),
        ("Starting", WAITING),
        ("Preparing", WAITING),
        ("Provisioning", WAITING),
        ("Queued", WAITING),
        ("Running", RUNNING),
        ("Finalizing", RUNNING),
        ("CancelRequested", RUNNING),
        ("Completed", JobStatus.COMPLETED),
        ("Failed", JobStatus.FAILED),
        ("Canceled", JobStatus.CANCELLED),
        ("Something new", WAITING),
    ],
)
def test_words(word, status):
    assert to_status(word) is status


def test_waiting_again_is_a_new_start():
    attempts = Attempts()
    seen = [attempts.see_status("a", status) for status in (WAITING, RUNNING, WAITING, WAITING, RUNNING)]
    assert seen == [1, 1, 2, 2, 2]


def test_a_start_between_two_looks_shows_in_the_log():
    attempts = Attempts()
    attempts.see_status("a", RUNNING)
    attempts.see_new_log("a")
    assert attempts.see_status("a", RUNNING) == 2
    assert attempts.see_status("b", RUNNING) == 1


@given(st.lists(st.sampled_from(["queue, then log", "log, then queue", "log"]), max_size=6))
def test_each_start_counts_once_however_it_shows(starts):
    attempts = Attempts()
    attempts.see_status("a", RUNNING)
    for start in starts:
        if start.startswith("log"):
            attempts.see_new_log("a")
        if "queue" in start:
            attempts.see_status("a", WAITING)
        attempts.see_status("a", RUNNING)
        if start.endswith("then log"):
            attempts.see_new_log("a")
    assert attempts.see_status("a", RUNNING) == 1 + len(starts)
