"""A connection to Dask: workers of this machine, or a scheduler elsewhere."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mayo_kedro.errors import UserError

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 20
FIRST_WORKER_SECONDS = 120
ENVIRONMENT = {"VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1", "DASK_LOGGING__DISTRIBUTED": "error"}
"""Of a worker: it has one core, and more threads would only add memory."""


LOGGING = {"distributed": "warning", "distributed.nanny": "error"}
"""Of this process: Dask tells of every connection otherwise, and warns of workers that end slowly."""


@contextmanager
def connect(scheduler: str | None, workers: int | None, slides: int) -> Iterator["Client"]:
    """Connect to a Dask scheduler, or start workers here for as long as they are used.

    Args:
        scheduler: its address; None starts workers on this machine.
        workers: how many are started; None is one for each core.
        slides: how many there are to do; no more workers are started.

    Raises:
        UserError: the scheduler can't be reached, or has no workers.
    """
    import dask  # noqa: PLC0415

    dask.config.set({"logging": LOGGING})  # read by the import below
    from distributed import Client  # noqa: PLC0415

    if scheduler is None:
        with _start(min(workers or os.cpu_count() or 1, slides)) as cluster, Client(cluster) as client:
            _leave_interrupts_to_us(client)
            yield client
        return
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
        client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(
            f"The Dask scheduler {scheduler} can't be used: {error or type(error).__name__}.",
            "Check slides.cluster.scheduler in conf/base/parameters_slides.yml, and that it runs and has "
            "workers; null starts workers on this machine.",
        ) from None
    with client:
        logger.info("Dask's dashboard: %s", client.dashboard_link)
        yield client


@contextmanager
def _start(workers: int) -> Iterator[Any]:
    import dask  # noqa: PLC0415
    from distributed import LocalCluster  # noqa: PLC0415

    settings = {
        "distributed.nanny.pre-spawn-environ": {
            **dask.config.get("distributed.nanny.pre-spawn-environ"),
            **ENVIRONMENT,
        },
        # A slide that waits at a worker would be blamed as well when that dies of another one.
        "distributed.scheduler.worker-saturation": 1.0,
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.WARNING,
        ) as cluster,
    ):
        logger.info("%d workers on this machine; Dask's dashboard: %s", workers, cluster.dashboard_link)
        yield cluster


def _leave_interrupts_to_us(client: "Client") -> None:
    """Ctrl-C reaches every process of the terminal; this one ends the workers, which then say nothing."""
    from distributed import Worker, WorkerPlugin  # noqa: PLC0415

    class IgnoreInterrupts(WorkerPlugin):  # type: ignore[misc]  # Dask has no type hints here
        """Sent by its content, since it is made here."""

        def setup(self, worker: Worker) -> None:
            """Also when a worker was replaced."""
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    client.register_plugin(IgnoreInterrupts())
