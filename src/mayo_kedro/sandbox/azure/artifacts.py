"""Artifacts: the files of runs, and where to read and write them.

What a job writes to `outputs/` and `logs/` can be read while it runs, and is kept when it ends.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.blobs import Blobs, find_inside
from mayo_kedro.sandbox.azure.runs import find_container

__all__ = ["COLLECTED", "Artifacts"]

CONTAINER = "artifacts"
COLLECTED = ("outputs", "logs")
ORIGIN = "ExperimentRun"


class Artifacts:
    """The artifacts of all runs, and the routes.

    Args:
        blobs: where they are.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._live: dict[str, list[Path]] = {}
        self._folder = blobs.add_container(CONTAINER, self._find)
        root = "/artifact/v2.0/workspace/artifacts"
        run = "/history/v1.0/workspace/experiments/{experiment}/runs/{run}/artifacts"
        by_container = f"{ORIGIN}/{{container}}"
        self.routes = [
            Route(f"{root}/contentinfo/{by_container}/{{path:path}}", self._tell_address),
            Route(f"{root}/prefix/contentinfo/{by_container}", self._tell_addresses),
            Route(f"{root}/prefix/contentinfo/{by_container}/{{path:path}}", self._tell_addresses),
            Route(f"{root}/batch/metadata/{by_container}", self._make, methods=["POST"]),
            Route(f"{root}/metadata/{by_container}/{{path:path}}", self._describe_one),
            Route(f"{root}/{by_container}", self._list),
            Route(f"{root}/{by_container}/{{path:path}}", self._list),
            Route(run, self._list),
            Route(f"{run}/path/{{path:path}}", self._list),
            Route(f"{run}/contentinfo/{{path:path}}", self._tell_address),
            Route(f"{run}/contentinfo", self._tell_address),
            Route(f"{run}/prefix/contentinfo/{{path:path}}", self._tell_addresses),
            Route(f"{run}/batch/metadata", self._make, methods=["POST"]),
        ]

    def find_folder(self, run: str) -> Path:
        """Where the artifacts of a run are kept."""
        folder = self._folder / ORIGIN / find_container(run)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def address(self, run: str, path: str) -> str:
        """An address at which an artifact can be read."""
        return self._blobs.address(CONTAINER, f"{ORIGIN}/{find_container(run)}/{path}")

    def list_files(self, container: str) -> list[str]:
        """The paths of the artifacts of a container."""
        kept = self._folder / ORIGIN / container
        places = [*_walk(kept, kept)]
        for folder in self._live.get(container, []):
            for name in COLLECTED:
                places += _walk(folder / name, folder)
        return sorted(set(places))

    def follow(self, run: str, folders: Iterable[Path]) -> None:
        """Show what appears in the folders of a job's nodes."""
        self._live[find_container(run)] = list(folders)

    def collect(self, run: str) -> None:
        """Keep what has appeared in the folders that are followed, and follow them no longer."""
        kept = self.find_folder(run)
        for folder in self._live.get(find_container(run), []):
            for name in COLLECTED:
                if (folder / name).is_dir():
                    shutil.copytree(
                        folder / name, kept / name, dirs_exist_ok=True, ignore_dangling_symlinks=True
                    )
        self._live.pop(find_container(run), None)

    def _find(self, path: str) -> Path | None:
        place = find_inside(self._folder, path)
        _, container, inner = path.split("/", 2)
        live = [find_inside(folder, inner) for folder in self._live.get(container, [])]
        following = inner.startswith(tuple(f"{name}/" for name in COLLECTED))
        found = [one for one in (*(live if following else ()), place) if one.is_file()]
        return found[0] if found else None

    def _describe(self, container: str, path: str, **more: Any) -> dict[str, Any]:
        identity = f"{ORIGIN}/{container}/{path}"
        return {"artifactId": identity, "origin": ORIGIN, "container": container, "path": path, **more}

    def _describe_with_address(self, container: str, path: str, *, write: bool = False) -> dict[str, Any]:
        address = self._blobs.address(CONTAINER, f"{ORIGIN}/{container}/{path}", write=write)
        return self._describe(container, path, contentUri=address)

    async def _tell_address(self, request: Request) -> Response:
        path = _read_path(request)
        container = _read_container(request)
        if path not in self.list_files(container):
            raise HTTPException(404, f"{path} is not an artifact of {container}")
        return JSONResponse(self._describe_with_address(container, path))

    async def _tell_addresses(self, request: Request) -> Response:
        container = _read_container(request)
        paths = self._list_below(container, _read_path(request))
        return JSONResponse({"value": [self._describe_with_address(container, path) for path in paths]})

    async def _describe_one(self, request: Request) -> Response:
        return JSONResponse(self._describe(_read_container(request), _read_path(request)))

    async def _list(self, request: Request) -> Response:
        container = _read_container(request)
        paths = self._list_below(container, _read_path(request))
        return JSONResponse({"value": [self._describe(container, path) for path in paths]})

    async def _make(self, request: Request) -> Response:
        container = _read_container(request)
        paths = [one["path"] for one in (await request.json())["paths"]]
        addresses = {path: self._describe_with_address(container, path, write=True) for path in paths}
        described = {path: self._describe(container, path) for path in paths}
        return JSONResponse({"artifacts": described, "artifactContentInformation": addresses, "errors": {}})

    def _list_below(self, container: str, prefix: str) -> list[str]:
        return [path for path in self.list_files(container) if path.startswith(prefix)]


def _walk(folder: Path, root: Path) -> list[str]:
    """The files below a folder, by their paths from `root`; what goes away meanwhile is left out."""
    found = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return [file.relative_to(root).as_posix() for file in found]


def _read_container(request: Request) -> str:
    given = request.path_params
    return str(given["container"]) if "container" in given else find_container(given["run"])


def _read_path(request: Request) -> str:
    return str(request.path_params.get("path") or request.query_params.get("path", ""))
