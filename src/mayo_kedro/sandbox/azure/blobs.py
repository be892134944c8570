"""Blob storage: files at addresses that carry their own permission."""

import base64
import binascii
import hashlib
import hmac
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mayo_kedro.sandbox.azure.reading import BlobBody

__all__ = ["PREFIX", "Blobs", "find_inside"]

PREFIX = "/azureml-"
LIFETIME_S = 86_400.0
VERSION = "2021-12-02"

FindFile = Callable[[str], Path | None]


def find_inside(folder: Path, path: str) -> Path:
    """The place of a path below a folder.

    Raises:
        ValueError: it leads out of the folder.
    """
    parts = path.split("/")
    if not path or {"", ".", ".."} & set(parts):
        raise ValueError(f"{path!r} cannot be the path of a file")
    return folder.joinpath(*parts)


class Blobs:
    """One storage account.

    Args:
        base: the service's address, `https://127.0.0.1:PORT`.
        folder: where the containers are.
        make_body: makes the answer to a read.
    """

    def __init__(self, base: str, folder: Path, make_body: Callable[[Path, str], ASGIApp] = BlobBody) -> None:
        # the SDK wants to see an account, "blob" and a suffix, and takes the host from behind the user name
        self.suffix = f"local@{base.removeprefix('https://')}"
        self._host = f"https://sandbox.blob.{self.suffix}"
        self._folder = folder
        self._make_body = make_body
        self._key = secrets.token_bytes(32)
        self._found: dict[str, FindFile] = {}
        self.routes = [
            Route(f"{PREFIX}{{container}}/{{path:path}}", self._read, methods=["GET", "HEAD"]),
            Route(f"{PREFIX}{{container}}/{{path:path}}", self._write, methods=["PUT"]),
        ]

    def add_container(self, container: str, find: FindFile | None = None) -> Path:
        """The folder of a container; `find` looks for its files elsewhere as well."""
        folder = self._folder / container
        folder.mkdir(parents=True, exist_ok=True)
        self._found[container] = find or (lambda path: find_inside(folder, path))
        return folder

    def address(self, container: str, path: str, *, write: bool = False) -> str:
        """An address at which a blob can be read, and written if so wished."""
        permission = "rcw" if write else "r"
        expiry = str(int(time.time() + LIFETIME_S))
        name = f"{container}/{path}"
        given = {"sv": VERSION, "sr": "b", "sp": permission, "se": expiry}
        query = urlencode({**given, "sig": self._sign(name, permission, expiry)})
        # the SDK quotes the path of an upload itself, although it is quoted already
        quoted = quote(name, safe="/ ") if write else quote(name)
        return f"{self._host}{PREFIX}{quoted}?{query}"

    def _sign(self, name: str, permission: str, expiry: str) -> str:
        text = "\n".join((name, permission, expiry)).encode()
        return base64.b64encode(hmac.digest(self._key, text, "sha256")).decode()

    def _admits(self, request: Request, wanted: str) -> bool:
        given = request.query_params
        permission, expiry = given.get("sp", ""), given.get("se", "0")
        name = "{container}/{path}".format(**request.path_params)
        signature = self._sign(name, permission, expiry)
        signed = hmac.compare_digest(given.get("sig", "").encode(), signature.encode())
        return signed and wanted in permission and int(expiry) > time.time()

    async def _read(self, request: Request) -> ASGIApp | Response:
        if not self._admits(request, "r"):
            return _refuse(403, "AuthenticationFailed", "the signature does not fit")
        try:
            found = self._found[request.path_params["container"]](request.path_params["path"])
            return self._make_body(found, request.path_params["path"]) if found else _find_nothing()
        except (KeyError, OSError, ValueError):
            return _find_nothing()

    async def _write(self, request: Request) -> Response:
        if not self._admits(request, "w"):
            return _refuse(403, "AuthorizationPermissionMismatch", "the signature is not one for writing")
        try:
            place = find_inside(self._folder / request.path_params["container"], request.path_params["path"])
        except ValueError as problem:
            return _refuse(400, "InvalidUri", str(problem))
        content = await request.body()
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        if request.headers.get("content-md5", digest) != digest:
            return _refuse(400, "Md5Mismatch", "the body is not what its MD5 says")
        try:
            given = request.query_params
            self._keep(place, content, given.get("comp", ""), given.get("blockid", ""))
        except (FileNotFoundError, ElementTree.ParseError):
            return _refuse(400, "InvalidBlockList", "the list names a block that has not come")
        headers = {"ETag": f'"{time.time_ns():x}"', "Last-Modified": formatdate(usegmt=True)}
        return Response(status_code=201, headers={**headers, "Content-MD5": digest})

    def _keep(self, place: Path, content: bytes, part: str, block: str) -> None:
        waiting = self._folder / ".uploads" / hashlib.sha256(str(place).encode()).hexdigest()
        waiting.mkdir(parents=True, exist_ok=True)
        if part == "block":
            (waiting / _name_block(block)).write_bytes(content)
            return
        whole = waiting / "whole"
        with whole.open("wb") as file:
            for piece in _read_blocks(waiting, content) if part == "blocklist" else (content,):
                file.write(piece)
        place.parent.mkdir(parents=True, exist_ok=True)
        whole.replace(place)
        shutil.rmtree(waiting)


def _read_blocks(folder: Path, block_list: bytes) -> Iterator[bytes]:
    for element in ElementTree.fromstring(block_list):  # noqa: S314 - sent on loopback, by a job of this user
        yield (folder / _name_block(element.text or "")).read_bytes()


def _name_block(block: str) -> str:
    return binascii.hexlify(block.encode()).decode()


def _find_nothing() -> Response:
    return _refuse(404, "BlobNotFound", "there is no such blob")


def _refuse(status: int, code: str, message: str) -> Response:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<?xml version="1.0" encoding="utf-8"?>{error}'
    return Response(body, status, {"x-ms-error-code": code}, "application/xml")
