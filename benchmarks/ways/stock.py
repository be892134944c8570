"""The dagshub client's own streaming: a file lies here once it has been opened."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dagshub.streaming import DagsHubFilesystem

from benchmarks.task import FOLDER, Task


def mount(task: Task) -> DagsHubFilesystem:
    """Mount the repository at the task's folder: five requests."""
    return DagsHubFilesystem(task.folder, repo_url=f"{task.host}/{task.repository}", branch="main")


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.ways`."""
    # two threads that make the folder at the same time make the client fail
    folder = task.target / FOLDER
    folder.mkdir()

    def work() -> None:
        filesystem = mount(task)

        def fetch(name: str) -> None:
            filesystem.open(folder / name, "rb").close()

        with ThreadPoolExecutor(task.options["threads"]) as threads:
            list(threads.map(fetch, task.names))

    return work
