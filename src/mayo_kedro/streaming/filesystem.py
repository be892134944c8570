"""`dagshub://owner/name[@revision]/path`: a DagsHub repository as an fsspec filesystem.

`dagshub:///owner/name` is the same address. Names that are given back start with a slash, like those of other
filesystems with one root: Kedro joins them to the protocol and would lose the owner as a host's name.
"""

import io
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fsspec import AbstractFileSystem

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.cache import FileCache, default_folder
from mayo_kedro.streaming.repository import Entry, Repository
from mayo_kedro.streaming.services import find_service
from mayo_kedro.streaming.transport import Transport
from mayo_kedro.streaming.upload import upload


class DagsHubFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no type hints
    """Reads git-tracked and DVC-tracked files of any repository of one service.

    A revision is a branch (a slash in its name written `%2F`) or a commit id; it is resolved to a commit
    when first used and stays there for the life of the process. Files arrive whole, are checked against
    the hash that the repository declares, and are kept in a cache on disk.

    Nothing is contacted before the first read, so that a catalog can be built offline.

    Args:
        host: URL of the service, the name of a registered one, or None for `DAGSHUB_CLIENT_HOST`, else
            dagshub.com.
        token: the user's token, or None for `DAGSHUB_USER_TOKEN`.
        cache_folder: where files are kept; None for `MAYO_KEDRO_CACHE`, else the user's cache directory.
    """

    protocol = "dagshub"
    root_marker = "/"

    def __init__(
        self,
        host: str | None = None,
        token: str | None = None,
        cache_folder: str | None = None,
        **storage_options: Any,
    ) -> None:
        super().__init__(**storage_options)
        self._host, self._token = host, token
        self._cache = FileCache(Path(cache_folder) if cache_folder else default_folder())
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._repositories: dict[str, Repository] = {}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + str(super()._strip_protocol(path)).strip("/")

    @property
    def host(self) -> str:
        """URL of the service."""
        return self._connect().service.host

    def upload(self, path: str, files: Mapping[str, Path], message: str) -> str:
        """Put files into a folder, versioned with DVC, in one commit.

        Args:
            path: the folder, in a repository whose revision is a branch.
            files: local files by their path below the folder.
            message: of the commit.

        Returns:
            The new commit id, at which the files were read back.
        """
        repository, folder = self.repository(path)
        return upload(self._connect(), repository, folder, files, message)

    def _connect(self) -> Transport:
        with self._lock:
            if self._transport is None:
                self._transport = Transport(find_service(self._host, self._token))
            return self._transport

    def repository(self, path: str) -> tuple[Repository, str]:
        """Split a path into its repository and the path inside.

        Args:
            path: with or without the protocol.

        Returns:
            The repository (the same object for the same name and revision) and the path from its root.

        Raises:
            UserError: the path names no repository.
        """
        owner, _, rest = self._strip_protocol(path).lstrip("/").partition("/")
        name, _, inner = rest.partition("/")
        if not owner or not name:
            raise UserError(
                f"dagshub:/{self._strip_protocol(path)} names no repository.",
                "Write it as dagshub://owner/name[@revision]/path.",
            )
        bare, _, revision = name.partition("@")
        opened = Repository(self._connect(), self._cache, f"{owner}/{bare}", unquote(revision) or None)
        # One object for all threads: it holds the pinned commit.
        return self._repositories.setdefault(f"{owner}/{name}", opened), inner.strip("/")

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a folder, or a file as itself.

        Args:
            path: a folder or file.
            detail: whether to give all that is known of each, or names only.
            **kwargs: ignored; fsspec passes options of other filesystems.

        Returns:
            Dictionaries with name, size, type, hash and versioning; or names.
        """
        repository, inner = self.repository(path)
        if inner and not repository.find(inner).is_folder:
            entries = [repository.find(inner)]
        else:
            entries = list(repository.list(inner).values())
        rows = [self._describe(path, inner, entry) for entry in entries]
        return rows if detail else [row["name"] for row in rows]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Tell what is known of a file or folder, without fetching it.

        Args:
            path: a folder or file.
            **kwargs: ignored.

        Returns:
            name, size in bytes, type ("file" or "directory"), hash and versioning.
        """
        repository, inner = self.repository(path)
        return self._describe(path, inner, repository.find(inner))

    def _describe(self, path: str, inner: str, entry: Entry) -> dict[str, Any]:
        stripped = self._strip_protocol(path).rstrip("/")
        root = stripped[: len(stripped) - len(inner)].rstrip("/") if inner else stripped
        return {
            "name": f"{root}/{entry.path}".rstrip("/"),
            "size": entry.size,
            "type": "directory" if entry.is_folder else "file",
            "hash": entry.declared_hash,
            "versioning": entry.versioning,
        }

    def fetch(self, path: str) -> Path:
        """Bring a file here and give its verified local copy, which must not be changed."""
        repository, inner = self.repository(path)
        return repository.fetch(inner)

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> io.BufferedReader:
        if mode != "rb":
            raise UserError(
                f"dagshub:/{path} is opened to be written, and this filesystem reads only.",
                "Publish files with mayo_kedro.datasets.DagsHubUploadDataset.",
            )
        return self.fetch(path).open("rb")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Read a file, or bytes `start` to `end` of it."""
        with self._open(path) as file:
            if start is None and end is None:
                return file.read()
            return file.read()[start:end]

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        """Copy a file, or make the folder, to the local path `lpath`."""
        if self.isdir(rpath):
            Path(lpath).mkdir(parents=True, exist_ok=True)
            return
        Path(lpath).parent.mkdir(parents=True, exist_ok=True)
        Path(lpath).write_bytes(self.cat_file(rpath))
