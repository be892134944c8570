"""Kedro-Viz as a process, and what its API answers."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

LAYERS = ["raw", "intermediate", "primary", "model_input", "models", "model_output", "reporting"]
PATIENCE_S = 180


@dataclass(frozen=True)
class Viz:
    """A running Kedro-Viz."""

    url: str
    project: Path
    opener: urllib.request.OpenerDirector = field(
        # a proxy of the user's environment does not reach loopback
        default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({}))
    )

    def ask(self, path: str) -> Any:
        with self.opener.open(f"{self.url}/api/{path}", timeout=60) as answer:
            return json.load(answer)

    @cached_property
    def graph(self) -> dict[str, Any]:
        return self.ask("main")

    @cached_property
    def ids(self) -> dict[str, str]:
        return {node["name"]: node["id"] for node in self.graph["nodes"]}

    def names(self, kind: str) -> set[str]:
        return {node["name"] for node in self.graph["nodes"] if node["type"] == kind}

    def describe(self, name: str) -> dict[str, Any]:
        return self.ask(f"nodes/{self.ids[name]}")

    def is_ready(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return bool(self.ask("main"))
        return False


def free_port() -> int:
    # Of the ports that the system would choose, Kedro-Viz refuses those above 49151.
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port is free on loopback.")


def viz_command(project: Path, sample: Path, port: int) -> list[str]:
    sandbox = ["mayo_kedro.sandbox", "--seed", str(sample), "--state", str(project / ".sandbox")]
    serve = ["viz", "run", "--no-browser", "--host", "127.0.0.1", "--port", str(port), "--env", "test"]
    return [sys.executable, "-m", *sandbox, "--", sys.executable, "-m", "kedro", *serve]


def viz_environment(project: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSHUB", "MAYO_"))}
    # Kedro-Viz asks PyPI for its newest version and waits up to 30 s; here it is refused at once.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    return {**clean, **nowhere, "MAYO_CACHE_DIR": str(project / "cache")}


def wait_until_ready(viz: Viz, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not viz.is_ready():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.5)


@contextmanager
def serve(project: Path, sample: Path, log: Path) -> Iterator[Viz]:
    """Show a project whose data are the sandbox's."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            viz_command(project, sample, port),
            cwd=project,
            env=viz_environment(project),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Viz(f"http://127.0.0.1:{port}", project)
    try:
        wait_until_ready(running, process, log)
        yield running
    finally:
        # Kedro-Viz serves from a process of its own, which outlives its parent.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
