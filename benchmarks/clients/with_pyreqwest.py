"""pyreqwest: Rust's reqwest, in threads."""

from collections.abc import Callable
from pathlib import Path

from pyreqwest.client import SyncClientBuilder

from benchmarks.clients import CONNECTIONS
from benchmarks.clients.receiving import receive, run_threads
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.clients`."""
    builder = SyncClientBuilder().http1_only().max_connections(None).pool_max_idle_per_host(CONNECTIONS)
    client = builder.add_root_certificate_pem(Path(task.options["certificate"]).read_bytes()).build()

    def fetch(name: str) -> None:
        with client.get(f"{task.host}/{name}").build_streamed() as response, receive(task, name) as incoming:
            while piece := response.body_reader.read_chunk():
                incoming.write(memoryview(piece))

    return run_threads(task, lambda: fetch)
