"""fsspec's http behind its cache of whole files, which brings all of them at once if it is asked for all."""

from collections.abc import Callable

import fsspec

from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.ways`."""
    options = {"client_kwargs": {"headers": {"Authorization": f"Bearer {task.token}"}}}
    urls = [f"filecache::{task.raw_url(name)}" for name in task.names]

    def work() -> None:
        with fsspec.open_files(urls, http=options, filecache={"cache_storage": task.folder}):
            pass

    return work
