"""`dagshub://owner/name[@revision]/path`: a DagsHub repository as an fsspec filesystem.

`dagshub:///owner/name` is the same address. Names that are given back start with a slash, like those of other
filesystems with one root: Kedro joins them to the protocol and would lose the owner as a host's name.
"""

import os
import shutil
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.addresses import is_stored
from mayo_kedro.streaming.cache import FileCache, default_folder
from mayo_kedro.streaming.entries import Entry
from mayo_kedro.streaming.prefetch import WINDOW_BYTES
from mayo_kedro.streaming.ranged_file import RangedFile
from mayo_kedro.streaming.repository import Repository
from mayo_kedro.streaming.services import find_service
from mayo_kedro.streaming.statistics import Statistics
from mayo_kedro.streaming.transport import STALL_SECONDS, Transport
from mayo_kedro.streaming.workers import Workers
from mayo_kedro.streaming.writing import OutgoingFile, WritingFileSystem

RANGES_ABOVE = 64 * 2**20
"""Bytes; larger files are read in parts, where the service grants that, and not fetched whole."""


class DagsHubFileSystem(WritingFileSystem):
    """Reads and writes any repository of one service; its buckets are read by `.dagshub/storage/`.

    A revision is a branch (a slash in its name written `%2F`) or a commit id; it is resolved to a commit
    when first used and stays there for the run. Files arrive whole, are checked against the hash that the
    repository declares, and are kept in a cache on disk. Parts of files above `RANGES_ABOVE` are read as
    they are asked for: no hash is declared for a part.

    A branch is written by commits: one for each call (`open`, `pipe`, `put`, `copy`, `touch`, which take
    `message` and `versioning`), or one for all that is inside a transaction::

        with filesystem.transaction as commit:
            commit.message = "Add the labels of June"
            filesystem.put("labels.csv", "dagshub://owner/name@main/labels/june.csv")

    An exception inside leaves the branch as it is. What a filesystem has written it reads at the commit that
    wrote it, all else at the commit where it began. There are no empty folders, so `mkdir` does nothing, and
    nothing can be removed: that is for git.

    Nothing is contacted before the first read, so that a catalog can be built offline.

    Args:
        host: URL of the service, the name of a registered one, or None for `DAGSHUB_CLIENT_HOST`, else
            dagshub.com.
        token: the user's token, or None for `DAGSHUB_USER_TOKEN`.
        cache_folder: where files are kept; None for `MAYO_CACHE_DIR`, else the user's cache directory.
        cache_gigabytes: the least recently used files are removed above this size (10^9 bytes); None
            keeps everything.
        offline: ask nobody; what the cache holds is all there is.
        most_requests: at once; None lets it be found out.
        stall_seconds: a body that brings no byte for this long counts as lost, and is asked for again.
        versioning: of what is written: "git", "dvc", or "auto" to let the service choose.
        message: of commits; None names the files.
    """

    protocol = "dagshub"
    root_marker = "/"
    local_file = True
    """Files that are opened lie on this disk: `fsspec.open_local` gives their paths."""

    def __init__(
        self,
        *,
        host: str | None = None,
        token: str | None = None,
        cache_folder: str | None = None,
        cache_gigabytes: float | None = None,
        offline: bool = False,
        most_requests: int | None = None,
        stall_seconds: float = STALL_SECONDS,
        versioning: str = "auto",
        message: str | None = None,
        **storage_options: Any,
    ) -> None:
        super().__init__(**storage_options)
        self._host, self._token = host, token
        self._versioning, self._message = versioning, message
        limit = None if cache_gigabytes is None else int(cache_gigabytes * 10**9)
        self.cache = FileCache(Path(cache_folder) if cache_folder else default_folder(), limit)
        self.statistics = Statistics()
        self._offline = offline
        self._most_requests, self._stall_seconds = most_requests, stall_seconds
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._repositories: dict[str, Repository] = {}
        self._workers: tuple[int, Workers] | None = None

    @property
    def window_bytes(self) -> int:
        """How much is fetched ahead: never so much that it would be evicted before its turn."""
        limit = self.cache.limit_bytes
        return WINDOW_BYTES if limit is None else min(WINDOW_BYTES, limit // 4)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + str(super()._strip_protocol(path)).strip("/")

    @property
    def host(self) -> str:
        """URL of the service."""
        return self._connect().service.host

    def _connect(self) -> Transport:
        with self._lock:
            if self._transport is None:
                service = find_service(self._host, self._token)
                self._transport = Transport(
                    service, self.statistics, self._most_requests, self._stall_seconds
                )
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
        key = f"{owner}/{name}"
        if key not in self._repositories:
            bare, _, revision = key.partition("@")
            opened = Repository(self._connect(), self.cache, bare, unquote(revision) or None, self._offline)
            # One object for all threads: it holds what is known of the commit.
            self._repositories.setdefault(key, opened)
        return self._repositories[key], inner.strip("/")

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
        root = self._root_of(path, inner)
        if not detail:
            return [f"{root}/{name}" for name in repository.list_names(inner)]
        return [_describe(root, entry) for entry in repository.list_folder(inner)]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Tell what is known of a file or folder, without fetching it.

        Args:
            path: a folder or file.
            **kwargs: ignored.

        Returns:
            name, size in bytes, type ("file" or "directory"), hash and versioning.
        """
        repository, inner = self.repository(path)
        return _describe(self._root_of(path, inner), repository.find(inner, sized=True))

    def ukey(self, path: str) -> str:
        """What changes with a file's content: the hash that the repository declares, where it does."""
        repository, inner = self.repository(path)
        return repository.find(inner).declared_hash or str(super().ukey(path))

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """What makes the filesystem anew, for `to_json`: without the token, which is not for files."""
        told = super().to_dict(include_password=include_password)
        return {name: value for name, value in told.items() if name != "token"}

    def _root_of(self, path: str, inner: str) -> str:
        stripped = self._strip_protocol(path)
        return stripped[: len(stripped) - len(inner)].rstrip("/") if inner else stripped

    def fetch(self, path: str) -> Path:
        """Bring a file here and give its verified local copy, which must not be changed."""
        repository, inner = self.repository(path)
        return repository.contents.fetch(_require_file(repository, inner), repository.commit_of(inner))

    def discard(self, path: str) -> None:
        """Remove the local copy of a file that will not be asked for again."""
        repository, inner = self.repository(path)
        repository.contents.discard(repository.find(inner), repository.commit_of(inner))

    def read_part(self, path: str, start: int, end: int) -> bytes | None:
        """Read bytes `start` to `end` (exclusive) of a file of any size, without a check of their hash.

        Returns:
            The bytes; None if the file is not here and the service grants no parts.
        """
        repository, inner = self.repository(path)
        entry, commit = _require_file(repository, inner), repository.commit_of(inner)
        here = repository.contents.find(entry, commit)
        if here is None:
            return repository.contents.read_range(entry, commit, start, end)
        with here.open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def find_here(self, path: str) -> Path | None:
        """The verified local copy of a file, if that can be told in microseconds."""
        repository, inner = self.repository(path)
        entry = repository.find_at_once(inner)
        return repository.contents.find_at_once(entry) if entry else None

    def submit(self, path: str) -> "Future[Path]":
        """Begin to bring a file here, see `fetch`, as one of many."""
        return self._work().submit(partial(self._fetch_soon, path))

    def _fetch_soon(self, path: str) -> Path:
        repository, inner = self.repository(path)
        if self._offline or is_stored(inner) or repository.find_soon(inner) is not None:
            return self.fetch(path)
        contents, commit = repository.contents, repository.commit
        return contents.fetch_while_asking(inner, commit, repository.find_at_once, repository.find)

    def open_known(self, folder: str) -> bool:
        """Tell whether the hashes of all files in a folder are on this disk; then they are used."""
        repository, inner = self.repository(folder)
        return repository.open_known(inner)

    def prepare(self, folder: str) -> None:
        """Begin to learn the hashes of all files in a folder, where one request tells them."""
        repository, inner = self.repository(folder)
        # Not behind the files that wait for it.
        Workers(1).submit(partial(repository.prepare, inner))

    def _work(self) -> Workers:
        with self._lock:
            # Threads do not survive a fork.
            if self._workers is None or self._workers[0] != os.getpid():
                self._workers = (os.getpid(), Workers())
            return self._workers[1]

    def _open(
        self, path: str, mode: str = "rb", block_size: Any = None, **kwargs: Any
    ) -> BinaryIO | OutgoingFile:
        if mode != "rb":
            return self._begin(path, mode, **kwargs)
        repository, inner = self.repository(path)
        entry = _require_file(repository, inner, sized=True)
        if self._reads_in_parts(repository, entry):
            options = {} if block_size in (None, "default") else {"block_size": block_size}
            return RangedFile(self, path, repository, entry, **options)
        file = self.fetch(path).open("rb")
        file.size = os.fstat(file.fileno()).st_size  # type: ignore[attr-defined]  # fsspec's read_block asks for it
        return file

    def _reads_in_parts(self, repository: Repository, entry: Entry) -> bool:
        commit = repository.commit_of(entry.path)
        return (
            (entry.size or 0) > RANGES_ABOVE
            and repository.contents.find(entry, commit) is None
            and repository.contents.read_range(entry, commit, 0, 1) is not None
        )

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Read a file, or bytes `start` to `end` of it."""
        if start is None and end is None:
            return self.fetch(path).read_bytes()
        # Blocks of one byte at least: a part is asked for as it is, and not with what lies around it.
        with self._open(path, block_size=1) as file:
            size = file.seek(0, os.SEEK_END)
            first, last, _ = slice(start, end).indices(size)
            file.seek(first)
            return file.read(max(0, last - first))

    def get_file(self, rpath: str, lpath: Any, **kwargs: Any) -> None:
        """Copy a file, or make the folder, to the local path `lpath`."""
        if hasattr(lpath, "write"):
            lpath.write(self.cat_file(rpath))
            return
        if self.isdir(rpath):
            Path(lpath).mkdir(parents=True, exist_ok=True)
            return
        Path(lpath).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.fetch(rpath), lpath)


def _require_file(repository: Repository, path: str, sized: bool = False) -> Entry:
    entry = repository.find(path, sized)
    if entry.is_folder:
        raise IsADirectoryError(f"{path} is a folder of {repository.full_name}")
    return entry


def _describe(root: str, entry: Entry) -> dict[str, Any]:
    return {
        "name": f"{root}/{entry.path}".rstrip("/"),
        "size": entry.size,
        "type": "directory" if entry.is_folder else "file",
        "hash": entry.declared_hash,
        "versioning": entry.versioning,
    }
