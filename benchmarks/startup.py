"""Measure what a start costs, beside a bare Kedro project; writes a page and its numbers."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bare_project import make_bare_project
from benchmarks.command import RESULTS, check_output
from benchmarks.workspace import ROOT, child_environment, describe_machine, open_workspace
from mayo_kedro.sandbox.process import start
from mayo_kedro.sandbox.sample import draw_sample

COMMANDS = ("--help", "registry list", "run --pipelines data_processing", "viz --help")
PACKAGES = {"kedro", "kedro-mlflow", "kedro-viz", "mlflow"}
PATIENTS = 48
GOAL = 1.3

HEAD = """# What a start costs

Written by `python -m benchmarks.startup`: Kedro's commands in this project and in a bare one with the same
packages and plugins (kedro-viz, kedro-mlflow) and three nodes on two small tables, in turns. Seconds are
medians of {repeats} run(s), with the least and the most; the ratio is of the medians, bold above {goal}. Both
were run once before. Here `data_processing` streams a table and images of {patients} patients from the
sandbox, and draws a figure.

| command | bare | mayo-kedro | ratio | CPU, bare | CPU, mayo-kedro | ratio |
| --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Start:
    """One run of a command: seconds until it ended, and of CPU."""

    seconds: float
    cpu_seconds: float


def main(arguments: Sequence[str]) -> int:
    """Measure all commands, or those that are asked for."""
    options = _read_options(arguments)
    with open_workspace(options.workspace) as workspace:
        machine = describe_machine(workspace, PACKAGES)
        draw_sample(workspace / "sample", seed=5, patients=PATIENTS)
        projects = {
            "bare": make_bare_project(workspace / "bare", rows=PATIENTS),
            "mayo-kedro": _copy_project(workspace / "mayo-kedro"),
        }
        with start(workspace / "state", seed=workspace / "sample") as service:
            environment = child_environment(workspace, service.host, service.token)
            environment["MAYO_KEDRO_SANDBOX"] = "sandbox/clots"
            rows = [compare(command, projects, environment, options.repeats) for command in options.commands]
    _write(options.output, rows, machine, options.repeats)
    return 0


def compare(
    command: str, projects: Mapping[str, Path], environment: Mapping[str, str], repeats: int
) -> dict[str, Any]:
    """Run a command in each project, in turns.

    Args:
        command: Kedro's, such as "registry list".
        projects: their folders, by name.
        environment: of the processes.
        repeats: how often, after once for the caches.

    Returns:
        The command, and by project the `Start`s as dictionaries.
    """
    starts: dict[str, list[Start]] = {name: [] for name in projects}
    for turn in range(repeats + 1):
        for name, folder in projects.items():
            measured = run(command, folder, environment)
            if turn:
                starts[name].append(measured)
    told = {name: [vars(one) for one in measured] for name, measured in starts.items()}
    sys.stderr.write(f"{command}: {json.dumps(told)}\n")
    return {"command": command, **told}


def run(command: str, folder: Path, environment: Mapping[str, str]) -> Start:
    """Run one command to its end.

    Args:
        command: Kedro's.
        folder: of the project.
        environment: of the process.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before, begun = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *command.split()],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    seconds, after = time.perf_counter() - begun, os.times()
    if done.returncode:
        sys.stderr.write((done.stdout + done.stderr).decode())
    done.check_returncode()
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    return Start(seconds, user + system)


def _copy_project(folder: Path) -> Path:
    """This project without its results: a run must not change the checkout."""
    leave_out = shutil.ignore_patterns("local", "__pycache__", "*.egg-info")
    for name in ("conf", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
    (folder / "conf" / "local").mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder)
    return folder


def _write(output: Path, rows: list[dict[str, Any]], machine: Mapping[str, Any], repeats: int) -> None:
    output.mkdir(parents=True, exist_ok=True)
    (output / "startup.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    place = f"{machine['cores']} cores ({machine['processor']}), load {machine['load_before']:.1f} before"
    foot = f"\n{place}; Python {machine['python']}, project {machine['project']}; {versions}.\n"
    head = HEAD.format(repeats=repeats, patients=PATIENTS, goal=GOAL)
    page = head + "".join(map(_describe, rows)) + foot
    (output / "startup.md").write_text(page, encoding="utf-8")


def _describe(row: Mapping[str, Any]) -> str:
    cells = [f"`kedro {row['command']}`"]
    for figure in ("seconds", "cpu_seconds"):
        bare, ours = ([one[figure] for one in row[name]] for name in ("bare", "mayo-kedro"))
        ratio = median(ours) / median(bare)
        cells += [_spread(bare), _spread(ours), f"**{ratio:.2f}**" if ratio > GOAL else f"{ratio:.2f}"]
    return f"| {' | '.join(cells)} |\n"


def _spread(values: Iterable[float]) -> str:
    known = list(values)
    return f"{median(known):.2f} s ({min(known):.2f} to {max(known):.2f})"


def _read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.startup", description=__doc__)
    add = parser.add_argument
    add("--commands", nargs="+", choices=COMMANDS, default=COMMANDS, help="Kedro's, each in quotation marks")
    add("--repeats", type=int, default=7, help="of each command (%(default)s)")
    add("--tiny", action="store_true", help="once each, to see that it works")
    add("--workspace", type=Path, help="where files are written (memory, if Linux offers it)")
    add("--output", type=Path, default=RESULTS, help="folder of the results (docs/benchmarks)")
    options = parser.parse_args(arguments)
    check_output(parser, options)
    options.repeats = 1 if options.tiny else options.repeats
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
