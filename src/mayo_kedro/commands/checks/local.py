"""Checks of what lies here: Python, the locks, the secrets, and what would travel."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mayo_kedro.commands.checks.finding import Check, Found, Level
from mayo_kedro.commands.connection import Connection
from mayo_kedro.runners.backends import describe_environment

JOB_PYTHON = (3, 11)
"""That of the job's container; packed values and the lock are only the same for the same Python."""


def look_at_python(connection: Connection) -> Found:
    """Compare this Python with the job's."""
    here, there = (".".join(map(str, version)) for version in (sys.version_info[:2], JOB_PYTHON))
    if sys.version_info[:2] == JOB_PYTHON:
        yield Level.OK, f"{here}, as in the job", ""
    else:
        remedy = (
            f"Make the environment with Python {there}: remove .venv, and have python{there} on the PATH."
        )
        yield Level.WRONG, f"{here} here and {there} in the job, which refuses to start", remedy


def look_at_locks(connection: Connection) -> Found:
    """Look for the files that the container is made from."""
    container = describe_environment(connection.project, connection.settings)
    yield Level.OK, f"the container {container.name} can be made from them", ""


def look_at_secrets(connection: Connection) -> Found:
    """Look whether the secrets that the job needs are there."""
    missing = [name for name in connection.settings.secrets if not os.environ.get(name)]
    if not missing:
        yield Level.OK, f"{', '.join(connection.settings.secrets) or 'none'} will reach the job", ""
    for name in missing:
        remedy = f"`export {name}=…`, or take it out of `secrets` in conf/azure/azureml.yml."
        yield Level.WRONG, f"{name} is not set here, and the job needs it", remedy


def look_at_snapshot(connection: Connection) -> Found:
    """Put together what would travel, with its limits and the search for secrets."""
    # The search's rules take a second to load.
    from mayo_kedro.runners.sending.staging import check_snapshot, stage_project  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        staged = stage_project(connection.project, Path(folder, "snapshot"))
        sizes = check_snapshot(staged.folder)
    said = f"{len(sizes)} files, {sum(sizes.values()) / 2**20:.1f} MiB, no secret in them"
    yield Level.OK, f"{said}; data files of the run come on top", ""


CHECKS = (
    Check("Python", look_at_python),
    Check("Locks", look_at_locks),
    Check("Secrets", look_at_secrets),
    Check("Snapshot", look_at_snapshot),
)
