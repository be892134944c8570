"""Measure the cutting of slides: speed, memory, bytes and scaling; writes a page, its numbers and a curve."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.command import RESULTS, check_output
from benchmarks.whole_slides.estimate import Cluster
from benchmarks.whole_slides.measurements import FULL, MEASUREMENTS, TINY, Extent, Session
from benchmarks.whole_slides.report import draw_curve, write_page
from benchmarks.workspace import describe_machine, open_workspace

PACKAGES = {"mayo-kedro", "pyvips", "pyvips-binary", "tifffile", "distributed"}


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for; returns 1 if a slide had a problem."""
    options = _read_options(arguments)
    logging.basicConfig(level=logging.WARNING)
    numbers = options.output / "slides.json"
    results = json.loads(numbers.read_text()) if numbers.exists() else {}
    with open_workspace(options.workspace) as workspace:
        machine = describe_machine(workspace, PACKAGES)
        session = Session(workspace, options.extent)
        for name in options.measure:
            results[name] = MEASUREMENTS[name](session)
            sys.stderr.write(f"{name}: {json.dumps(results[name])}\n")
    options.output.mkdir(parents=True, exist_ok=True)
    numbers.write_text(json.dumps(results, indent=1) + "\n")
    page = options.output / "slides.md"
    write_page(results, _describe(options.extent), machine, options.cluster, page)
    if results.get("waiting"):
        draw_curve(results["waiting"], results.get("throughput", []), options.output / "slides.png")
    return int(any(row.get("problems") for rows in results.values() for row in rows))


def _describe(extent: Extent) -> str:
    least, most = extent.sides
    return f"{extent.slides} generated slides of {least:,} to {most:,} pixels a side"


def _read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.slides", description=__doc__)
    add = parser.add_argument
    known = list(MEASUREMENTS)
    add("--measure", nargs="+", metavar="NAME", choices=known, default=known, help=", ".join(known))
    add("--slides", type=int, help=f"how many ({FULL.slides})")
    add("--longest-side", type=int, help=f"of a slide, in pixels ({FULL.sides[1]})")
    add("--repeats", type=int, help=f"of each pass ({FULL.repeats})")
    add("--machines", type=int, default=Cluster.machines, help="of the cluster that is estimated (4)")
    add("--gigabits", type=float, default=Cluster.gigabits_per_second, help="a second, to each of them (1)")
    add("--price", type=float, default=Cluster.price_per_hour, help="of each, in USD an hour (0.68)")
    add("--tiny", action="store_true", help="a small part of everything, to see that it works")
    add("--workspace", type=Path, help="where files are written (memory, if Linux offers it)")
    add("--output", type=Path, default=RESULTS, help="folder of the results (docs/benchmarks)")
    options = parser.parse_args(arguments)
    check_output(parser, options)
    options.cluster = Cluster(
        machines=options.machines, gigabits_per_second=options.gigabits, price_per_hour=options.price
    )
    extent = TINY if options.tiny else FULL
    if options.longest_side:
        extent = replace(extent, sides=(min(extent.sides[0], options.longest_side), options.longest_side))
    extent = replace(extent, slides=options.slides or extent.slides)
    options.extent = replace(extent, repeats=options.repeats or extent.repeats)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
