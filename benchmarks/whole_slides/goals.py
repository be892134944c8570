"""What was to be shown, beside what was measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.whole_slides.measurements import LINK

Results = Mapping[str, Sequence[Mapping[str, Any]]]


class Goal(NamedTuple):
    """One of them.

    Attributes:
        what: is measured.
        asked: in words.
        measured: in words.
        met: whether it is.
    """

    what: str
    asked: str
    measured: str
    met: bool


def judge(results: Results) -> Iterator[Goal]:
    """Compare what there is of the measurements with what was asked for."""
    for name, slides in (("throughput", ""), ("large", "slides of 0.4 GB, ")):
        if results.get(name):
            yield from _judge_throughput(results[name], slides)
    rows = [row for name in ("throughput", "large", "memory") for row in results.get(name, ())]
    if rows:
        peak = max(row["peak_megabytes"] for row in rows)
        yield Goal("largest worker", "under 600 MB", f"{peak:.0f} MB", peak < 600)
    if results.get("waiting"):
        most = max(results["waiting"], key=lambda row: int(row["workers"]))
        share = most["least_seconds"] / most["seconds"]
        yield Goal(f"{most['workers']} workers that wait", "90 % of linear", f"{share:.0%}", share >= 0.9)


def limit(rows: Sequence[Mapping[str, Any]], workers: int) -> float:
    """GB/s that streaming can reach: of the line and of local files with as many workers the smaller."""
    local = next(r["gigabytes_per_second"] for r in rows if (r["place"], r["workers"]) == ("local", workers))
    return min(LINK.bytes_per_second / 1e9, float(local))


def _judge_throughput(rows: Sequence[Mapping[str, Any]], slides: str) -> Iterator[Goal]:
    speeds = {(row["place"], row["workers"]): row["gigabytes_per_second"] for row in rows}
    for workers in (1, 2):
        share = speeds["streamed", workers] / limit(rows, workers)
        what = f"{slides}streamed, of min(line, local), {workers} workers"
        yield Goal(what, "90 %", f"{share:.0%}", share >= 0.9)
    line = LINK.bytes_per_second / 1e9
    for place, end in (("local", float("inf")), ("streamed", line)):
        faster = speeds[place, 2] / speeds[place, 1]
        met = faster >= 1.8 or speeds[place, 2] >= 0.9 * end  # two can't be faster than their line
        asked = "1.8 times" if end > line else "1.8 times, or the line's end"
        yield Goal(f"{slides}from one worker to two, {place}", asked, f"{faster:.2f} times", met)
    left = max(row["left_megabytes"] for row in rows)
    yield Goal(f"{slides}left on the disk besides the images", "nothing", f"{left:.2f} MB", left < 1)
