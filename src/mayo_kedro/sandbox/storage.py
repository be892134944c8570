"""The routes below /api/v1 that read storage buckets."""

import base64
import binascii
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mayo_kedro.sandbox import answers
from mayo_kedro.sandbox.api import REPOSITORY, find_api, is_sized, normalise
from mayo_kedro.sandbox.bodies import FileBody
from mayo_kedro.sandbox.buckets import Bucket
from mayo_kedro.sandbox.index import Entry
from mayo_kedro.sandbox.service import Service

__all__ = ["PAGE", "StorageApi"]

PAGE = 100


class StorageApi:
    """Answers what a client may ask of buckets, which are connected to every repository."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """What it answers to."""
        return [
            Route(f"{REPOSITORY}/storage", self.storages),
            Route(f"{REPOSITORY}/storage/content/{{place:path}}", self.content),
            Route(f"{REPOSITORY}/storage/raw/{{place:path}}", self.raw),
        ]

    def storages(self, request: Request) -> Response:
        """The connected buckets."""
        self._service.find(request.path_params["owner"], request.path_params["name"])
        place = f"{request.url.path.rstrip('/')}/content"
        return JSONResponse([answers.describe_bucket(bucket, place) for bucket in self._service.buckets])

    def content(self, request: Request) -> Response:
        """A page of a folder's entries, or the one of an object."""
        bucket, entry = self._find(request)
        api, sized = find_api(request), is_sized(request)

        def describe(one: Entry) -> dict[str, Any]:
            return answers.describe_bucket_entry(one, api, sized=sized)

        if entry.kind == "file":
            return JSONResponse(describe(entry))
        page, last = bucket.list_page(
            entry.path, _read_token(request.query_params.get("from_token", "")), PAGE
        )
        return JSONResponse({"entries": [describe(one) for one in page], "next_token": _write_token(last)})

    def raw(self, request: Request) -> ASGIApp:
        """An object's bytes."""
        bucket, entry = self._find(request)
        if entry.kind != "file":
            raise HTTPException(404, f"there is no object {entry.path}")
        return FileBody(bucket.locate(entry.path), entry.path, entry.hash, ranges=self._service.ranges)

    def _find(self, request: Request) -> tuple[Bucket, Entry]:
        self._service.find(request.path_params["owner"], request.path_params["name"])
        path = normalise(request.path_params["place"])
        bucket = next((one for one in self._service.buckets if one.holds(path)), None)
        if bucket is None or ".." in path.split("/"):
            raise HTTPException(404, f"there is no bucket for {path}")
        try:
            return bucket, bucket.describe(path)
        except OSError:
            raise HTTPException(404, f"there is no {path}") from None


def _write_token(last: str) -> str | None:
    """A token that a client cannot read, and has to quote: in a URL, + and = mean something else."""
    return base64.b64encode(last.encode()).decode() if last else None


def _read_token(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise HTTPException(400, f"{token!r} is not a token of this listing") from None
