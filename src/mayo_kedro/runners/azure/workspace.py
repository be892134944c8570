"""Finding the workspace, and staying connected to it."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.authentication import log_in
from mayo_kedro.runners.azure.failures import explain, is_passing, status_of
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.job import JobServiceError
from mayo_kedro.runners.settings import SETTINGS_FILE, AzureMLCredentials, WorkspaceSettings

logger = logging.getLogger(__name__)

VARIABLES = {
    "subscription_id": "AZUREML_ARM_SUBSCRIPTION",
    "resource_group": "AZUREML_ARM_RESOURCEGROUP",
    "workspace_name": "AZUREML_ARM_WORKSPACE_NAME",
}
ATTEMPTS = 3  # each of them is several of the SDK's own

Result = TypeVar("Result")


def locate(settings: WorkspaceSettings) -> dict[str, str] | None:
    """Complete the workspace's address from the environment.

    Args:
        settings: `workspace` of conf/azure/azureml.yml.

    Returns:
        The three names; None if none is given, so that the SDK's config.json decides.

    Raises:
        UserError: only some of the three are given.
    """
    given = {field: getattr(settings, field) or os.environ.get(name) for field, name in VARIABLES.items()}
    missing = [field for field, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        told = ", ".join(f"workspace.{field} ({VARIABLES[field]})" for field in missing)
        raise UserError(
            f"The workspace's address is incomplete: {told} is missing.",
            f"Set it in {SETTINGS_FILE} or in the environment, or none of the three to use config.json.",
        )
    return {field: str(value) for field, value in given.items()}


class Connection:
    """A workspace that is looked up when it is first needed, and again with a new token when one is refused.

    Args:
        settings: which workspace.
        credentials: how to log in.
    """

    def __init__(self, settings: WorkspaceSettings, credentials: AzureMLCredentials) -> None:
        self._settings = settings
        self._credentials = credentials
        self._workspace: Any = None
        self._connecting = threading.Lock()

    def ask(self, doing: str, action: Callable[[Any], Result], attempts: int = ATTEMPTS) -> Result:
        """Ask the service for something that may be asked twice.

        Args:
            doing: for error messages, as in "looking at the cluster".
            action: gets the SDK's `Workspace`; raises what the SDK raises.
            attempts: how often at most while the service is overloaded or out of reach.

        Raises:
            UserError: something that the user can mend.
            JobServiceError: the service failed to the end.
        """
        retrying = Retrying(
            retry=retry_if_exception(is_passing),
            stop=stop_after_attempt(attempts),
            wait=wait_exponential(multiplier=1, max=10),
            before_sleep=lambda state: _tell(doing, state),
            reraise=True,
        )
        try:
            result: Result = retrying(self._once, action)
            return result
        except (UserError, JobServiceError):
            raise
        except Exception as error:
            # Not "from error": its text may hold addresses and headers that nobody should read.
            raise explain(error, doing) from None

    def _once(self, action: Callable[[Any], Result]) -> Result:
        workspace = self._connect()
        try:
            return action(workspace)
        except Exception as error:
            if status_of(error) != 401:
                raise
        # The SDK renews a token shortly before its time, but not one that was revoked.
        self._forget(workspace)
        return action(self._connect())

    def _connect(self) -> Any:
        with self._connecting:
            if self._workspace is None:
                self._workspace = self._look_up()
            return self._workspace

    def _forget(self, workspace: Any) -> None:
        with self._connecting:
            if self._workspace is workspace:
                self._workspace = None

    def _look_up(self) -> Any:
        place = locate(self._settings)
        try:
            login = log_in(self._credentials)
            workspaces = load_sdk().Workspace
            if place is None:
                return workspaces.from_config(auth=login)
            return workspaces.get(
                place["workspace_name"],
                auth=login,
                subscription_id=place["subscription_id"],
                resource_group=place["resource_group"],
            )
        except UserError:
            raise
        except Exception as error:
            if is_passing(error):
                raise
            raise explain(error, "looking for the workspace") from None


def _tell(doing: str, state: RetryCallState) -> None:
    logger.warning(
        "Azure ML does not answer while %s; trying again (attempt %d).", doing, state.attempt_number
    )
