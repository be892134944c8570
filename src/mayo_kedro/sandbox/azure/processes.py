"""The processes of a run on one node or several, and the folder each is in."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mayo_kedro.sandbox.azure.artifacts import COLLECTED
from mayo_kedro.sandbox.azure.workplace import Workplace

__all__ = ["Command", "Processes", "read_command"]


@dataclass(frozen=True)
class Command:
    """What a run definition asks for.

    Args:
        arguments: of the process.
        variables: that the definition sets.
        nodes: how many processes, each on a node of its own.
        seconds: how long they may take.
    """

    arguments: Sequence[str]
    variables: Mapping[str, str]
    nodes: int
    seconds: float


def read_command(definition: Mapping[str, Any]) -> Command:
    """What a run definition asks for.

    Raises:
        ValueError: it asks for what is not rehearsed.
    """
    nodes = int(definition.get("nodeCount") or 1)
    if nodes > 1 and definition.get("framework") != "TensorFlow":
        raise ValueError("more than one node is rehearsed with a TensorflowConfiguration only")
    workers = (definition.get("tensorflow") or {}).get("workerCount", nodes)
    if nodes > 1 and int(workers) != nodes:
        raise ValueError(f"worker_count is {workers}, which is not the {nodes} nodes asked for")
    environment = definition.get("environment") or {}
    variables = {
        **(environment.get("environmentVariables") or {}),
        **(definition.get("environmentVariables") or {}),
    }
    seconds = float(definition.get("maxRunDurationSeconds") or 2_592_000)
    return Command(_read_arguments(definition), _as_text(variables), nodes, seconds)


def _read_arguments(definition: Mapping[str, Any]) -> list[str]:
    if command := definition.get("command"):
        # the SDK has joined a list with blanks, and quoted nothing
        return ["/bin/sh", "-c", str(command)]
    if not definition.get("script"):
        raise ValueError("neither command nor script is set")
    return ["python", str(definition["script"]), *(str(one) for one in definition.get("arguments") or [])]


def _as_text(variables: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in variables.items()}


@dataclass
class Processes:
    """Folders and processes of a run.

    Args:
        root: an empty folder for all of it.
        command: what to start.
        environment: of the process.
        logs: where the output goes, a file a node.
        workplace: is told which process groups there are.
    """

    root: Path
    command: Command
    environment: Mapping[str, str]
    logs: Sequence[Path]
    workplace: Workplace
    _running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def folders(self) -> list[Path]:
        """The working folder of each node."""
        return [self.root / f"node_{node}" / "work" for node in range(self.command.nodes)]

    def prepare(self, unpack: Callable[[Path], None]) -> None:
        """Fill the folders anew; what is in the folders that are collected stays as it is."""
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            for place in folder.iterdir():
                if place.name not in COLLECTED:
                    _remove(place)
            unpack(folder)
            for name in COLLECTED:
                (folder / name).mkdir(exist_ok=True)

    def start(self) -> None:
        """Start the processes, each the leader of a group; the logs start anew."""
        workers = find_addresses(self.command.nodes)
        for node, (folder, log) in enumerate(zip(self.folders, self.logs, strict=True)):
            log.parent.mkdir(parents=True, exist_ok=True)
            environment = {**self.environment, **_make_places(folder.parent)}
            if self.command.nodes > 1:
                environment["TF_CONFIG"] = _describe_worker(workers, node)
            with log.open("wb") as output:
                process = subprocess.Popen(
                    self.command.arguments,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._running.append(process)
            self.workplace.note(process.pid, running=True)

    def find_failure(self) -> tuple[int, int] | None:
        """Node and exit code of a process that has failed."""
        codes = [(node, process.poll()) for node, process in enumerate(self._running)]
        return next(((node, code) for node, code in codes if code), None)

    def have_ended(self) -> bool:
        """Whether all of them have ended."""
        return all(process.poll() is not None for process in self._running)

    def terminate(self, grace_s: float) -> None:
        """Ask them to end, and kill those that have not after a while."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for process in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        self.kill()

    def kill(self) -> None:
        """End them and their children without a word."""
        self._signal(signal.SIGKILL)
        for process in self._running:
            process.wait()
            self.workplace.note(process.pid, running=False)
        self._running.clear()

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()


def _make_places(node: Path) -> dict[str, str]:
    """Folders of a node that are its own, empty at the start."""
    places = {"HOME": node / "home", "TMPDIR": node / "tmp"}
    for place in places.values():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    return {name: str(place) for name, place in places.items()}


def find_addresses(count: int) -> list[str]:
    """Addresses on loopback that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = ["{}:{}".format(*one.getsockname()) for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def _describe_worker(workers: list[str], index: int) -> str:
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
