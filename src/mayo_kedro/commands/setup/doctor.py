"""`kedro doctor`."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import click

from mayo_kedro.commands.in_words import CommandInWords
from mayo_kedro.commands.setup.environment import environment_option

if TYPE_CHECKING:
    from mayo_kedro.commands.checks.finding import Finding
    from mayo_kedro.commands.connection import Setup


@click.command(cls=CommandInWords)
@environment_option
@click.option("--json", "as_json", is_flag=True, help="Print a list for programs instead of lines.")
@click.pass_context
def doctor(context: click.Context, environment: str, as_json: bool) -> None:
    """Check the whole set-up: machine, settings, data, tracking.

    With an environment whose jobs go to Azure ML, such as azure, also what they need there. Nothing is
    changed and nothing that costs is started. The exit code is 1 if anything is wrong.
    """
    # Only here: `kedro --help` imports this module.
    from mayo_kedro.commands.arguments import find_project  # noqa: PLC0415
    from mayo_kedro.commands.checks.showing import show_all, show_as_json  # noqa: PLC0415
    from mayo_kedro.commands.connection import Setup, load_configuration  # noqa: PLC0415

    project = find_project(context)
    setup = Setup(project, load_configuration(project, environment))
    findings = chain(examine(setup), examine_jobs(context, environment) if _sends_jobs(setup) else ())
    context.exit(show_as_json(findings) if as_json else show_all(findings, "Everything is set up."))


def examine(setup: "Setup") -> Iterator["Finding"]:
    """Carry out the checks of what a run needs, the quick ones first."""
    from mayo_kedro.commands.checks import data, dataset, machine, parameters, tracking  # noqa: PLC0415
    from mayo_kedro.commands.checks.finding import Level  # noqa: PLC0415

    for check in (*machine.CHECKS, *parameters.CHECKS):
        yield from check.carry_out(setup)
    repository = list(chain.from_iterable(check.carry_out(setup) for check in data.CHECKS_HERE))
    # Where jobs are sent their own checks tell of both.
    if not _sends_jobs(setup):
        yield from repository
        for check in tracking.CHECKS_HERE:
            yield from check.carry_out(setup)
    # Without a repository each of them would only say so once more.
    if repository[-1].level is not Level.WRONG and not data.is_stand_in(setup):
        for check in dataset.CHECKS:
            yield from check.carry_out(setup)


def examine_jobs(context: click.Context, environment: str) -> Iterator["Finding"]:
    """Carry out the checks of `kedro azure doctor`."""
    from mayo_kedro.commands.connection import connect  # noqa: PLC0415
    from mayo_kedro.commands.doctor import examine as examine_azure  # noqa: PLC0415

    yield from examine_azure(connect(context, environment), environment)


def _sends_jobs(setup: "Setup") -> bool:
    from kedro.config import MissingConfigException  # noqa: PLC0415

    try:
        return bool(setup.configuration["runner"])
    except MissingConfigException:
        return False
