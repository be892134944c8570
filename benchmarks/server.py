"""The service that everything is measured against, and what it has used itself."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.settings import Link
from benchmarks.usage import cpu_seconds
from mayo_kedro.sandbox.process import Sandbox, start


class Server:
    """The sandbox, in a process of its own."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.host, self.token = sandbox.host, sandbox.token
        self._sandbox = sandbox
        self._cpu_before = 0.0
        # a proxy of the user's environment does not reach loopback
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def shape(self, link: Link | None) -> None:
        """Put it at the end of another line; None is this machine's own."""
        if link is None:
            self._sandbox.shape()
        else:
            self._sandbox.shape(link.round_trip_seconds * 1000, link.megabits_per_second)

    def read(self, repository: str) -> None:
        """Ask for a repository's root: the service reads it now, which the true one has in a database."""
        url = f"{self.host}/api/v1/repos/{repository}/content/main/"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310  ours
        with self._opener.open(request):
            pass

    def begin(self) -> None:
        """Count from now on."""
        self._sandbox.reset("counts")
        self._cpu_before = cpu_seconds(self._sandbox.process.pid)

    def figures(self) -> dict[str, Any]:
        """What has passed since `begin`, and the CPU time that it cost."""
        used = cpu_seconds(self._sandbox.process.pid) - self._cpu_before
        counts = self._sandbox.counts()
        return {
            "server_cpu_seconds": used,
            **{name: counts[name] for name in ("requests", "bytes", "connections")},
        }


@contextmanager
def serve(state: Path) -> Iterator[Server]:
    """Start the service on a state folder whose repositories have been made."""
    seed = state.with_name("seed")
    # without weights of its own the sandbox would export those of its sample
    (seed / "pretrained_efficientnet").mkdir(parents=True, exist_ok=True)
    (seed / "pretrained_efficientnet" / "none.h5").write_bytes(b"no weights")
    with start(state, seed=seed, repository="sandbox/seed") as sandbox:
        yield Server(sandbox)
