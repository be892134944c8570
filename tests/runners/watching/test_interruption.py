"""Ctrl-C and SIGTERM, in a terminal and elsewhere, on a program that waits for a job."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .terminal import Terminal

WAIT = """
import logging, sys, threading, time
from pathlib import Path
from mayo_kedro.runners.watching.interruption import interruption
from mayo_kedro.progress import progress

logging.basicConfig(format="%(message)s")
how = sys.argv[1]
running = set() if how == "none" else {"job_1"}

def cancel(run_id):
    if how == "refused":
        raise RuntimeError("503")
    if how != "deaf":
        running.discard(run_id)

try:
    with interruption(lambda: running, cancel) as asked, progress("Training", 3):
        print("waiting", flush=True)
        if how == "blocked":
            threading.Event().wait()
        while (running or how == "none") and not asked.stop.wait(0.02):
            if Path("over").exists():
                running.clear()
except KeyboardInterrupt as ended:
    print("ended by", type(ended).__name__, flush=True)
    sys.exit(1)
print("ended by itself")
"""


def start(folder: Path, how: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, how],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert any(line == "waiting\n" for line in process.stdout)
    return process


@pytest.fixture
def open_terminal(tmp_path):
    opened = []

    def open_one(how: str):
        one = Terminal("-c", WAIT, how, folder=tmp_path)
        opened.append(one)
        one.wait_for("waiting")
        return one

    yield open_one
    for one in opened:
        one.process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_elsewhere_than_in_a_terminal_the_first_cancels(tmp_path, number):
    process = start(tmp_path, "obeying")
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert "Cancelling the job job_1" in output
    assert output.endswith("ended by Cancelled\n")
    assert process.returncode == 1


def test_a_second_one_leaves_a_job_that_does_not_end_to_itself(tmp_path):
    process = start(tmp_path, "deaf")
    process.send_signal(signal.SIGINT)
    assert "Cancelling" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert "They were told to end" in output
    assert "kedro azure status job_1" in output
    assert output.endswith("ended by Detached\n")


def test_a_service_that_does_not_cancel_is_told_of(tmp_path):
    process = start(tmp_path, "refused")
    process.send_signal(signal.SIGINT)
    assert "Cancelling" in process.stdout.readline()
    assert "could not be cancelled (503): `kedro azure cancel job_1`" in process.stdout.readline()
    (tmp_path / "over").touch()
    assert process.communicate(timeout=60)[0] == "ended by Cancelled\n"


def test_without_a_job_it_is_a_plain_interrupt(tmp_path):
    process = start(tmp_path, "none")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[0] == "ended by KeyboardInterrupt\n"


def test_in_a_terminal_it_asks_and_cancels(open_terminal):
    window = open_terminal("obeying")
    window.press("\x03")
    window.wait_for("[g]o on?")
    window.press("what\n")
    window.wait_for("[g]o on?")
    window.press("c\n")
    code, shown = window.end()
    assert "ended by Cancelled" in shown
    assert code == 1


@pytest.mark.parametrize("how", ["obeying", "blocked"])
def test_in_a_terminal_it_asks_and_detaches(open_terminal, how):
    window = open_terminal(how)
    window.press("\x03")
    window.wait_for("[g]o on?")
    window.press("d\n")
    code, shown = window.end()
    assert "The jobs go on, and cost." in shown
    assert "kedro azure attach job_1" in shown
    assert "ended by Detached" in shown
    assert code == 1


def test_in_a_terminal_a_second_one_detaches_while_it_asks(open_terminal):
    window = open_terminal("obeying")
    window.press("\x03")
    window.wait_for("[g]o on?")
    window.press("\x03")
    code, shown = window.end()
    assert "ended by Detached" in shown
    assert "Fatal" not in shown
    assert code == 1


def test_in_a_terminal_it_goes_on_and_asks_again_the_next_time(open_terminal, tmp_path):
    window = open_terminal("obeying")
    for _ in range(2):
        window.press("\x03")
        window.wait_for("[g]o on?")
        window.press("g\n")
        window.wait_for("Going on.")
    (tmp_path / "over").touch()
    code, shown = window.end()
    assert "ended by itself" in shown
    assert code == 0


def test_a_question_is_withdrawn_when_the_job_is_over(open_terminal, tmp_path):
    window = open_terminal("obeying")
    window.press("\x03")
    window.wait_for("[g]o on?")
    (tmp_path / "over").touch()
    code, shown = window.end()
    assert "ended by itself" in shown
    assert code == 0


def test_sigterm_asks_in_a_terminal_too(open_terminal):
    window = open_terminal("obeying")
    os.kill(window.process.pid, signal.SIGTERM)
    window.wait_for("[g]o on?")
    window.press("c\n")
    assert "ended by Cancelled" in window.end()[1]
