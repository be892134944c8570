"""Bytes over HTTP: pooled connections, bounded retries, errors in words."""

from collections.abc import Mapping

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError

from mayo_kedro import __version__
from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import AccessRefusedError, RemoteFileNotFoundError, TransferError
from mayo_kedro.streaming.services import TOKEN_VARIABLE, Service

ATTEMPTS = 6
CONNECTIONS = 32
CONNECT_SECONDS = 10.0
STALL_SECONDS = 30.0
"""A body that brings no byte for this long counts as lost."""


class Transport:
    """GET requests to one service, safe to share between threads.

    urllib3 retries resets, stalls, cut bodies, 429 and 5xx with jittered back-off, and waits as long
    as `Retry-After` says; 401, 403 and 404 are final.

    Args:
        service: the service and the token that each request carries.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        headers = {"user-agent": f"mayo-kedro/{__version__}"}
        if service.token:
            headers["authorization"] = f"Bearer {service.token}"
        self._pool = urllib3.PoolManager(
            maxsize=CONNECTIONS,
            block=True,
            headers=headers,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=STALL_SECONDS),
            retries=urllib3.Retry(
                total=ATTEMPTS - 1,
                status_forcelist=(429, 500, 502, 503, 504),
                backoff_factor=0.2,
                backoff_jitter=0.2,
                backoff_max=8.0,
                retry_after_max=60,
            ),
        )

    def get(self, url: str, what: str, fields: Mapping[str, str] | None = None) -> bytes:
        """Read a whole body.

        Args:
            url: the full address, which holds no secret.
            what: what is asked for, as the user would call it, for the error messages.
            fields: the query.

        Returns:
            The body.

        Raises:
            RemoteFileNotFoundError: 404.
            AccessRefusedError: 401 or 403.
            TransferError: anything else, after `ATTEMPTS` attempts.
        """
        try:
            response = self._pool.request("GET", url, fields=dict(fields or {}))
        except MaxRetryError as error:
            raise self._lost(what, url, error.reason or error) from error
        except HTTPError as error:
            raise self._lost(what, url, error) from error
        if response.status >= 400:
            raise self._refused(response.status, what, url)
        return bytes(response.data)

    def _lost(self, what: str, url: str, reason: Exception) -> TransferError:
        return TransferError(
            f"{what} did not arrive from {url} in {ATTEMPTS} attempts: {reason}.",
            f"Check that {self.service.host} can be reached, or try again later; what has arrived is kept.",
        )

    def _refused(self, status: int, what: str, url: str) -> UserError:
        if status == 404:
            return RemoteFileNotFoundError(
                f"{what} is not there: {url} answers 404.",
                "Check repository.owner, .name and .branch and the paths under images and weights in "
                "conf/base/globals.yml; a private repository also needs a token with access.",
            )
        if status in (401, 403):
            problem = "no token was sent" if self.service.token is None else "the token was refused"
            return AccessRefusedError(
                f"{self.service.host} does not let us read {what} ({status}): {problem}.",
                f"Put a token that may read the repository into the environment variable {TOKEN_VARIABLE} "
                f"({self.service.host}/user/settings/tokens).",
            )
        return TransferError(
            f"{what}: {url} answers {status}.", "Check repository.host in conf/base/globals.yml."
        )
