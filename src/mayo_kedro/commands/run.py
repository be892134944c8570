"""Kedro's own `kedro run`, which can be told to be quiet."""

from copy import copy
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from mayo_kedro.quiet import quieten


def _quieten(_context: click.Context, _option: click.Parameter, quiet: bool) -> None:
    if quiet:
        quieten()


run: Any = copy(kedro_run)
run.params = [
    *kedro_run.params,
    click.Option(
        ["--quiet"],
        is_flag=True,
        expose_value=False,  # Kedro's function knows nothing of it
        callback=_quieten,
        help="Show warnings, errors and results only, and no progress.",
    ),
]
