"""What a programme that has started the service knows of it, and can make it do; cheap to import."""

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from mayo_kedro.sandbox.proxies import exempt_loopback

__all__ = ["AzureSandbox"]

PATIENCE_S = 5.0


class AzureSandbox:
    """A running stand-in for Azure ML.

    Attributes:
        host: its address.
        variables: what a client needs in its environment, before it imports the SDK.
        subscription: of the workspace.
        group: the workspace's resource group.
        workspace: its name.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.host = variables["ARM_CLOUD_METADATA_URL"].partition("/metadata/")[0]
        self.variables = {**variables, **exempt_loopback(os.environ)}
        self.subscription = variables["AZUREML_ARM_SUBSCRIPTION"]
        self.group = variables["AZUREML_ARM_RESOURCEGROUP"]
        self.workspace = variables["AZUREML_ARM_WORKSPACE_NAME"]

    def set(self, **knobs: Any) -> None:
        """Set what is to go otherwise than well: see `knobs.KNOBS`, or `--help`.

        Raises:
            ValueError: there is no such knob, or it cannot be set so.
        """
        self._ask("POST", "knobs", knobs)

    def fault(self, path: str = "*", kind: str = "status", **settings: Any) -> None:
        """Order a fault.

        Args:
            path: a glob over paths; `*` matches slashes too.
            kind: as of `Sandbox.fault`, or lost: the request is done, but its answer does not arrive.
            settings: `status`, `retry_after` (seconds), `times` (1; None for all), `method`, `share`, `seed`.
        """
        self._ask("POST", "faults", [{"path": path, "kind": kind, **settings}])

    def counts(self) -> dict[str, Any]:
        """What has passed: `requests`, `bytes`, `connections`, and the first two by path in `paths`."""
        counted: dict[str, Any] = json.loads(self._ask("GET", "counts"))
        return counted

    def reset(self, what: str) -> None:
        """Forget `counts` or `faults`."""
        self._ask("DELETE", what)

    def _ask(self, method: str, what: str, given: Any = None) -> str:
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self.host}/_sandbox/{what}", body, method=method)  # noqa: S310 - ours
        trusting = ssl.create_default_context(cafile=self.variables["SSL_CERT_FILE"])
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE_S) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refusal:
            raise ValueError(refusal.read().decode()) from None
