"""The store a real `dvc pull` and `dvc push` use: OWNER/NAME.dvc/files/md5/ab/cdef."""

import hashlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.objects import is_object_name
from mayo_kedro.sandbox.service import Service

__all__ = ["DvcRemote"]


class DvcRemote:
    """Serves and takes contents by their md5."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """What it answers to."""
        place = "/{owner}/{name}.dvc/files/md5/{start}/{rest}"
        return [Route(place, self.read), Route(place, self.write, methods=["POST", "PUT"])]

    async def read(self, request: Request) -> Response:
        """Say what is not there: what is has been answered by `files.Files`."""
        md5 = _read_name(request)
        self._service.find(request.path_params["owner"], request.path_params["name"])
        raise HTTPException(404, f"there is no content {md5}")

    async def write(self, request: Request) -> Response:
        """Take content, if it has the md5 it is sent as."""
        md5 = _read_name(request)
        store = self._service.find(request.path_params["owner"], request.path_params["name"]).store
        incoming = store.new_incoming()
        digest, size = hashlib.md5(usedforsecurity=False), 0
        try:
            with incoming.open("wb") as file:
                async for block in request.stream():
                    digest.update(block)
                    size += file.write(block)
            if digest.hexdigest() != md5.removesuffix(".dir"):
                raise HTTPException(400, f"this is not the content of {md5}")
            store.settle(incoming, md5, size)
        finally:
            incoming.unlink(missing_ok=True)
        return JSONResponse({})


def _read_name(request: Request) -> str:
    name = request.path_params["start"] + request.path_params["rest"]
    if len(request.path_params["start"]) != 2 or not is_object_name(name):
        raise HTTPException(404, f"{name} is not an md5")
    return str(name)
