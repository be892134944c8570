"""Jobs that are followed while they run for real, on the sandbox's service, through the real SDK."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.backend import AzureMLBackend
from mayo_kedro.runners.job import ComputeSpec, EnvironmentSpec, JobSpec, JobStatus
from mayo_kedro.runners.settings import AzureMLSettings
from mayo_kedro.runners.watching import following
from mayo_kedro.runners.watching.display import JobDisplay
from mayo_kedro.runners.watching.following import follow
from mayo_kedro.runners.watching.job_progress import Price

CLUSTER = ComputeSpec("gpu-cluster", "Standard_NC4as_T4_v3", max_nodes=4, idle_seconds=60)
CONTAINER = EnvironmentSpec("mayo-kedro-test", "FROM example/image:1\n")
PATIENCE_S = 180.0


@pytest.fixture(scope="module")
def backend(azure):
    made = AzureMLBackend(AzureMLSettings())
    made.ensure_compute(CLUSTER)
    made.ensure_environment(CONTAINER)
    return made


@pytest.fixture(autouse=True)
def _calm(azure):
    yield
    azure.azure.reset("faults")
    azure.azure.set(preemptions=0, queue_seconds=0)


@pytest.fixture
def send(backend, tmp_path):
    """Send a program as a job; what still runs at the end is cancelled."""
    sent = []

    def send_one(program: str) -> str:
        source = tmp_path / uuid.uuid4().hex
        source.mkdir()
        (source / "job.py").write_text(dedent(program))
        run_id = f"follow_{time.time_ns()}_{uuid.uuid4().hex[:8]}"
        given = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        backend.submit(
            JobSpec(
                run_id, "follow", ["python", "job.py"], source, CONTAINER, CLUSTER, given, max_seconds=120
            )
        )
        sent.append(run_id)
        return run_id

    yield send_one
    for run_id in sent:
        backend.cancel(run_id)


@pytest.fixture
def display(caplog):
    caplog.set_level(logging.INFO)
    with JobDisplay(Price(2.5, "EUR")) as shown:
        yield shown


def lines(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.name == "mayo_kedro.job"]


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def told(caplog) -> str:
    return "\n".join(record.message for record in caplog.records if record.name != "mayo_kedro.job")


def test_lines_come_through_and_events_and_secrets_do_not(backend, send, display, caplog):
    run_id = send(
        """
        import sys, time
        print("[/red] no markup")
        print('MAYO-EVENT {"fold": 3, "stage": "frozen", "epoch": 1, "step": 2, "steps": 9, "loss": 0.25}')
        sys.stdout.buffer.write("zw\u00f6lf".encode()[:3]); sys.stdout.buffer.flush()
        time.sleep(3)
        sys.stdout.buffer.write("zw\u00f6lf".encode()[3:]); sys.stdout.buffer.flush()
        print(" and s3cret")
        print("no end", end="")
        """
    )
    state = follow(backend, run_id, display, queue_minutes=5, secrets=["s3cret"])
    assert state.status is JobStatus.COMPLETED
    assert lines(caplog) == ["[/red] no markup", "zwölf and ***", "no end"]
    assert "fold 3 · epoch 2 frozen · step 2/9 · loss 0.250" in told(caplog)
    assert "Completed" in told(caplog)
    assert "EUR" in repr(display)


def test_a_job_that_fails_has_told_its_traceback(backend, send, display, caplog):
    state = follow(backend, send("raise ValueError('no such image')"), display, queue_minutes=5)
    assert state.status is JobStatus.FAILED
    assert lines(caplog)[-1] == "ValueError: no such image"
    assert state.error


def test_a_preemption_is_told_and_the_new_log_read_from_its_start(
    backend, send, display, caplog, azure, tmp_path
):
    azure.azure.set(preemptions=1, preempt_on="halfway")
    seen = tmp_path / "seen"
    run_id = send(
        f"""
        import os, time
        os.makedirs("outputs", exist_ok=True)
        before = os.path.exists("outputs/checkpoint")
        print("begins again" if before else "begins")
        open("outputs/checkpoint", "w").close()
        while not os.path.exists({str(seen)!r}):
            time.sleep(0.05)
        print("ends" if before else "halfway")
        time.sleep(0 if before else 60)
        """
    )
    with ThreadPoolExecutor(1) as pool:
        watched = pool.submit(follow, backend, run_id, display, queue_minutes=5)
        wait_until(lambda: "begins" in lines(caplog))
        seen.touch()
        state = watched.result()
    assert state.status is JobStatus.COMPLETED
    assert state.attempt == 2
    assert [line for line in lines(caplog) if line != "halfway"] == ["begins", "begins again", "ends"]
    assert told(caplog).count("The machines were taken away, and the job begins again: attempt 2.") == 1


def test_a_job_that_waits_too_long_is_cancelled(backend, send, display, azure):
    azure.azure.set(queue_seconds=60)
    run_id = send("print('never')")
    with pytest.raises(UserError, match=r"more than 0.01 minutes .* and was cancelled") as raised:
        follow(backend, run_id, display, queue_minutes=0.01)
    assert "queue_minutes in conf/azure/azureml.yml" in raised.value.remedy
    assert follow(backend, run_id, display, queue_minutes=5).status is JobStatus.CANCELLED


def test_several_jobs_at_once_have_their_names_before_their_lines(backend, send, display, caplog):
    programs = {name: send(f"print('I am {name}')") for name in ("one", "two")}
    for name, run_id in programs.items():
        display.name(run_id, name)
    with ThreadPoolExecutor(2) as pool:
        states = pool.map(lambda run_id: follow(backend, run_id, display, queue_minutes=5), programs.values())
        assert {state.status for state in states} == {JobStatus.COMPLETED}
    assert sorted(lines(caplog)) == ["one: I am one", "two: I am two"]


def test_watching_can_end_while_the_job_goes_on(backend, send, display, caplog):
    run_id, stop = send("import time; print('up'); time.sleep(300)"), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        watched = pool.submit(follow, backend, run_id, display, queue_minutes=5, stop=stop)
        wait_until(lambda: lines(caplog))
        stop.set()
        assert watched.result().status is JobStatus.RUNNING
    assert backend.state(run_id).status is JobStatus.RUNNING


def test_a_service_that_fails_for_a_while_is_asked_again(backend, send, display, caplog, azure):
    run_id = send("import time; print('one'); time.sleep(4); print('two')")
    azure.azure.fault("*std_log.txt", status=500, times=2)
    assert follow(backend, run_id, display, queue_minutes=5).status is JobStatus.COMPLETED
    assert lines(caplog) == ["one", "two"]
    assert "The service did not answer (" in told(caplog)


@pytest.mark.slow
def test_a_service_that_fails_for_long_is_given_up_and_the_job_is_not(
    backend, send, display, azure, monkeypatch
):
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 1.0)
    run_id = send("import time; time.sleep(300)")
    azure.azure.fault(f"*/runs/{run_id}*", status=503, times=None)
    with pytest.raises(UserError, match="has not answered") as raised:
        follow(backend, run_id, display, queue_minutes=5)
    assert f"kedro azure attach {run_id}" in raised.value.remedy
    azure.azure.reset("faults")
    assert backend.state(run_id).status in (JobStatus.RUNNING, JobStatus.COMPLETED)


WATCH = """
import sys
from mayo_kedro.runners.azure.backend import AzureMLBackend
from mayo_kedro.runners.watching.display import JobDisplay
from mayo_kedro.runners.watching.following import follow
from mayo_kedro.runners.watching.interruption import interruption
from mayo_kedro.runners.settings import AzureMLSettings

backend = AzureMLBackend(AzureMLSettings())
with JobDisplay() as display, interruption(lambda: [sys.argv[1]], backend.cancel) as asked:
    print("watching", flush=True)
    follow(backend, sys.argv[1], display, queue_minutes=5, stop=asked.stop)
"""


def test_ctrl_c_on_a_program_that_follows_cancels_the_job(backend, send, display):
    run_id = send("import time; time.sleep(300)")
    watching = subprocess.Popen(
        [sys.executable, "-c", WATCH, run_id],
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert any(line == "watching\n" for line in watching.stdout)
    watching.send_signal(signal.SIGINT)
    output, _ = watching.communicate(timeout=PATIENCE_S)
    assert "Cancelled" in output
    assert backend.state(run_id).status is JobStatus.CANCELLED
