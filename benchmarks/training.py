"""Two epochs as a training step sees them: how many images a second, and how busy the accelerator is.

The accelerator is simulated as MLPerf Storage does it: a step sleeps. Its utilisation (AU) is the time of the
steps over the time of everything, the wait for the first batch of an epoch left out.
"""

import time
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from benchmarks.settings import EPOCHS
from benchmarks.task import Task


def prepare(task: Task) -> Callable[[], dict[str, Any]]:
    """Open the pipeline `task.options["pipeline"]`; a step takes `task.options["step_seconds"]`."""
    batches = import_module(task.options["pipeline"]).open_batches(task)
    step = task.options["step_seconds"]
    return lambda: {"epochs": [_train(batches, step) for _ in range(EPOCHS)]}


def _train(batches: Iterable[Any], step: float) -> dict[str, float]:
    images, waits, steps = 0, [], []
    before = time.perf_counter()
    for batch in batches:
        arrived = time.perf_counter()
        time.sleep(step)
        done = time.perf_counter()
        images += len(batch)
        waits.append(arrived - before)
        steps.append(done - arrived)
        before = done
    waited, worked = sum(waits), sum(steps)
    return {
        "images": images,
        "seconds": waited + worked,
        "first_wait_seconds": waits[0],
        "utilisation": sum(steps[1:]) / (waited - waits[0] + sum(steps[1:])),
    }
