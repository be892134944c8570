"""The results of the slides as a page, and the curve over the workers."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.whole_slides.measurements import LINK

Rows = list[dict[str, Any]]
ALL_SLIDES_GIGABYTES = 395
"""Of the competition, 754 training slides and those of its other folder."""


def write_page(results: dict[str, Rows], extent: str, machine: dict[str, Any], page: Path) -> None:
    """Write the page.

    Args:
        results: rows by measurement.
        extent: which slides were measured.
        machine: from `describe_machine`.
        page: the Markdown file.
    """
    lines = ["# Cutting slides", "", f"`python -m benchmarks.slides`: {extent}. {LINK}.", ""]
    lines.append(
        f"{machine['cores']} cores ({machine['processor']}), load {machine['load_before']:.1f} before, "
        f"Python {machine['python']}, project {machine['project']}; the service shares the cores."
    )
    for name, tell in (
        ("throughput", _tell_throughput),
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


def _tell_throughput(rows: Rows) -> list[str]:
    speeds = {(row["place"], row["workers"]): row["gigabytes_per_second"] for row in rows}
    limit = LINK.bytes_per_second / 1e9
    table = [
        [
            row["place"],
            str(row["workers"]),
            f"{row['seconds']:.1f} s",
            f"{row['gigabytes_per_second']:.3f}",
            f"{row['gigabytes_per_second'] / min(limit, speeds['local', row['workers']]):.0%}",
            f"{row['peak_megabytes']:.0f} MB",
            f"{row['spread']:.2f}",
        ]
        for row in rows
    ]
    head = ["slides", "workers", "time", "GB/s", "of min(link, local)", "largest worker", "slowest / median"]
    grown = {place: speeds[place, 2] / speeds[place, 1] for place in ("local", "streamed")}
    hours = ALL_SLIDES_GIGABYTES / speeds["streamed", 2] / 3600
    return [
        f"## Whole slides to 1,024 pixels, {rows[0]['gigabytes']:.2f} GB",
        "",
        *_table(head, table),
        "",
        f"From one worker to two: {grown['local']:.2f} times as fast locally, {grown['streamed']:.2f} times "
        f"streamed (the line ends at {limit:.3f} GB/s). At the speed of two streamed workers the "
        f"competition's {ALL_SLIDES_GIGABYTES} GB take {hours:.1f} h.",
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
    head = ["workers", "time for 10 waits of 1 s each", "of linear"]
    return ["## Work that only waits", "", *_table(head, table)]


def draw_curve(rows: Rows, path: Path) -> None:
    """Draw how work that waits is done faster by more workers."""
    figure = Figure(figsize=(5.0, 3.6), dpi=160)
    panel = figure.subplots()
    workers = [row["workers"] for row in rows]
    faster = [row["workers"] * row["least_seconds"] / row["seconds"] for row in rows]
    panel.plot(workers, workers, color="#bbbbbb", linewidth=1, label="linear")
    panel.plot(workers, faster, color="#1f6f8b", marker="o", label="measured")
    panel.set_xscale("log", base=2)
    panel.set_yscale("log", base=2)
    panel.set(xlabel="workers", ylabel="times as fast as one")
    panel.set_xticks(workers, [str(count) for count in workers])
    panel.set_yticks(workers, [str(count) for count in workers])
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)
