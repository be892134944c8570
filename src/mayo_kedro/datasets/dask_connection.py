"""A connection to Dask: workers of this machine and of others of its job, or a scheduler elsewhere."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mayo_kedro.datasets.machines import Machines, read_key
from mayo_kedro.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 20
FIRST_WORKER_SECONDS = 120
JOIN_SECONDS = 300
"""How long the machines of a job wait for one another."""
LOOK_SECONDS = 0.5
SLIDES_AT_ONCE = 2
"""In a worker: one is unpacked, and the first bytes of the next one arrive meanwhile."""
END_SECONDS = 60
"""For the workers to end; what they hold is first moved among them, for which Dask itself waits for ever."""

ENVIRONMENT = {"VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1", "DASK_LOGGING__DISTRIBUTED": "error"}
"""Of a worker: it has one core, and more threads would only add memory."""

HEAPS = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": str(2**26),
    "MALLOC_MMAP_THRESHOLD_": str(2**20),
}
"""Of a worker as well. Dask's own threshold of 64 KiB gives memory back at once, which is taken again
for the next block and costs a fifth of the time; few heaps and a higher one keep a worker under 600 MB."""

IGNORE_INTERRUPTS = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
"""Run by each worker as it starts, one in another's place too: Ctrl-C reaches every process of the terminal,
and the one that started the workers ends them, which then say nothing."""

LOGGING = {"distributed": "warning", "distributed.nanny": "error"}
"""Of this process: Dask tells of every connection otherwise, and warns of workers that end slowly."""


@contextmanager
def connect(
    scheduler: str | None, workers: int | None, slides: int, machines: Machines | None = None
) -> Iterator["Client"]:
    """Connect to a Dask scheduler, or start workers here for as long as they are used.

    Args:
        scheduler: its address; None starts workers on this machine.
        workers: how many are started; None is one for each core.
        slides: how many there are to do; no more workers are started.
        machines: of a job on several; the others join the scheduler of this one.

    Raises:
        UserError: the scheduler can't be reached, or has no workers, or no workers could be started.
    """
    if scheduler is None:
        started = min(workers or os.cpu_count() or 1, max(slides, 1))
        with configured(), _start(started, machines) as client:
            yield client
        return
    with configured():
        client = _connect_elsewhere(scheduler)
    with client:
        logger.info("Dask's dashboard: %s", client.dashboard_link)
        yield client


def _connect_elsewhere(scheduler: str) -> "Client":
    from distributed import Client  # noqa: PLC0415

    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
        client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"The Dask scheduler {scheduler} can't be used: {error or type(error).__name__}.",
            "Check slides.cluster.scheduler in conf/base/parameters_slides.yml, and that it runs and has "
            "workers; null starts workers on this machine.",
        ) from None
    return client


@contextmanager
def configured() -> Iterator[None]:
    """Have Dask start workers as this project wants them, within the block."""
    import dask  # noqa: PLC0415

    dask.config.set({"logging": LOGGING})  # read by the import below
    import distributed  # noqa: F401, PLC0415

    environment = {**dask.config.get("distributed.nanny.pre-spawn-environ"), **ENVIRONMENT, **HEAPS}
    settings = {
        "distributed.nanny.pre-spawn-environ": environment,
        "distributed.worker.preload": [IGNORE_INTERRUPTS],
        # A slide that waits at a worker would be begun again as well when that dies of another one.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": 1,
    }
    with dask.config.set(settings):
        yield


@contextmanager
def _start(workers: int, machines: Machines | None) -> Iterator["Client"]:
    from distributed import Client  # noqa: PLC0415

    cluster = _start_scheduler(workers, machines)
    try:
        with Client(cluster, timeout=CONNECT_SECONDS) as client:
            cluster.scale(workers)  # together with the scheduler they would be waited for without an end
            _require_worker(client)
            logger.info("%d workers on this machine; Dask's dashboard: %s", workers, cluster.dashboard_link)
            yield client
            if machines is not None:
                _wait_for_others(client, machines)
    finally:
        _end(cluster)


def _start_scheduler(workers: int, machines: Machines | None) -> Any:
    from distributed import LocalCluster  # noqa: PLC0415
    from distributed.system import MEMORY_LIMIT  # noqa: PLC0415

    place: dict[str, Any] = {"host": "127.0.0.1"}
    if machines is not None:
        place = {"host": machines.first_host, "scheduler_port": machines.first_port, "security": read_key()}
    return LocalCluster(
        n_workers=0,
        threads_per_worker=SLIDES_AT_ONCE,
        memory_limit=MEMORY_LIMIT // workers,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.WARNING,
        **place,
    )


def _require_worker(client: "Client") -> None:
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
    except TimeoutError:
        raise UserError(
            f"No worker came up on this machine within {FIRST_WORKER_SECONDS} s.",
            "It may be busy, or short of memory: run again, or set slides.cluster.workers in "
            "conf/base/parameters_slides.yml to fewer.",
        ) from None


def _wait_for_others(client: "Client", machines: Machines) -> None:
    """Not to end before another machine has come, which would look for this one in vain."""
    until = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < until:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        come = {str(worker["name"]).partition(" ")[0] for worker in workers}
        if come >= {name_machine(number) for number in range(1, len(machines.addresses))}:
            return
        time.sleep(LOOK_SECONDS)


def name_machine(number: int) -> str:
    """How the names of its workers begin."""
    return f"machine-{number}"


def _end(cluster: Any) -> None:
    """End the workers; one that does not end does so with this process, as Dask's children do."""
    try:
        cluster.close(timeout=END_SECONDS)
    except TimeoutError:
        logger.warning("The workers did not end within %d s, and are left behind.", END_SECONDS)
