"""This project: streamed in the order of the table, verified, kept in the cache."""

from collections.abc import Callable

import fsspec

from benchmarks.task import FOLDER, Task
from mayo_kedro.streaming.images import StreamedImages
from mayo_kedro.streaming.members import Members


def open_images(task: Task, members: Members | None = None) -> StreamedImages:
    """The images as a training gets them, in shards where `members` says so; nothing is contacted."""
    filesystem = fsspec.filesystem(
        "dagshub",
        host=task.host,
        token=task.token,
        cache_folder=str(task.target / "cache"),
        skip_instance_cache=True,
    )
    folder = f"/{task.repository}@main/{FOLDER}"
    return StreamedImages(filesystem, folder, task.suffix, lambda: task.ids, lambda: members)


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.ways`."""
    images, ids = open_images(task), task.ids

    def work() -> None:
        for _ in images.stream(ids):
            pass

    return work
