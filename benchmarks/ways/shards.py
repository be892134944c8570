"""This project: many small files that are packed into shards, streamed in the order of the table."""

from collections.abc import Callable

import pandas as pd

from benchmarks.task import Task
from benchmarks.ways.ours import open_images
from mayo_kedro.streaming.members import COLUMNS, Members


def prepare(task: Task) -> Callable[[], None]:
    """See `benchmarks.ways`; `task.options["table"]` tells where each file lies."""
    table = pd.read_csv(task.options["table"], dtype=str)
    columns = {name: table[name] for name in COLUMNS}
    members = Members(table["image_id"].tolist(), columns, task.options["table"])
    # a rehearsal has other files, which are not packed
    images, ids = open_images(task, members if len(members) == task.rows else None), task.ids

    def work() -> None:
        for _ in images.stream(ids):
            pass

    return work
