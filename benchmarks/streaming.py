"""Measure streaming beside other ways, and write tables and a plot; see `benchmarks/README.md`."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.command import check_output, make_parser, read_patience
from benchmarks.measurements import MEASUREMENTS, Plan
from benchmarks.report import Report
from benchmarks.repositories import Repositories
from benchmarks.server import serve
from benchmarks.session import Session
from benchmarks.settings import FULL, LINKS, TINY
from benchmarks.ways import WAYS
from benchmarks.workspace import describe_machine, open_workspace

PACKAGES = {"mayo-kedro", "tensorflow", *(package for way in WAYS.values() for package in way.packages)}


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for.

    Returns:
        1 if something failed, and is missing in the results, else 0.
    """
    options = _read_options(arguments)
    plan = Plan(options.links, options.loads, options.ways, TINY if options.tiny else FULL)
    report = Report(options.output)
    for name in options.measure:
        with open_workspace(options.workspace) as workspace:
            machine = describe_machine(workspace, PACKAGES)
            with serve(workspace / "state") as server:
                repositories = Repositories(workspace / "state")
                session = Session(server, repositories, workspace, read_patience(options))
                report.begin(name, machine)
                for record in MEASUREMENTS[name](session, plan):
                    report.add(name, record)
        report.write()
    sys.stderr.write(f"Written to {options.output}\n")
    return 1 if report.has_failures else 0


def _read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("streaming", __doc__)
    for option, names in (("measure", MEASUREMENTS), ("links", LINKS), ("loads", FULL.loads), ("ways", WAYS)):
        known = list(names)
        parser.add_argument(
            f"--{option}", nargs="+", metavar="NAME", choices=known, default=known, help=", ".join(known)
        )
    options = parser.parse_args(arguments)
    check_output(parser, options)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
