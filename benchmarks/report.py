"""Keeps records as JSON, and writes the tables and the plot from them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.goals import judge
from benchmarks.plot import draw_ratios
from benchmarks.results import Results

TITLE = """# Streaming, measured side by side

Written by `python -m benchmarks.streaming`; what is measured, and how, is in `benchmarks/README.md`. Seconds
are medians, with the least and the most; a way that is slow was run once. "Process" is the whole process,
imports included. "Peak MB" is the most memory of that process, and in brackets what its imports alone take.
"Service's CPU" is its share of all cores: the higher, the more the client had to do without.
"""


class Report:
    """Results in a folder: `streaming.json`, `streaming.md`, `streaming.png`.

    Args:
        folder: made if missing; measurements that are not repeated keep their results.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._kept = folder / "streaming.json"
        self._content: dict[str, Any] = json.loads(self._kept.read_text()) if self._kept.exists() else {}

    def begin(self, measurement: str, machine: Mapping[str, Any]) -> None:
        """Replace the results of a measurement."""
        self._content[measurement] = {"machine": dict(machine), "records": []}

    def add(self, measurement: str, record: Mapping[str, Any]) -> None:
        """Add a record, and save all: a measurement that is broken off loses nothing."""
        self._content[measurement]["records"].append(dict(record))
        self._kept.write_text(json.dumps(self._content, indent=1) + "\n")

    @property
    def has_failures(self) -> bool:
        """Whether a measurement failed."""
        return any("failed" in one for content in self._content.values() for one in content["records"])

    def write(self) -> None:
        """Write the tables and the plot."""
        results = {name: Results(content["records"]) for name, content in self._content.items()}
        machines = {name: content["machine"] for name, content in self._content.items()}
        lines = [
            TITLE,
            *tables.describe_machines(machines),
            "\n## Goals\n",
            *tables.tabulate_goals(judge(results)),
        ]
        for name, (title, tabulate) in tables.SECTIONS.items():
            if name in results:
                lines += [f"\n## {title}\n", *tabulate(results[name])]
        if "download" in results:
            lines.insert(1, "![Time over the physical limit](streaming.png)\n")
            draw_ratios(results["download"], self._folder / "streaming.png")
        (self._folder / "streaming.md").write_text("\n".join(lines) + "\n")
