"""obstore: Rust's object_store, in threads."""

import os
from collections.abc import Callable

from obstore.store import HTTPStore

from benchmarks.clients.receiving import PIECE, receive, run_threads
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.clients`."""
    os.environ["SSL_CERT_FILE"] = task.options["certificate"]
    store = HTTPStore.from_url(task.host, client_options={"allow_http": True})

    def fetch(name: str) -> None:
        with receive(task, name) as incoming:
            for piece in store.get(name).stream(min_chunk_size=PIECE):
                incoming.write(piece)

    return run_threads(task, lambda: fetch)
