"""A bare aiohttp loop over names and a commit that are known: its session as it comes, nothing verified."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout

from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.ways`."""
    return lambda: asyncio.run(_fetch_all(task))


async def _fetch_all(task: Task) -> None:
    headers = {"Authorization": f"Bearer {task.token}"}
    async with ClientSession(headers=headers, timeout=ClientTimeout(total=None)) as session:
        await asyncio.gather(
            *(_fetch(session, task.raw_url(name), task.target / name) for name in task.names)
        )


async def _fetch(session: ClientSession, url: str, path: Path) -> None:
    async with session.get(url) as response:
        response.raise_for_status()
        with path.open("wb") as file:
            async for chunk in response.content.iter_any():
                file.write(chunk)
