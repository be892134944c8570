"""Measure HTTP clients side by side, from nginx to verified files; see `benchmarks/README.md`."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clients import CLIENTS, CONNECTIONS
from benchmarks.command import check_output, make_parser, read_patience
from benchmarks.nginx import Nginx, find_nginx, serve_files
from benchmarks.process import measure
from benchmarks.results import Results, name_load
from benchmarks.settings import Load
from benchmarks.tables import describe_machines, tabulate
from benchmarks.task import Task
from benchmarks.turns import Patience, Record, take_turns
from benchmarks.workspace import describe_machine, open_workspace

LOADS = {"small": Load(2_000, 50_000), "medium": Load(400, 500_000), "large": Load(8, 64_000_000)}
TINY_FILES = 8
TINY_SHARE = 50
PART_OF_PYTHON = {"http.client"}
TITLE = f"""# HTTP clients, measured side by side

Written by `python -m benchmarks.transport`: {CONNECTIONS} connections to nginx on this machine; every file is
checked against its md5, and written as it arrives. Medians. nginx takes its share of the same cores.
"""


@dataclass(frozen=True)
class Served:
    """Files that nginx serves: the md5 of each by its name, and what they are together."""

    files: dict[str, str]
    load: Load


def main(arguments: Sequence[str]) -> int:
    """Measure those clients that are installed; returns the exit code."""
    parser = make_parser("transport", __doc__)
    options = parser.parse_args(arguments)
    check_output(parser, options)
    command, clients = find_nginx(), _find_clients()
    if command is None:
        sys.stderr.write(
            "nginx is not installed, and nothing else here is fast enough: nothing was measured.\n"
        )
        return 0
    loads = {name: _shrink(load) for name, load in LOADS.items()} if options.tiny else LOADS
    with open_workspace(options.workspace) as workspace:
        machine = describe_machine(workspace, set(clients) - PART_OF_PYTHON)
        served = {name: _write_files(workspace / "files", name, load) for name, load in loads.items()}
        with serve_files(workspace, command) as nginx:
            records = list(_compare(nginx, served, clients, workspace, read_patience(options)))
    _write(options.output, machine, records)
    return 0


def _find_clients() -> list[str]:
    installed = [name for name in CLIENTS if find_spec(name)]
    for name in CLIENTS:
        if name not in installed:
            sys.stderr.write(f"{name} is not installed, and left out.\n")
    return installed


def _shrink(load: Load) -> Load:
    return replace(load, files=min(load.files, TINY_FILES), file_bytes=load.file_bytes // TINY_SHARE)


def _write_files(folder: Path, prefix: str, load: Load) -> Served:
    folder.mkdir(exist_ok=True)
    files = {}
    for number in range(load.files):
        body = np.random.default_rng([load.file_bytes, number]).bytes(load.file_bytes)
        name = f"{prefix}-{number}.bin"
        (folder / name).write_bytes(body)
        files[name] = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return Served(files, load)


def _compare(
    nginx: Nginx, served: dict[str, Served], clients: list[str], workspace: Path, patience: Patience
) -> Iterator[Record]:
    for scheme, host in nginx.hosts.items():
        for name, one in served.items():
            setting = {"scheme": scheme, "load": name, "files": one.load.files, "size": one.load.size}
            options = {"files": one.files, "certificate": str(nginx.certificate)}

            def run(client: str, host: str = host, options: dict[str, Any] = options) -> Record:
                folder = workspace / "measurement"
                folder.mkdir()
                task = Task(f"clients.{CLIENTS[client]}", host, str(folder), options=options)
                try:
                    return measure(task, nginx, patience.give_up_seconds)
                finally:
                    shutil.rmtree(folder)

            for record in take_turns(clients, run, patience):
                told = record.get("seconds", record.get("failed", "given up"))
                sys.stderr.write(f"{scheme} {name} {record['way']}: {told}\n")
                yield {**setting, **record}


def _write(folder: Path, machine: dict[str, Any], records: list[Record]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine, "records": records}
    (folder / "transport.json").write_text(json.dumps(kept, indent=1) + "\n")
    lines = [TITLE, *describe_machines({"transport": machine}), *_tabulate(Results(records))]
    (folder / "transport.md").write_text("\n".join(lines) + "\n")


def _tabulate(results: Results) -> Iterator[str]:
    header = ("client", "MB/s", "CPU-s/GB", "CPU ms a file", "peak MB (imports)", "nginx's CPU", "runs")
    for scheme in results.distinct("scheme"):
        for load in results.distinct("load"):
            found = results.where(scheme=scheme, load=load)
            yield f"\n## {scheme}: {name_load(found)}\n"
            yield from tabulate(header, (_row(found.where(way=way), way) for way in found.distinct("way")))


def _row(found: Results, client: str) -> tuple[str, ...]:
    seconds = found.spread("seconds")
    if seconds is None:
        return (client, "failed", *[""] * 5)
    cpu, size = found.median("cpu_seconds"), found.median("size")
    return (
        client,
        f"{size / seconds.median / 1e6:.0f}",
        f"{cpu / size * 1e9:.2f}",
        f"{cpu / found.median('files') * 1e3:.2f}",
        f"{found.median('peak_megabytes'):.0f} ({found.median('idle_megabytes'):.0f})",
        f"{found.median('server_share'):.0%}",
        str(seconds.count),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
