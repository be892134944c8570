"""The results of the slides as a page, and the curve over the workers."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.whole_slides.estimate import ALL_SLIDES_GIGABYTES, Cluster, Estimate, estimate
from benchmarks.whole_slides.goals import Goal, judge, limit
from benchmarks.whole_slides.measurements import LINK

Rows = list[dict[str, Any]]


def write_page(
    results: dict[str, Rows], extent: str, machine: dict[str, Any], cluster: Cluster, page: Path
) -> None:
    """Write the page.

    Args:
        results: rows by measurement.
        extent: which slides were measured.
        machine: from `describe_machine`.
        cluster: for which all slides are estimated.
        page: the Markdown file.
    """
    lines = ["# Cutting slides", "", f"`python -m benchmarks.slides`: {extent}. {LINK}.", ""]
    lines.append(
        f"{machine['cores']} cores ({machine['processor']}), load {machine['load_before']:.1f} before, "
        f"Python {machine['python']}, project {machine['project']}; the service shares the cores."
    )
    goals = list(judge(results))
    if goals:
        lines += ["", *_tell_goals(goals)]
    heaviest = results.get("large") or results.get("throughput")
    if heaviest and results.get("waiting"):
        lines += ["", *_tell_estimate(estimate(heaviest, results["waiting"], cluster), cluster)]
    for name, tell in (
        ("throughput", _tell_throughput),
        ("large", _tell_throughput),
        ("memory", _tell_memory),
        ("tiles", _tell_tiles),
        ("waiting", _tell_waiting),
    ):
        if results.get(name):
            lines += ["", *tell(results[name])]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---"] * len(head)
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def _tell_goals(goals: list[Goal]) -> list[str]:
    table = [[goal.what, goal.asked, goal.measured, "yes" if goal.met else "**no**"] for goal in goals]
    return ["## What was to be shown", "", *_table(["", "asked", "measured", "met"], table)]


def _tell_estimate(found: Estimate, cluster: Cluster) -> list[str]:
    return [
        f"## All {ALL_SLIDES_GIGABYTES} GB on {cluster.machines} {cluster.size}: "
        f"about {found.hours * 60:.0f} min, {found.cost:.2f} USD",
        "",
        f"Estimated: {found.gigabytes_per_second:.2f} GB/s, limited by the {found.limit}, from the speed of "
        f"one streamed worker, a worker on each of {cluster.cores} cores of a machine, and what the most "
        "workers below keep of linear. Assumed and not measured: "
        f"{cluster.gigabits_per_second:g} Gbit/s from the repository to each machine, cores as fast as "
        f"these, {cluster.price_per_hour:.2f} USD an hour for a dedicated machine (low-priority ones cost a "
        "fraction). The start of the machines, some minutes, is left out.",
    ]


def _tell_throughput(rows: Rows) -> list[str]:
    table = [
        [
            row["place"],
            str(row["workers"]),
            f"{row['seconds']:.1f} s",
            f"{row['gigabytes_per_second']:.3f}",
            f"{row['gigabytes_per_second'] / limit(rows, row['workers']):.0%}",
            f"{row['peak_megabytes']:.0f} MB",
            f"{row['spread']:.2f}",
        ]
        for row in rows
    ]
    head = ["slides", "workers", "time", "GB/s", "of min(link, local)", "largest worker", "slowest / median"]
    return [
        f"## {rows[0]['slides']} whole slides to 1,024 pixels, {rows[0]['gigabytes']:.2f} GB",
        "",
        *_table(head, table),
        "",
        f"The line ends at {LINK.bytes_per_second / 1e9:.3f} GB/s.",
    ]


def _tell_memory(rows: Rows) -> list[str]:
    return [
        f"## One slide of {row['width']:,} by {row['height']:,} pixels, {row['gigabytes']:.2f} GB: "
        f"{row['seconds']:.0f} s, largest worker {row['peak_megabytes']:.0f} MB"
        for row in rows
    ]


def _tell_tiles(rows: Rows) -> list[str]:
    table = [
        [
            "yes" if row["ranges"] else "no",
            row["cut"],
            f"{row['fetched']:.3f} GB",
            f"{row['fetched'] / row['gigabytes']:.0%}",
            f"{row['seconds']:.1f} s",
        ]
        for row in rows
    ]
    head = ["parts of files", "cut", "fetched", "of the files", "time with two workers"]
    return ["## The 16 best tiles of 512 pixels beside whole slides", "", *_table(head, table)]


def _tell_waiting(rows: Rows) -> list[str]:
    table = [
        [str(row["workers"]), f"{row['seconds']:.1f} s", f"{row['least_seconds'] / row['seconds']:.0%}"]
        for row in rows
    ]
    head = ["workers", "time for 15 waits of 1 s, one behind the other", "of linear"]
    return ["## Work that only waits", "", *_table(head, table)]


def draw_curve(waiting: Rows, throughput: Rows, path: Path) -> None:
    """Draw how more workers are faster: at work that waits, and at slides as far as these were cut."""
    figure = Figure(figsize=(5.0, 3.6), dpi=160)
    panel = figure.subplots()
    workers = [row["workers"] for row in waiting]
    faster = [row["workers"] * row["least_seconds"] / row["seconds"] for row in waiting]
    panel.plot(workers, workers, color="#bbbbbb", linewidth=1, label="linear")
    panel.plot(workers, faster, color="#1f6f8b", marker="o", label="work that only waits")
    for place, colour in (("local", "#c07a30"), ("streamed", "#7a3b69")):
        rows = [row for row in throughput if row["place"] == place]
        times = [row["gigabytes_per_second"] / rows[0]["gigabytes_per_second"] for row in rows]
        if rows:
            panel.plot(
                [row["workers"] for row in rows], times, color=colour, marker="s", label=f"slides, {place}"
            )
    panel.set_xscale("log", base=2)
    panel.set_yscale("log", base=2)
    panel.set(xlabel="workers", ylabel="times as fast as one")
    panel.set_xticks(workers, [str(count) for count in workers])
    panel.set_yticks(workers, [str(count) for count in workers])
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)
