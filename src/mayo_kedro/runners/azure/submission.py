"""Sending a job: once, even if the answer is lost or the SDK stumbles after the job was taken."""

import logging
import os
import shlex
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mayo_kedro.runners.azure.environment import describe_environment
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.azure.states import find_run
from mayo_kedro.runners.job import JobSpec

logger = logging.getLogger(__name__)

GIT_VARIABLE = "AZUREML_GIT_REPOSITORY_URI"
# What the SDK would otherwise send along: without an ignore file it takes everything, .git too.
NEVER_SENT = ".git/\n.azureml/\n.amlignore\n"

# The SDK keeps the last snapshot in one file for all submissions.
_sending = threading.Lock()


def send(workspace: Any, spec: JobSpec) -> None:
    """Submit a job, unless the service has it already.

    Args:
        workspace: the SDK's.
        spec: the job.

    Raises:
        Exception: whatever the SDK raised, if the service does not have the job.
    """
    with _sending:
        run = find_run(workspace, spec.run_id) or _submit(workspace, spec)
    _tag(run, spec)


def _submit(workspace: Any, spec: JobSpec) -> Any:
    hide_git_login()
    prepare_source(spec.source)
    experiment = load_sdk().Experiment(workspace, spec.experiment)
    try:
        return experiment.submit(_describe_job(spec), run_id=spec.run_id)
    except Exception:
        # The job runs, and costs, as soon as the service has taken it, whatever happened to the SDK then.
        run = find_run(workspace, spec.run_id)
        if run is None:
            raise
        logger.warning("The answer to the submission of %s was lost; the job is there.", spec.run_id)
        return run


def _describe_job(spec: JobSpec) -> Any:
    runs = load_sdk("core.runconfig")
    config = load_sdk().ScriptRunConfig(
        source_directory=str(spec.source),
        # The SDK joins them with blanks, and a shell takes them apart.
        command=[shlex.quote(part) for part in spec.command],
        compute_target=spec.compute.name,
        environment=describe_environment(spec.environment),
        docker_runtime_config=runs.DockerConfiguration(use_docker=True),
        # Workers only: without its parameter server TF_CONFIG describes equals.
        distributed_job_config=runs.TensorflowConfiguration(spec.node_count, 0)
        if spec.node_count > 1
        else None,
        max_run_duration_seconds=spec.max_seconds,
    )
    config.run_config.environment_variables = dict(spec.environment_variables)
    return config


def _tag(run: Any, spec: JobSpec) -> None:
    # The SDK sends tags after the job: a submission that is repeated catches up on them.
    known = run.get_tags() or {}
    if any(known.get(name) != value for name, value in spec.tags.items()):
        run.set_tags(dict(spec.tags))


def prepare_source(folder: Path) -> None:
    """Give a folder that has no ignore file one, since .gitignore would count in its place.

    Args:
        folder: that will travel.
    """
    ignore = folder / ".amlignore"
    if not ignore.exists():
        ignore.write_text(NEVER_SENT)


def hide_git_login() -> None:
    """Let the SDK record where the code comes from without the password in the remote's address.

    The variable stays set: another thread may be submitting.
    """
    address = os.environ.get(GIT_VARIABLE) or _ask_git()
    if address:
        os.environ[GIT_VARIABLE] = without_login(address)


def without_login(address: str) -> str:
    """Take user, password and query out of a repository's address.

    Args:
        address: a URL, a path, or ssh's short form, which holds no password.
    """
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _ask_git() -> str:
    # As the SDK does it: in the working folder.
    command = ["git", "ls-remote", "--get-url"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
