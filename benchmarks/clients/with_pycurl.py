"""pycurl: libcurl, a handle for each thread."""

from collections.abc import Callable

import pycurl

from benchmarks.clients.receiving import PIECE, receive, run_threads
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.clients`."""

    def open_client() -> Callable[[str], None]:
        handle = pycurl.Curl()
        handle.setopt(pycurl.CAINFO, task.options["certificate"])
        handle.setopt(pycurl.BUFFERSIZE, PIECE)
        handle.setopt(pycurl.NOSIGNAL, 1)

        def fetch(name: str) -> None:
            with receive(task, name) as incoming:
                handle.setopt(pycurl.URL, f"{task.host}/{name}")
                handle.setopt(pycurl.WRITEFUNCTION, incoming.write)
                handle.perform()

        return fetch

    return run_threads(task, open_client)
