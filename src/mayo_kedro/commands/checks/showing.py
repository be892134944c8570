"""How findings are shown: each on a line, its remedy below it."""

import json
from collections.abc import Iterable

import click

from mayo_kedro.commands.checks.finding import Finding, Level

_SIGNS = {Level.OK: ("ok", "green"), Level.WARNING: ("warning", "yellow"), Level.WRONG: ("wrong", "red")}


def show(finding: Finding) -> None:
    """Print a finding on one line, and a remedy below it."""
    sign, colour = _SIGNS[finding.level]
    click.echo(f"{click.style(f'{sign:8}', fg=colour)}{finding.subject + ':':12}{finding.said}")
    if finding.remedy:
        click.echo(f"{'':20}{finding.remedy}")


def show_all(findings: Iterable[Finding], all_well: str) -> int:
    """Print findings as they come, and how many are wrong.

    Args:
        findings: may take their time.
        all_well: what to say at the end if none is wrong.

    Returns:
        The exit code: 1 if any is wrong.
    """
    shown = []
    for finding in findings:
        show(finding)
        shown.append(finding)
    wrong = sum(finding.level is Level.WRONG for finding in shown)
    click.echo(f"{wrong} of {len(shown)} findings are wrong." if wrong else all_well)
    return 1 if wrong else 0


def show_as_json(findings: Iterable[Finding]) -> int:
    """Print findings as a list for programs: `subject`, `level`, `said` and `remedy`.

    Returns:
        The exit code: 1 if any is wrong.
    """
    rows = [{**vars(finding), "level": finding.level.value} for finding in findings]
    click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    return int(any(row["level"] == Level.WRONG.value for row in rows))
