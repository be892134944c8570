"""Workers that one machine of a job lends to another's scheduler."""

import asyncio
import logging
import os
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from mayo_kedro.datasets.dask_connection import (
    FIRST_WORKER_SECONDS,
    JOIN_SECONDS,
    LOOK_SECONDS,
    SLIDES_AT_ONCE,
    configured,
    name_machine,
)
from mayo_kedro.datasets.machines import Machines, read_key

if TYPE_CHECKING:
    from distributed import Nanny

logger = logging.getLogger(__name__)

STARTS = 3
"""How often a worker is started that dies before it can work."""


def lend_workers(machines: Machines, workers: int | None) -> None:
    """Work for the first machine of the job until its scheduler ends.

    Args:
        machines: of the job.
        workers: how many processes are started; None is one for each core.
    """
    with configured():
        asyncio.run(_lend(machines, workers or os.cpu_count() or 1))


async def _lend(machines: Machines, workers: int) -> None:
    if not await _answers(machines):
        logger.warning("The first machine has asked for no help within %d s.", JOIN_SECONDS)
        return
    async with AsyncExitStack() as running:
        starts = await asyncio.gather(*(_start(machines, worker) for worker in range(workers)))
        nannies = [await running.enter_async_context(nanny) for nanny in starts if nanny is not None]
        logger.info("%d workers of this machine help %s.", len(nannies), _scheduler(machines))
        await asyncio.gather(*(nanny.finished() for nanny in nannies))
    logger.info("The first machine needs no more help.")


async def _start(machines: Machines, worker: int) -> "Nanny | None":
    """Start a worker; again if it dies of that, which Dask itself does only for one that has started."""
    from distributed import Nanny  # noqa: PLC0415

    for _ in range(STARTS):
        if not await _listens(machines):
            break
        try:
            return await Nanny(
                _scheduler(machines),
                name=f"{name_machine(machines.number)} {worker}",
                nthreads=SLIDES_AT_ONCE,
                host=machines.own_host,
                security=read_key(),
                death_timeout=FIRST_WORKER_SECONDS,
                dashboard=False,
            )
        except (RuntimeError, TimeoutError) as error:
            logger.warning("Worker %d of this machine did not start: %s", worker, error.__cause__ or error)
    return None


def _scheduler(machines: Machines) -> str:
    return f"tls://{machines.first_host}:{machines.first_port}"


async def _answers(machines: Machines) -> bool:
    """Whether somebody listens there, sooner or later."""
    until = time.monotonic() + JOIN_SECONDS
    while not await _listens(machines):
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def _listens(machines: Machines) -> bool:
    try:
        _, writer = await asyncio.open_connection(machines.first_host, machines.first_port)
    except OSError:
        return False
    writer.close()
    return True
