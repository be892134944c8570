"""DVCFileSystem on a clone: each file copied here by one of several threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dvc.api import DVCFileSystem

from benchmarks.clone import clone_folder
from benchmarks.task import FOLDER, Task
from benchmarks.ways import THREADS


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.ways`."""

    def work() -> None:
        filesystem = DVCFileSystem(str(clone_folder(task)))

        def fetch(name: str) -> None:
            filesystem.get_file(f"{FOLDER}/{name}", str(task.target / name))

        # the first builds the index of the repository, and each other thread would build its own
        first, *others = task.names
        fetch(first)
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(fetch, others))

    return work
