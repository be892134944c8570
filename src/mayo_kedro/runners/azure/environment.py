"""The container of the job: a recipe that installs the project's lock, named after what it holds."""

import hashlib
import shlex
from pathlib import Path
from typing import Any

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.container_lock import find_differences
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.job import EnvironmentSpec

LOCKS = ("requirements.lock", "requirements-cuda.lock")
CONTAINER_LOCK = "requirements-container.lock"
VERSION = "1"  # for ever: other content has another name
LONGEST_RECIPE = 102_400  # characters; the service refuses more

_RECIPE = """\
FROM {base_image}
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENV PATH=/opt/job/bin:/opt/python/bin:$PATH PYTHONUNBUFFERED=1
RUN command -v python3.11 || conda create --yes --quiet --prefix /opt/python \\
    --override-channels --channel conda-forge python=3.11
RUN python3.11 -m venv /opt/job
{write_lock}\
RUN python -m pip install --no-cache-dir --require-hashes --no-deps --requirement /opt/job/lock
"""


def make_environment(project: Path, base_image: str) -> EnvironmentSpec:
    """Write the recipe of the container that a job of this project runs in.

    Args:
        project: folder with the lock files.
        base_image: with Python 3.11 or conda; the lock brings CUDA's libraries, the machine the driver.

    Returns:
        The recipe, with a name that changes only with its content: an unchanged lock is never built again.

    Raises:
        UserError: a lock file is missing, or they do not agree, or the recipe is too long for the service.
    """
    lock = _read(project / CONTAINER_LOCK)
    differences = find_differences([_read(project / name) for name in LOCKS], lock)
    if differences:
        raise UserError(
            f"{CONTAINER_LOCK} does not belong to {' and '.join(LOCKS)}: see {', '.join(differences[:5])}.",
            "CONTRIBUTING.md says how to make it anew.",
        )
    recipe = _RECIPE.format(base_image=base_image, write_lock=write_file("/opt/job/lock", lock))
    if len(recipe) > LONGEST_RECIPE:
        raise UserError(
            f"The container's recipe has {len(recipe)} characters, and Azure ML takes {LONGEST_RECIPE}.",
            f"Lock fewer packages: {CONTAINER_LOCK} makes up most of it.",
        )
    return EnvironmentSpec(f"mayo-kedro-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}", recipe)


def write_file(path: str, content: str) -> str:
    """Spell a text file as steps of a recipe, which is all that the service gets.

    Args:
        path: in the container, in a folder that exists.
        content: lines, the last one too with its end; less than 128 KiB, or a shell does not take it.

    Returns:
        A step that writes the file, and one that checks it.
    """
    quoted = " \\\n    ".join(map(shlex.quote, content.splitlines()))
    digest = hashlib.sha256(content.encode()).hexdigest()
    return (
        f"RUN printf '%s\\n' \\\n    {quoted} \\\n    > {path}\n"
        f"RUN echo '{digest}  {path}' | sha256sum --check\n"
    )


def is_registered(workspace: Any, name: str) -> bool:
    """Whether the workspace knows the container.

    Args:
        workspace: the SDK's.
        name: of the container.
    """
    try:
        load_sdk().Environment.get(workspace, name, VERSION)
    except Exception as error:
        # The SDK raises a bare Exception with the status in its text.
        if "Code: 404" in str(error):
            return False
        raise
    return True


def describe_environment(spec: EnvironmentSpec) -> Any:
    """Make the SDK's description of the container.

    Args:
        spec: name and recipe.

    Returns:
        An `azureml.core.Environment` that leaves Python to the recipe.
    """
    environment = load_sdk().Environment.from_dockerfile(spec.name, spec.dockerfile)
    environment.python.user_managed_dependencies = True
    environment.environment_variables = {}  # the SDK puts an example there
    environment.version = VERSION
    return environment


def _read(lock: Path) -> str:
    try:
        return lock.read_text()
    except FileNotFoundError:
        raise UserError(
            f"{lock} is missing: the job's container is made from it.",
            "CONTRIBUTING.md says how to make it.",
        ) from None
