"""What streaming is to reach, and whether it has."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.results import Results, name_load
from benchmarks.settings import BATCH_SIZE, LINKS, STEP_SECONDS

LIMIT_RATIO = 1.25
AIOHTTP_RATIO = 1.10
STOCK_SPEEDUP = 15
DVC_SPEEDUP = 4
FIRST_BATCH_ROUND_TRIPS = 5
SAME = 1.10
"""Two times that differ by less count as equal: repeats differ by as much."""
FIRST_EPOCH_SHARE = 0.95
LATER_EPOCH_SHARE = 0.98
UTILISATION = 0.95
UTILISATION_SHARE = 0.98


@dataclass(frozen=True)
class Goal:
    """One goal; `measured` is to be at least, or at most, `wanted`."""

    what: str
    measured: float
    wanted: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it has been reached."""
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted


def judge(results: Mapping[str, Results]) -> list[Goal]:
    """All goals about which something has been measured."""
    judges = {"download": _judge_download, "first-batch": _judge_first_batch, "training": _judge_training}
    goals = [goal for name, look in judges.items() if name in results for goal in look(results[name])]
    return [goal for goal in goals if not math.isnan(goal.measured)]


def _judge_download(results: Results) -> Iterator[Goal]:
    for link in results.distinct("link"):
        for load in results.where(link=link).distinct("load"):
            found = results.where(link=link, load=load)
            what = f"{LINKS[link]}, {name_load(found)}"
            ours = found.where(way="ours").median("seconds")
            aiohttp = found.where(way="aiohttp").median("seconds")
            yield Goal(
                f"{what}: time over the physical limit", ours / found.median("limit_seconds"), LIMIT_RATIO
            )
            yield Goal(f"{what}: time over a bare aiohttp loop's", ours / aiohttp, AIOHTTP_RATIO)
            if (link, load) == ("far", "medium"):
                yield from _judge_speedups(f"{what}: times faster than", found, ours)


def _judge_speedups(what: str, found: Results, ours: float) -> Iterator[Goal]:
    stock, dvc = found.where(way="stock"), found.where(way="dvc-pull")
    yield Goal(f"{what} the dagshub client", stock.median("seconds") / ours, STOCK_SPEEDUP, at_least=True)
    command = dvc.median("process_seconds") / ours
    yield Goal(f"{what} dvc pull, its imports included", command, DVC_SPEEDUP, at_least=True)
    yield Goal(f"{what} dvc pull, imports left out", dvc.median("seconds") / ours, DVC_SPEEDUP, at_least=True)


def _judge_first_batch(results: Results) -> Iterator[Goal]:
    for link in results.distinct("link"):
        found = results.where(link=link)
        times = {
            rows: found.where(rows=rows, way="ours").median("seconds") for rows in found.distinct("rows")
        }
        wanted = LINKS[link].seconds_for(int(found.median("size")), FIRST_BATCH_ROUND_TRIPS)
        wanted += found.where(way="local").median("seconds")
        for rows, seconds in times.items():
            yield Goal(f"{LINKS[link]}, first batch of {rows:,} rows: seconds", seconds, wanted)
        fewest, most = min(times), max(times)
        what = f"{LINKS[link]}, first batch: time for {most:,} rows over that for {fewest:,}"
        yield Goal(what, times[most] / times[fewest], SAME)


def _judge_training(results: Results) -> Iterator[Goal]:
    for link in results.distinct("link"):
        yield from _judge_rates(link, results.where(link=link, step_seconds=0.0))
        yield from _judge_utilisation(link, results.where(link=link, step_seconds=STEP_SECONDS))


def rate(results: Results, epoch: int) -> float:
    """Images a second of an epoch, the wait for its first batch included."""
    return results.median("epochs", epoch, "images") / results.median("epochs", epoch, "seconds")


def link_rate(results: Results, link: str) -> float:
    """The images a second that a link carries."""
    return LINKS[link].bytes_per_second * results.median("epochs", 0, "images") / results.median("size")


def _judge_rates(link: str, results: Results) -> Iterator[Goal]:
    ours, local = results.where(way="ours"), results.where(way="local")
    possible = min(rate(local, 0), link_rate(results, link)), rate(local, 1)
    for epoch, wanted in ((0, FIRST_EPOCH_SHARE), (1, LATER_EPOCH_SHARE)):
        what = f"{LINKS[link]}, epoch {epoch + 1}: images/s over what link and decoding allow"
        yield Goal(what, rate(ours, epoch) / possible[epoch], wanted, at_least=True)


def _judge_utilisation(link: str, results: Results) -> Iterator[Goal]:
    if link_rate(results, link) < BATCH_SIZE / STEP_SECONDS:
        return
    for epoch in (0, 1):
        ours = results.where(way="ours").median("epochs", epoch, "utilisation")
        local = results.where(way="local").median("epochs", epoch, "utilisation")
        what = f"{LINKS[link]}, epoch {epoch + 1}: accelerator utilisation"
        yield Goal(what, ours, UTILISATION, at_least=True)
        yield Goal(f"{what} over the local pipeline's", ours / local, UTILISATION_SHARE, at_least=True)
