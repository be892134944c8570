"""Is every slide done or told, whoever dies?"""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from mayo_kedro.datasets import SlideWorkersDataset, dask_connection
from mayo_kedro.datasets import throughput as module
from mayo_kedro.errors import UserError
from mayo_kedro.streaming.slides import Slide


def make_slides(count):
    return [Slide(f"slide_{number}", f"somewhere/{number}", 10**6, "hash", "") for number in range(count)]


def run(function, slides, scheduler=None, workers=1):
    workers = None if scheduler else workers
    return SlideWorkersDataset().load().run(function, slides, scheduler=scheduler, workers=workers)


def test_gives_each_slide_with_its_result():
    def work(slide):
        import os

        if slide.name == "slide_3":
            raise ValueError("as it happens")
        return slide.name, os.getpid(), os.environ["VIPS_CONCURRENCY"]

    slides = make_slides(12)
    results = {slide.name: result for slide, result in run(work, slides, workers=2)}
    assert results.pop("slide_3") == "it can't be worked on (ValueError: as it happens)"
    assert len(results) == 11
    for name, (told, process, threads) in results.items():
        assert told == name
        assert process != os.getpid()
        assert threads == "1"


def test_a_killed_worker_is_replaced_and_its_slide_done(tmp_path):
    marker = str(tmp_path / "killed")

    def work(slide):
        import os
        import signal

        if slide.name == "slide_1" and not os.path.exists(marker):
            open(marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return slide.name

    results = dict(run(work, make_slides(4)))
    assert sorted(results.values()) == [f"slide_{number}" for number in range(4)]
    assert os.path.exists(marker)


@pytest.mark.slow
def test_a_slide_that_kills_every_worker_is_told_and_the_others_done():
    def work(slide):
        import os
        import signal
        import time

        time.sleep(0.3)  # long enough for the worker to have another slide as well
        if slide.name == "slide_1":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.3)
        return slide.name

    results = {slide.name: result for slide, result in run(work, make_slides(4))}
    assert "workers died of it" in results.pop("slide_1")
    assert results == {name: name for name in results}
    assert len(results) == 3


def test_nothing_is_left_running_when_the_run_is_given_up(tmp_path):
    def work(slide):
        import os

        return os.getpid()

    results = run(work, make_slides(8))
    _, process = next(results)
    results.close()
    for _ in range(600):
        if not psutil.pid_exists(process):
            break
        time.sleep(0.1)
    assert not psutil.pid_exists(process)


def test_workers_that_do_not_end_are_not_waited_for_without_an_end(monkeypatch, caplog):
    monkeypatch.setattr(dask_connection, "END_SECONDS", 0.001)
    assert len(dict(run(lambda slide: slide.name, make_slides(1)))) == 1
    assert "are left behind" in caplog.text


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and one worker, as somebody else would have started them."""
    place = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "dask"]
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
    options = {"cwd": tmp_path, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen([*command, *scheduler, "--scheduler-file", place], **options)]
    worker = ["worker", "--scheduler-file", place, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
    started.append(subprocess.Popen([*command, *worker], **options))
    for _ in range(1200):
        if place.exists() and place.read_text():
            break
        time.sleep(0.1)
    yield json.loads(place.read_text())["address"], started[0]
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_scheduler_elsewhere_is_used_and_its_loss_told(cluster):
    address, scheduler = cluster

    def quick(slide):
        return slide.name

    assert len(dict(run(quick, make_slides(3), address))) == 3

    def slow(slide):
        import time

        time.sleep(0 if slide.name == "slide_0" else 120)

    results = run(slow, make_slides(3), address)
    assert next(results)[0].name == "slide_0"
    scheduler.kill()
    with pytest.raises(UserError, match="was lost"):
        next(results)


def test_a_scheduler_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(dask_connection, "CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match=r"tcp://127.0.0.1:9 can't be used"):
        next(run(len, make_slides(1), "tcp://127.0.0.1:9"))


def test_throughput_is_told_in_words(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    throughput = module.Throughput(40 * 10**9)
    throughput.add(10**10)
    now[0] += 100
    assert throughput.describe() == "10.0 of 40.0 GB, 0.100 GB/s, 5 min left"
    throughput.add(3 * 10**10)
    assert throughput.describe() == "40.0 of 40.0 GB, 0.400 GB/s, 0 s left"
