"""Snapshots: what a client sends of its folder; files that have not changed come from the snapshot before."""

import shutil
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.blobs import PREFIX, Blobs, find_inside
from mayo_kedro.sandbox.azure.records import Records
from mayo_kedro.sandbox.azure.refusals import refuse

__all__ = ["Snapshots"]

CONTAINER = "snapshots"


class Snapshots:
    """The snapshots of the workspace, and the routes.

    Args:
        blobs: where the files are sent to.
        records: keeps which file of a snapshot is in which blob.
    """

    def __init__(self, blobs: Blobs, records: Records) -> None:
        self._blobs = blobs
        self._folder = blobs.add_container(CONTAINER)
        self._records = records
        self.routes = [
            Route("/content/v1.0/workspace/snapshots/latest/metadata", self._describe_latest),
            Route("/content/v2.0/workspace/snapshots/getblob", self._give_addresses, methods=["POST"]),
            Route("/content/v2.0/workspace/snapshots/{identity}", self._make, methods=["POST"]),
            Route("/content/v2.0/workspace/snapshots/{identity}/zip", self._pack, methods=["POST"]),
        ]

    def find(self, identity: str) -> dict[str, Any] | None:
        """A snapshot: its `files`, blobs by path, and the client's `properties`."""
        return self._records.get(identity)

    def unpack(self, identity: str, folder: Path) -> None:
        """Write the files of a snapshot into a folder.

        Raises:
            FileNotFoundError: a file never came.
            KeyError: there is no such snapshot.
        """
        snapshot = self.find(identity)
        if snapshot is None:
            raise KeyError(identity)
        for path, blob in snapshot["files"].items():
            place = find_inside(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(find_inside(self._folder, blob), place)

    async def _describe_latest(self, _: Request) -> Response:
        # nothing: the client then sends all files
        return JSONResponse({"id": None, "root": {}})

    async def _give_addresses(self, request: Request) -> Response:
        batch = uuid.uuid4().hex
        names = (await request.json())["FileNames"]
        nodes = [
            {"fullName": name, "blobUri": self._blobs.address(CONTAINER, f"{batch}/{number}", write=True)}
            for number, name in enumerate(names)
        ]
        return JSONResponse({"fileNodes": nodes})

    async def _make(self, request: Request) -> Response:
        given = await request.json()
        parent: dict[str, Any] | None = {"files": {}}
        if given.get("ParentSnapshotId"):
            parent = self.find(given["ParentSnapshotId"])
        if parent is None:
            return refuse(404, f"there is no snapshot {given['ParentSnapshotId']}")
        sent = given["FileRevisionList"]["FileNodes"]
        files = {**parent["files"], **{one["FullName"]: _find_blob(one["BlobUri"]) for one in sent}}
        kept = {path: files.get(path) for path in _walk(given["DirTreeNode"])}
        if missing := [path for path, blob in kept.items() if not blob]:
            return refuse(400, f"{missing[0]} is in the snapshot and was never sent")
        snapshot = {"files": kept, "properties": given.get("Properties") or {}}
        self._records.put(request.path_params["identity"], snapshot)
        return JSONResponse({"id": request.path_params["identity"]})

    async def _pack(self, request: Request) -> Response:
        identity = request.path_params["identity"]
        snapshot = self.find(identity)
        if snapshot is None:
            return refuse(404, f"there is no snapshot {identity}")
        packed = f"packed/{identity}.zip"
        (self._folder / "packed").mkdir(exist_ok=True)
        with zipfile.ZipFile(self._folder / packed, "w") as archive:
            for path, blob in snapshot["files"].items():
                archive.write(find_inside(self._folder, blob), path)
        return JSONResponse({"zipSasUri": self._blobs.address(CONTAINER, packed)})


def _find_blob(address: str) -> str:
    return unquote(urlparse(address).path).removeprefix(f"{PREFIX}{CONTAINER}/")


def _walk(node: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, child in (node.get("children") or {}).items():
        path = f"{above}{name}"
        if str(child["type"]).lower() == "file":
            yield path
        else:
            yield from _walk(child, f"{path}/")
