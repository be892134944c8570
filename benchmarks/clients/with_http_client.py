"""http.client of the standard library, a connection for each thread, read into one buffer."""

import ssl
from collections.abc import Callable
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from benchmarks.clients.receiving import PIECE, receive, run_threads
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.clients`."""
    place = urlsplit(task.host)
    trust = ssl.create_default_context(cafile=task.options["certificate"])

    def open_client() -> Callable[[str], None]:
        secure = place.scheme == "https"
        connection = HTTPSConnection(place.netloc, context=trust) if secure else HTTPConnection(place.netloc)
        buffer = memoryview(bytearray(PIECE))

        def fetch(name: str) -> None:
            connection.request("GET", f"/{name}")
            with connection.getresponse() as response, receive(task, name) as incoming:
                while size := response.readinto(buffer):
                    incoming.write(buffer[:size])

        return fetch

    return run_threads(task, open_client)
