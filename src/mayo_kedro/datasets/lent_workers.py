"""Workers that one machine of a job lends to another's scheduler."""

import asyncio
import logging
import os
import time
from contextlib import AsyncExitStack

from mayo_kedro.datasets.dask_connection import (
    FIRST_WORKER_SECONDS,
    JOIN_SECONDS,
    LOOK_SECONDS,
    SLIDES_AT_ONCE,
    configured,
    name_machine,
)
from mayo_kedro.datasets.machines import Machines, read_key

logger = logging.getLogger(__name__)


def lend_workers(machines: Machines, workers: int | None) -> None:
    """Work for the first machine of the job until its scheduler ends.

    Args:
        machines: of the job.
        workers: how many processes are started; None is one for each core.
    """
    with configured():
        asyncio.run(_lend(machines, workers or os.cpu_count() or 1))


async def _lend(machines: Machines, workers: int) -> None:
    from distributed import Nanny  # noqa: PLC0415

    if not await _answers(machines):
        logger.warning("The first machine has asked for no help within %d s.", JOIN_SECONDS)
        return
    scheduler = f"tls://{machines.first_host}:{machines.first_port}"
    async with AsyncExitStack() as running:
        nannies = [
            Nanny(
                scheduler,
                name=f"{name_machine(machines.number)} {worker}",
                nthreads=SLIDES_AT_ONCE,
                host=machines.own_host,
                security=read_key(),
                death_timeout=FIRST_WORKER_SECONDS,
                dashboard=False,
            )
            for worker in range(workers)
        ]
        await asyncio.gather(*(running.enter_async_context(nanny) for nanny in nannies))
        logger.info("%d workers of this machine help %s.", workers, scheduler)
        await asyncio.gather(*(nanny.finished() for nanny in nannies))
    logger.info("The first machine needs no more help.")


async def _answers(machines: Machines) -> bool:
    """Whether somebody listens there, sooner or later."""
    until = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < until:
        try:
            _, writer = await asyncio.open_connection(machines.first_host, machines.first_port)
        except OSError:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        writer.close()
        return True
    return False
