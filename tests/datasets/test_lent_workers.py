"""Do the machines of one job work together, and nobody else with them?"""

import json
import os
import subprocess
import sys

import pytest

from mayo_kedro.datasets import SlideWorkersDataset, dask_connection, lent_workers
from mayo_kedro.datasets.machines import find_machines
from mayo_kedro.errors import UserError
from mayo_kedro.runners.sending.cluster_key import CLUSTER_KEY, make_cluster_key
from mayo_kedro.sandbox.azure.processes import find_addresses
from mayo_kedro.streaming.slides import Slide

LEND = """
from mayo_kedro.datasets import SlideWorkersDataset
print(list(SlideWorkersDataset().load().run(len, [], scheduler=None, workers=1)))
"""


def describe(addresses, number):
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}})


@pytest.fixture
def first(monkeypatch):
    """This process as the first of two machines; gives the addresses of both."""
    addresses = find_addresses(2)
    monkeypatch.setenv("TF_CONFIG", describe(addresses, 0))
    monkeypatch.setenv(CLUSTER_KEY, make_cluster_key())
    return addresses


def start(addresses, number):
    environment = {**os.environ, "TF_CONFIG": describe(addresses, number)}
    return subprocess.Popen([sys.executable, "-c", LEND], env=environment, stdout=subprocess.PIPE, text=True)


def run(function, count):
    slides = [Slide(f"slide_{number}", "", 1, "", "") for number in range(count)]
    return SlideWorkersDataset().load().run(function, slides, scheduler=None, workers=1)


@pytest.mark.parametrize("told", ["", "{}", describe(["a:1"], 0)])
def test_one_machine_is_none_of_several(monkeypatch, told):
    monkeypatch.setenv("TF_CONFIG", told)
    assert find_machines() is None


def test_the_machines_are_read_as_the_job_is_told_of_them(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", describe(["10.0.0.4:2222", "10.0.0.5:2223"], 1))
    machines = find_machines()
    assert (machines.first_host, machines.first_port, machines.own_host) == ("10.0.0.4", 2222, "10.0.0.5")
    assert not machines.is_first


@pytest.mark.slow
def test_a_second_machine_works_for_the_first_is_replaced_and_ends_with_it(first, tmp_path):
    killed, helped = str(tmp_path / "killed"), str(tmp_path / "helped")

    def work(slide):
        import os
        import signal
        import time

        mine = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
        if mine == 1:
            try:
                os.mkdir(killed)
                time.sleep(1)  # its nanny replaces it if it had seen it start
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:  # another worker, or another thread of the one that is about to die
                time.sleep(2)
            open(helped, "w").close()
        until = time.monotonic() + 60
        while not os.path.exists(helped) and time.monotonic() < until:  # the first leaves some to the second
            time.sleep(0.05)
        return mine

    with start(first, 1) as second:
        results = dict(run(work, 8))
        assert sorted({*results.values()}) == [0, 1]
        assert os.path.exists(killed)
        assert second.wait(60) == 0
        assert second.stdout.read() == "[]\n"


def test_a_second_machine_is_waited_for_where_there_is_nothing_to_do(first, monkeypatch, caplog):
    caplog.set_level("INFO", "mayo_kedro")
    monkeypatch.setenv("TF_CONFIG", describe(first, 1))
    with start(first, 0) as other:
        assert list(run(len, 0)) == []
        assert "1 workers of this machine help tls://127.0.0.1:" in caplog.text
        assert "needs no more help" in caplog.text
        assert other.wait(60) == 0


DIE = """
import os
import signal
with open({starts!r}, "a") as file:
    file.write("started ")
    if file.tell() <= {deaths} * len("started "):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("deaths", "helping"), [(1, 1), (lent_workers.STARTS, 0)])
def test_a_worker_that_dies_as_it_starts_is_started_again(
    first, monkeypatch, caplog, tmp_path, deaths, helping
):
    """But not without end: the first machine does without it."""
    caplog.set_level("INFO", "mayo_kedro")
    monkeypatch.setenv("TF_CONFIG", describe(first, 1))
    dying = DIE.format(starts=str(tmp_path / "starts"), deaths=deaths)
    monkeypatch.setattr(dask_connection, "IGNORE_INTERRUPTS", dying)
    with start(first, 0) as other:
        assert list(run(len, 0)) == []
        if not helping:
            other.terminate()  # it would wait for this machine for minutes
        other.wait(60)
    assert caplog.text.count("Worker 0 of this machine did not start") == deaths
    assert f"{helping} workers of this machine help tls://" in caplog.text


def test_who_does_not_show_the_key_is_kept_out(first):
    from distributed import Client
    from distributed.security import Security

    results = run(lambda slide: slide.name, 2)
    next(results)
    for stranger in (None, Security.temporary()):
        with pytest.raises(OSError, match=r"TLS certificate|closed|Timed out"):
            Client(f"tls://{first[0]}" if stranger else f"tcp://{first[0]}", security=stranger, timeout=1)
    assert next(results)[1].startswith("slide_")
    results.close()


def test_a_first_machine_that_needs_no_help_is_not_waited_for_forever(first, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", describe(first, 1))
    monkeypatch.setattr(lent_workers, "JOIN_SECONDS", 1)
    assert list(run(len, 3)) == []


def test_workers_that_do_not_come_up_are_told(monkeypatch):
    monkeypatch.setattr(dask_connection, "FIRST_WORKER_SECONDS", 0.01)
    with pytest.raises(UserError, match="No worker came up on this machine"):
        next(run(len, 1))
