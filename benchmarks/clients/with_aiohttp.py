"""aiohttp: one event loop, as many tasks as connections."""

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import ClientSession, TCPConnector

from benchmarks.clients import CONNECTIONS
from benchmarks.clients.receiving import PIECE, receive, waiting_names
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.clients`."""
    return lambda: asyncio.run(_fetch_all(task))


async def _fetch_all(task: Task) -> None:
    waiting = waiting_names(task)
    trust = ssl.create_default_context(cafile=task.options["certificate"])
    connector = TCPConnector(limit=CONNECTIONS, ssl=trust)
    async with ClientSession(connector=connector, read_bufsize=PIECE) as session:

        async def fetch_some() -> None:
            # nothing else takes names while this does not wait
            while not waiting.empty():
                await _fetch(session, task, waiting.get_nowait())

        await asyncio.gather(*(fetch_some() for _ in range(CONNECTIONS)))


async def _fetch(session: ClientSession, task: Task, name: str) -> None:
    async with session.get(f"{task.host}/{name}") as response:
        with receive(task, name) as incoming:
            async for piece in response.content.iter_any():
                incoming.write(piece)
