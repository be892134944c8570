"""The group `kedro azure`: each command is a module, loaded when it is called."""

import click

from mayo_kedro.commands.in_words import GroupInWords

_MODULES = ("attach", "cancel", "doctor", "download", "files", "logs", "metrics", "status")


@click.group(
    cls=GroupInWords,
    lazy_subcommands={name: f"mayo_kedro.commands.{name}.{name}" for name in _MODULES},
)
def azure() -> None:
    """See to jobs on Azure ML: what they do, what they left, and whether one can be sent.

    RUN_ID is the id of a job, or a part of it if the job was sent from here; where it may be left out the job
    that was sent last is meant. The exit code is 1 for a mistake and for a job that failed, 2 for a wrong
    call.
    """
