"""Options that both commands have."""

import argparse
from pathlib import Path

from benchmarks.turns import Patience
from benchmarks.workspace import ROOT

RESULTS = ROOT / "docs" / "benchmarks"


def make_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Make a parser of the options that are common to all measurements."""
    parser = argparse.ArgumentParser(f"python -m benchmarks.{module}", description=description)
    add = parser.add_argument
    add("--repeats", type=int, default=3, help="of each measurement (%(default)s)")
    add("--once-seconds", type=float, default=30, help="what takes longer is not repeated (%(default)s)")
    add("--give-up-seconds", type=float, default=900, help="what takes longer is ended (%(default)s)")
    add("--tiny", action="store_true", help="a small part of everything, to see that it works")
    add("--workspace", type=Path, help="where files are written (memory, if Linux offers it)")
    add("--output", type=Path, default=RESULTS, help="folder of the results (docs/benchmarks)")
    return parser


def check_output(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End the programme if it would put meaningless numbers in the place of the results."""
    if options.tiny and options.output == RESULTS:
        parser.error("--tiny measures nothing of worth: name another folder in --output")


def read_patience(options: argparse.Namespace) -> Patience:
    """How often something is measured, and how long at most."""
    return Patience(options.repeats, options.once_seconds, options.give_up_seconds)
