"""What a file costs as the repository grows: some that travel, then all of it from the cache."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.task import Task, file_id, spread_rows
from benchmarks.usage import own_cpu_seconds
from benchmarks.ways.ours import open_images
from mayo_kedro.streaming.images import StreamedImages


def prepare(task: Task) -> Callable[[], dict[str, Any]]:
    """Stream `task.options["fetched"]` different files, then every row: these have the same contents."""
    images, everything = open_images(task), task.ids
    different = [file_id(row) for row in spread_rows(task.rows, min(task.rows, task.options["fetched"]))]

    def work() -> dict[str, Any]:
        fetching = _stream(images, different)
        return {"fetching": fetching, "cached": _stream(images, everything)}

    return work


def _stream(images: StreamedImages, ids: Sequence[str]) -> dict[str, float]:
    start, cpu = time.perf_counter(), own_cpu_seconds()
    stream = iter(images.stream(ids))
    next(stream)
    first = time.perf_counter() - start
    for _ in stream:
        pass
    seconds = time.perf_counter() - start
    return {
        "files": len(ids),
        "first_seconds": first,
        "seconds": seconds,
        "cpu_seconds": own_cpu_seconds() - cpu,
    }
