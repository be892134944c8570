"""The time to the first batch of 16 decoded images, with nothing here yet."""

from collections.abc import Callable
from importlib import import_module

from benchmarks.settings import BATCH_SIZE, IMAGE_SIDE
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], None]:
    """Open the pipeline that `task.options["pipeline"]` names; the work takes its first batch."""
    batches = import_module(task.options["pipeline"]).open_batches(task)

    def work() -> None:
        images = next(iter(batches))
        if images.shape != (BATCH_SIZE, IMAGE_SIDE, IMAGE_SIDE, 3):
            raise RuntimeError(f"a batch of shape {images.shape}")

    return work
