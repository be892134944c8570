"""urllib3: one pool for all threads."""

from collections.abc import Callable

from urllib3 import PoolManager

from benchmarks.clients import CONNECTIONS
from benchmarks.clients.receiving import PIECE, receive, run_threads
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.clients`."""
    pool = PoolManager(maxsize=CONNECTIONS, ca_certs=task.options["certificate"])

    def fetch(name: str) -> None:
        url = f"{task.host}/{name}"
        response = pool.request("GET", url, preload_content=False, decode_content=False)
        with receive(task, name) as incoming:
            while piece := response.read(PIECE):
                incoming.write(piece)
        response.release_conn()

    return run_threads(task, lambda: fetch)
