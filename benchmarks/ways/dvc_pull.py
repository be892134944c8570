"""`dvc pull -j 16` in a clone; its process, from start to end, is the whole command."""

from collections.abc import Callable

import dvc.cli

from benchmarks.clone import clone_folder
from benchmarks.task import Task
from benchmarks.ways import THREADS


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.ways`."""
    command = ["--cd", str(clone_folder(task)), "pull", "-j", str(THREADS), "--quiet"]

    def work() -> None:
        if code := dvc.cli.main(command):
            raise RuntimeError(f"dvc pull ended with {code}")

    return work
