"""One pass over slides by the project's own workers, and what it took."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import psutil

from mayo_kedro.datasets.dask_connection import SLIDES_AT_ONCE
from mayo_kedro.datasets.slide_workers_dataset import SlideWorkers
from mayo_kedro.pipelines.slides.cutting import CutSlide, cut_slide
from mayo_kedro.pipelines.slides.parameters import SlidesParameters
from mayo_kedro.streaming.slides import Slide

LOOK_SECONDS = 0.05


def cut_all(slides: Sequence[Slide], parameters: SlidesParameters, workers: int) -> dict[str, Any]:
    """Cut all slides.

    Returns:
        slides, seconds from the start of the first slide to the end of the last (starting the workers takes
        one or two more, whatever their work), gigabytes, gigabytes_per_second, fetched (GB),
        peak_megabytes of the largest worker, and problems.
    """
    ordered = sorted(slides, key=lambda slide: -slide.size)
    done, seconds, peak = _work(partial(_timed, parameters=parameters), ordered, workers)
    rows = [row for cut in done for row in cut.rows]
    size = sum(slide.size for slide in slides) / 1e9
    fetched = sum({row["slide"]: row.get("bytes_fetched", 0) for row in rows}.values()) / 1e9
    problems = [f"{row['slide']}: {row['problem']}" for row in rows if row["problem"]]
    speeds = {
        "slides": len(slides),
        "seconds": seconds,
        "gigabytes": size,
        "gigabytes_per_second": size / seconds,
    }
    return {**speeds, "fetched": fetched, "peak_megabytes": peak, "problems": problems}


def wait_all(tasks: int, seconds: float, workers: int) -> dict[str, Any]:
    """Have `tasks` slept for so many seconds each, as if they waited for a far place."""

    def wait(slide: Slide) -> tuple[float, float, None]:
        began = time.time()
        time.sleep(seconds)
        return began, time.time(), None

    slides = [Slide(f"wait_{number}", "", 1, "", "") for number in range(tasks)]
    _, took, _ = _work(wait, slides, workers)
    return {"seconds": took, "least_seconds": tasks * seconds / (workers * SLIDES_AT_ONCE)}


def _timed(slide: Slide, parameters: SlidesParameters) -> tuple[float, float, CutSlide]:
    began = time.time()
    cut = cut_slide(slide, parameters)
    return began, time.time(), cut


def _work(
    function: Callable[[Slide], tuple[float, float, Any]], slides: Sequence[Slide], workers: int
) -> tuple[list[Any], float, float]:
    with _Watch() as watch:
        results = [
            result for _, result in SlideWorkers().run(function, slides, scheduler=None, workers=workers)
        ]
    lost = [result for result in results if isinstance(result, str)]
    if lost:
        raise RuntimeError(f"{len(lost)} slides were not worked on: {lost[0]}")
    told = [result for result in results if not isinstance(result, str)]
    seconds = max(ended for _, ended, _ in told) - min(began for began, _, _ in told)
    return [outcome for _, _, outcome in told], seconds, watch.peak / 1e6


class _Watch:
    """Looks at the memory of this process's children; that of the largest is what a worker needs."""

    def __init__(self) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        own = psutil.Process(os.getpid())
        while not self._over.wait(LOOK_SECONDS):
            for child in own.children():
                try:
                    # a server that is measured against is no worker
                    if "multiprocessing" in " ".join(child.cmdline()):
                        self.peak = max(self.peak, child.memory_info().rss)
                except psutil.Error:
                    continue
