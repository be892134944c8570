"""The HTTP client: how its library is loaded, and how it is set up."""

import ipaddress
import os
import sys
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import certifi

from mayo_kedro import __version__
from mayo_kedro.streaming.workers import Workers

if TYPE_CHECKING:
    from pyreqwest.client import SyncClient

CONNECT_SECONDS = 10.0


def load_library() -> None:
    """Load the client's library, which only who reads pays for, by a thread that never ends.

    Its allocator belongs to the thread that loads it: once that has ended, the next use by another crashes.
    """
    if "pyreqwest" not in sys.modules:
        Workers(1).submit(partial(import_module, "pyreqwest.client")).result()


def make_client(host: str, most_requests: int, stall_seconds: float) -> "SyncClient":
    """Make a client with pooled connections that follows no redirects and changes no body.

    Args:
        host: URL of the service; no proxy is asked for one on this machine.
        most_requests: that will be under way at once.
        stall_seconds: a body that brings no byte for this long is an error.
    """
    from pyreqwest.client import SyncClientBuilder  # noqa: PLC0415

    builder = (
        SyncClientBuilder()
        .user_agent(f"mayo-kedro/{__version__}")
        .http1_only()  # HTTP/2 is slower for bodies of this size
        # Parts, sizes and hashes are of bodies as they are stored.
        .gzip(False)
        .brotli(False)
        .deflate(False)
        .zstd(False)
        .follow_redirects(False)
        .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
        .read_timeout(timedelta(seconds=stall_seconds))
        .max_connections(None)
        .pool_max_idle_per_host(most_requests)
    )
    # Besides the system's: a slim machine has none, and then the client could not even be made.
    named = (os.environ.get(variable) for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))
    for certificates in {certifi.where(), *filter(None, named)}:
        builder = builder.add_root_certificate_pem(Path(certificates).read_bytes())
    if _is_loopback(host):
        builder = builder.no_proxy()
    return builder.build()


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
