"""Serving Azure ML's part over TLS."""

import socket
from collections.abc import Mapping

from mayo_kedro.sandbox.azure.admin import Admin
from mayo_kedro.sandbox.azure.service import AzureService
from mayo_kedro.sandbox.link import FindTransport, Link
from mayo_kedro.sandbox.server import Serving

__all__ = ["AzureServer"]


class AzureServer(Serving):
    """The service on a socket.

    Args:
        service: what to serve; its address is the socket's.
        listening: where.
        settings: how the knobs are set at the start, by name.

    Raises:
        ValueError: there is no such knob, or it cannot be set so.
    """

    def __init__(
        self, service: AzureService, listening: socket.socket, settings: Mapping[str, object]
    ) -> None:
        self._service = service

        def make_app(find_transport: FindTransport) -> Admin:
            admin = Admin(Link(service.make_app(), find_transport), service.knobs, service.tokens)
            admin.set(settings)
            return admin

        certificates = service.certificates
        super().__init__(
            make_app, listening, ssl_context_factory=lambda *_: certificates.make_server_context()
        )

    def __exit__(self, *_: object) -> None:
        """Stop, the jobs first."""
        self._service.stop()
        super().__exit__()
