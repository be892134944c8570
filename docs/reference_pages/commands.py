"""The commands, from click and argparse."""

import contextlib
import io
import os
from pathlib import Path
from unittest.mock import patch

from mayo_kedro.cli import COMMANDS
from mayo_kedro.sandbox.command import parse

INTRODUCTION = """# Commands

Beside Kedro's own, of which `kedro --help` tells. Every command has `--help`.

"""

GROUP = """
::: mkdocs-click
    :module: {module}
    :command: {command}
    :prog_name: kedro {name}
    :depth: 1
    :style: plain
"""


def write_page(_: Path) -> str:
    """The page in Markdown."""
    groups = "".join(_write_group(name, place) for name, place in COMMANDS.items())
    return f"{INTRODUCTION}{groups}\n## python -m mayo_kedro.sandbox\n\n```text\n{read_help()}\n```\n"


def read_help() -> str:
    """What the sandbox answers to `--help`, 100 columns wide."""
    written = io.StringIO()
    with (
        patch.dict(os.environ, {"COLUMNS": "100"}),
        contextlib.redirect_stdout(written),
        contextlib.suppress(SystemExit),
    ):
        parse(["--help"])
    return written.getvalue().strip()


def _write_group(name: str, place: str) -> str:
    module, _, command = place.rpartition(".")
    return GROUP.format(name=name, module=module, command=command)
