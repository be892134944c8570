"""The process that does one measurement: its task comes on stdin, one line of JSON is its answer."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, TextIO

from benchmarks.task import Task
from benchmarks.usage import memory_megabytes, own_cpu_seconds


def main() -> None:
    """Prepare, say so, wait for the word, and measure."""
    answers = _take_stdout()
    task = Task(**json.loads(sys.stdin.readline()))
    work = import_module(f"benchmarks.{task.module}").prepare(task)
    _preload(task.preload)
    answers.write("ready\n")
    answers.flush()
    sys.stdin.readline()
    answers.write(json.dumps(_measure(work)) + "\n")
    answers.flush()


def _take_stdout() -> TextIO:
    """Keep stdout for the answer; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _preload(modules: Iterable[str]) -> None:
    for module in modules:
        with contextlib.suppress(ImportError):  # some names in sys.modules cannot be imported by themselves
            import_module(module)


def _measure(work: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    known = set(sys.modules)
    idle, _ = memory_megabytes()
    cpu, start = own_cpu_seconds(), time.perf_counter()
    figures = work() or {}
    seconds = time.perf_counter() - start
    cpu = own_cpu_seconds() - cpu
    _, peak = memory_megabytes()
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "idle_megabytes": idle,
        "peak_megabytes": peak,
        "imported": [module for module in sys.modules if module not in known],
        **figures,
    }


if __name__ == "__main__":
    main()
