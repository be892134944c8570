"""What a job asks of Azure ML while it runs there."""

import os

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.failures import explain, is_passing, status_of
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.azure.secrets import vault_name

RUN_VARIABLE = "AZUREML_RUN_ID"
ATTEMPTS = 4


class AzureJobContext:
    """The running job, as the service tells it by environment variables."""

    @property
    def run_id(self) -> str:
        """The job's own id.

        Raises:
            UserError: this process is not a job of Azure ML.
        """
        try:
            return os.environ[RUN_VARIABLE]
        except KeyError:
            raise UserError(
                f"{RUN_VARIABLE} is not set: this is not a job of Azure ML.",
                "Start the training with `kedro run --pipeline modelling --env azure`; it is sent there.",
            ) from None

    def secret(self, name: str) -> str:
        """Read a secret from the workspace's key vault, with the run's own login.

        Args:
            name: as it was given to `AzureMLBackend.put_secret`.

        Raises:
            UserError: there is none of this name: the job was sent with it, but it is gone.
            JobServiceError: the service failed.
        """
        retrying = Retrying(
            retry=retry_if_exception(is_passing),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=1, max=10),
            reraise=True,
        )
        _ = self.run_id  # says so if this is no job
        try:
            return str(retrying(self._read, name))
        except Exception as error:
            if status_of(error) == 404:
                raise UserError(
                    f"The workspace's key vault has no secret {vault_name(name)!r}.",
                    "It is deleted when its job ends: send the job again.",
                ) from None
            raise explain(error, "reading a secret") from None

    def _read(self, name: str) -> str:
        run = load_sdk().Run.get_context(allow_offline=False)
        return str(run.get_secret(vault_name(name)))
