"""What DVC's store holds, answered ahead of all routes: most requests are for that."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from mayo_kedro.sandbox.bodies import FileBody
from mayo_kedro.sandbox.service import Service

__all__ = ["Files"]

STORED = re.compile(r"/([^/]+)/([^/]+)\.dvc/files/md5/([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
RAW = re.compile(r"/api/v1/repos/([^/]+)/([^/]+)/raw/([0-9a-f]{40})/(.+)")


class Files:
    """ASGI middleware: answers with a stored file's bytes, and leaves to `app` what needs a longer look.

    That is whatever git holds or nobody has pushed, and a commit that has not been asked for yet.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        try:
            body = self._open(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
        except FileNotFoundError:
            body = None
        await (body or self._app)(scope, receive, send)

    def _open(self, path: str) -> FileBody | None:
        found = STORED.fullmatch(path) or RAW.fullmatch(path)
        repository = self._service.look_up(found[1], found[2]) if found else None
        if found is None or repository is None:
            return None
        if found.re is STORED:
            md5, name = found[3] + found[4], "content"
        else:
            index, name = repository.known_index(found[3]), found[4]
            entry = index.find(name) if index else None
            if entry is None or entry.versioning != "dvc" or entry.kind != "file":
                return None
            md5 = entry.hash
        return FileBody(repository.store.locate(md5), name, md5, ranges=self._service.ranges)
