"""From `repository` in conf/base/globals.yml to an address: a real repository, or the sandbox's."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import RemoteFileNotFoundError
from mayo_kedro.streaming.revisions import COMMITS_VARIABLE, list_pins
from mayo_kedro.streaming.services import HOST_VARIABLE, TOKEN_VARIABLE, Service, find_service

logger = logging.getLogger(__name__)

SANDBOX = "sandbox"
"""In place of a URL: a DagsHub service on this machine, started when it is first needed."""

SANDBOX_REPOSITORY = "sandbox/clots"
SANDBOX_VARIABLE = "MAYO_KEDRO_SANDBOX"
"""Set, to "owner/name", by `python -m mayo_kedro.sandbox -- COMMAND` for its command."""


def is_configured(repository: Mapping[str, Any]) -> bool:
    """Tell whether the settings name a real repository.

    Args:
        repository: `repository` of the globals: host, owner, name, branch.

    Raises:
        UserError: only one of owner and name is set.
    """
    owner, name = repository.get("owner"), repository.get("name")
    if bool(owner) != bool(name):
        raise UserError(
            f"repository.owner is {owner!r} and repository.name is {name!r}: one is missing.",
            "Set both in globals.yml of conf/base or conf/ENV, or neither to use the sandbox.",
        )
    return bool(owner)


def repository_address(repository: Mapping[str, Any]) -> str:
    """The address of the repository's root.

    Args:
        repository: `repository` of the globals.

    Returns:
        `dagshub:///owner/name@branch`, without a branch where none is set. Three slashes: of a protocol
        that it does not know Kedro keeps only the path, and would lose the owner as a host's name.
    """
    full_name = os.environ.get(SANDBOX_VARIABLE, SANDBOX_REPOSITORY)
    if is_configured(repository):
        full_name = f"{repository['owner']}/{repository['name']}"
    branch = repository.get("branch")
    return f"dagshub:///{full_name}" + (f"@{quote(str(branch), safe='')}" if branch else "")


def repository_host(repository: Mapping[str, Any]) -> str | None:
    """The service that holds the repository.

    Args:
        repository: `repository` of the globals.

    Returns:
        A URL; "sandbox"; or None, which is `DAGSHUB_CLIENT_HOST` or else dagshub.com.
    """
    if is_configured(repository):
        return os.environ.get(HOST_VARIABLE) or repository.get("host")
    return None if SANDBOX_VARIABLE in os.environ else SANDBOX


def publishes(repository: Mapping[str, Any], publish: bool | None) -> bool:
    """Tell whether results go back to the repository.

    Args:
        repository: `repository` of the globals.
        publish: what the settings say; None is yes for the sandbox and no for a real repository.
    """
    return not is_configured(repository) if publish is None else bool(publish)


MLFLOW_LOGIN_VARIABLES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")

TRACKING_ON_DAGSHUB = "dagshub"
"""As `mlflow_server`: the MLflow server that DagsHub runs beside the repository."""


TRACKING_IN_WORKSPACE = "workspace"
"""As `mlflow_server`: the MLflow server of the Azure ML workspace."""


def tracking_uri(
    server: str | None, repository: Mapping[str, Any], project: Path, ask_workspace: Callable[[], str]
) -> str:
    """Where runs are tracked.

    Args:
        server: `mlflow_server` of the globals: "dagshub", "workspace" (of Azure ML), an address, or None
            for a file of the project.
        repository: `repository` of the globals.
        project: the project's folder.
        ask_workspace: tells the address of the workspace's server; called only if that is wanted.
    """
    if server == TRACKING_IN_WORKSPACE:
        # In a job Azure ML has set it, and the job has no other login.
        return os.environ.get("MLFLOW_TRACKING_URI") or ask_workspace()
    if server != TRACKING_ON_DAGSHUB:
        return server or f"sqlite:///{project / 'mlflow.db'}"
    full_name = repository_address(repository).removeprefix("dagshub:///").partition("@")[0]
    return f"{find_service(repository_host(repository)).host}/{full_name}.mlflow"


def log_in_to_tracking(server: str | None, repository: Mapping[str, Any]) -> None:
    """Give MLflow the user and token of DagsHub in this process, unless the environment has others.

    Args:
        server: `mlflow_server` of the globals.
        repository: `repository` of the globals.

    Raises:
        UserError: there is no token, or the service does not take it.
    """
    if server != TRACKING_ON_DAGSHUB or any(name in os.environ for name in MLFLOW_LOGIN_VARIABLES):
        return
    service = find_service(repository_host(repository))
    remedy = f"Set {TOKEN_VARIABLE} to a token of {service.host}, or another mlflow_server in globals.yml."
    if service.token is None:
        raise UserError("Runs are to be tracked on DagsHub, and there is no token for it.", remedy)
    from dagshub.common.api import UserAPI  # noqa: PLC0415  a second: only for this server

    try:
        user = UserAPI.get_user_from_token(service.token, host=service.host).username
    except Exception as error:
        # Not "from error": the client's errors may quote the request.
        raise UserError(f"{service.host} did not take the token ({type(error).__name__}).", remedy) from None
    os.environ.update(dict(zip(MLFLOW_LOGIN_VARIABLES, (user, service.token), strict=True)))


def job_variables() -> dict[str, str]:
    """The environment variables by which a job elsewhere finds the data that this process reads.

    Returns:
        The service's host where one is set, the sandbox's repository, and the commits read so far.
    """
    passed = {name: os.environ[name] for name in (HOST_VARIABLE, SANDBOX_VARIABLE) if name in os.environ}
    commits = " ".join(f"{repository}@{commit}" for repository, commit in sorted(list_pins().items()))
    return {**passed, **({COMMITS_VARIABLE: commits} if commits else {})}


_starting = threading.Lock()


def start_sandbox(project: Path) -> Service:
    """Start the sandbox once for this process, and tell the dagshub client of it.

    Args:
        project: the project's folder; the sandbox keeps its repository in `.sandbox/` there.

    Returns:
        The running service; it ends with this process.
    """
    with _starting:
        return _start_sandbox(project)


@lru_cache(maxsize=1)
def _start_sandbox(project: Path) -> Service:
    from mayo_kedro.sandbox.process import start  # noqa: PLC0415  most commands never need it

    sandbox = start(project / ".sandbox" / "sample")
    # The article's ways, install_hooks() and DagsHubFilesystem, find the service here.
    os.environ[HOST_VARIABLE], os.environ[TOKEN_VARIABLE] = sandbox.host, sandbox.token
    logger.info(
        "No DagsHub repository is configured: streaming synthetic slides from a stand-in for it at %s.",
        sandbox.host,
    )
    return Service(sandbox.host, sandbox.token)


SERVE_OR_NAME = (
    "Name your repository with `kedro init`; or let the stand-in serve your folder: "
    "`python -m mayo_kedro.sandbox --seed FOLDER -- COMMAND`."
)
"""What to do where settings for other data meet the sample."""


def mention_sample(mistake: UserError) -> UserError:
    """Say of a file that is not there that the sample was looked through, if this process has started it.

    Args:
        mistake: what ended a run.
    """
    if not isinstance(mistake, RemoteFileNotFoundError) or not _start_sandbox.cache_info().currsize:
        return mistake
    return UserError(
        f"{mistake.what} That is the synthetic sample, which is streamed as no repository is configured.",
        SERVE_OR_NAME,
    )
