"""Starting the service next to the one for DagsHub."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mayo_kedro.sandbox.azure.knobs import NAMES
from mayo_kedro.sandbox.azure.server import AzureServer
from mayo_kedro.sandbox.azure.service import AzureService
from mayo_kedro.sandbox.azure.workspace import open_workspace
from mayo_kedro.sandbox.server import listen

__all__ = ["serve"]


@contextlib.contextmanager
def serve(folder: Path, settings: dict[str, str]) -> Iterator[dict[str, str]]:
    """Serve while the context is open.

    Args:
        folder: the state that is kept from start to start, the port among it.
        settings: knobs, and the names of the workspace, by their names.

    Yields:
        The variables that a client needs.

    Raises:
        ValueError: a knob cannot be set so.
    """
    names = {name: settings[name] for name in NAMES if name in settings}
    workspace = open_workspace(folder, **names)
    listening = listen(0, folder / "port")
    service = AzureService("https://{}:{}".format(*listening.getsockname()), folder, workspace)
    knobs = {name: value for name, value in settings.items() if name not in NAMES}
    with AzureServer(service, listening, knobs):
        yield service.client_variables
