"""Runs measurements against one service, each in a fresh process with an empty folder."""

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.process import MeasurementError, measure
from benchmarks.repositories import Made, Repositories
from benchmarks.server import Server
from benchmarks.settings import BATCH_SIZE, Link
from benchmarks.task import Task
from benchmarks.turns import Patience, Record, take_turns


@dataclass(frozen=True)
class Attempt:
    """One thing of several that are measured side by side.

    Attributes:
        module: see `Task.module`.
        repository: what it reads.
        options: see `Task.options`.
        arrange: what is to be done before the clock starts.
        every_file: whether every file has to lie in its folder afterwards.
    """

    module: str
    repository: Made
    options: Mapping[str, Any]
    arrange: Callable[[Task], None] = lambda _: None
    every_file: bool = False


class Session:
    """Measures against a running service.

    Args:
        server: the service.
        repositories: makes what it serves.
        folder: where each measurement gets a folder of its own.
        patience: how often, how long.
    """

    def __init__(self, server: Server, repositories: Repositories, folder: Path, patience: Patience) -> None:
        self.repositories = repositories
        self.folder = folder
        self._server = server
        self._patience = patience
        self._preloads: dict[str, list[str]] = {}

    def compare(
        self, attempts: Mapping[str, Attempt], link: Link, setting: Record, limit_seconds: float = 0.0
    ) -> Iterator[Record]:
        """Measure attempts side by side, see `take_turns`.

        Args:
            attempts: by the name of the way.
            link: the line to the service.
            setting: what all records say about themselves.
            limit_seconds: the physical limit.

        Yields:
            One record for each measurement, as soon as it is done.
        """
        for way, attempt in attempts.items():
            if way not in self._preloads:
                self._preloads[way] = self._rehearse(attempt)
        for made in {attempt.repository.name for attempt in attempts.values()}:
            self._server.read(made)
        self._server.shape(link)

        def run(way: str) -> Record:
            figures = self._run(attempts[way], self._preloads[way])
            return {name: value for name, value in figures.items() if name != "imported"}

        for record in take_turns(list(attempts), run, self._patience, limit_seconds):
            _tell({**setting, **record})
            yield {**setting, **record}

    @cached_property
    def _rehearsal(self) -> Made:
        return self.repositories.make("rehearsal", self.repositories.add_images(2 * BATCH_SIZE))

    def _rehearse(self, attempt: Attempt) -> list[str]:
        """Find out which modules a way imports once it is at work: from then on that is done before."""
        self._server.shape(None)
        rehearsed = Attempt(attempt.module, self._rehearsal, attempt.options, attempt.arrange)
        try:
            return list(self._run(rehearsed, [])["imported"])
        except MeasurementError:
            return []  # it will fail again, and be recorded then

    def _run(self, attempt: Attempt, preload: list[str]) -> Record:
        folder = self.folder / "measurement"
        folder.mkdir()
        made = attempt.repository
        task = Task(
            module=attempt.module,
            host=self._server.host,
            folder=str(folder),
            token=self._server.token,
            repository=made.name,
            commit=made.commit,
            rows=made.rows,
            suffix=made.contents.suffix,
            options=dict(attempt.options),
            preload=preload,
        )
        try:
            attempt.arrange(task)
            figures = measure(task, self._server, self._patience.give_up_seconds)
            if attempt.every_file and "seconds" in figures:
                _check_arrival(made, folder)
            return figures
        finally:
            shutil.rmtree(folder)


def _check_arrival(made: Made, folder: Path) -> None:
    """See that every content of a repository lies somewhere in a folder."""
    arrived = {_md5(path) for path in folder.rglob("*") if path.is_file()}
    missing = {one.md5 for one in made.contents.files} - arrived
    if missing:
        raise MeasurementError(f"{len(missing)} files of {made.name} did not arrive whole")


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _tell(record: Record) -> None:
    where = ("link", "load", "rows", "step_seconds", "way")
    taken = f"{record['seconds']:.3f} s" if "seconds" in record else record.get("failed", "given up")
    sys.stderr.write(f"{' '.join(str(record[name]) for name in where if name in record)}: {taken}\n")
