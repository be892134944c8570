"""One repository at one commit: its listings, its hashes, its files."""

import json
import re
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from mayo_kedro.streaming.cache import FileCache
from mayo_kedro.streaming.errors import RemoteFileNotFoundError, TransferError
from mayo_kedro.streaming.integrity import is_checkable, is_intact
from mayo_kedro.streaming.transport import Transport

if TYPE_CHECKING:
    from pathlib import Path

    from dagshub.common.api.repo import RepoAPI

WRONG_BODIES = 3
"""How often a body that does not match its hash is fetched before giving up."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


class Entry(NamedTuple):
    """A file or folder of the repository.

    Attributes:
        path: from the repository's root, without a slash at either end.
        is_folder: whether it is a folder.
        size: in bytes; 0 for a folder.
        declared_hash: DVC md5 or git blob id, as the repository declares it.
        versioning: "git", "dvc" or "bucket".
    """

    path: str
    is_folder: bool
    size: int
    declared_hash: str
    versioning: str


class Repository:
    """A repository at the commit that its revision named when first asked.

    Args:
        transport: the way to the service.
        cache: where files are kept.
        full_name: "owner/name".
        revision: a branch or a commit id; None is the default branch.
    """

    def __init__(self, transport: Transport, cache: FileCache, full_name: str, revision: str | None) -> None:
        self.full_name = full_name
        self.revision = revision
        self._transport = transport
        self._cache = cache
        self._listings: dict[str, dict[str, Entry]] = {}
        self._lock = threading.RLock()

    @cached_property
    def _api(self) -> "RepoAPI":
        # The client costs more than a second to import: only who reads from DagsHub pays.
        from dagshub.common.api.repo import RepoAPI  # noqa: PLC0415
        from httpx import Auth  # noqa: PLC0415

        # It gives addresses; the requests, with the token, are the transport's.
        return RepoAPI(self.full_name, host=self._transport.service.host, auth=Auth())

    @cached_property
    def commit(self) -> str:
        """The commit id that everything is read at; a branch that moves meanwhile changes nothing."""
        with self._lock:
            branch = self.revision or self._default_branch()
            if _COMMIT.fullmatch(branch):
                return branch
            answer = self._get_json(
                self._api.branch_url(branch), f"Branch {branch!r} of the repository {self.full_name!r}"
            )
            return str(answer["commit"]["id"])

    def at(self, revision: str | None) -> "Repository":
        """The same repository with `revision` resolved anew."""
        return Repository(self._transport, self._cache, self.full_name, revision)

    def _default_branch(self) -> str:
        answer = self._get_json(self._api.repo_api_url, f"The repository {self.full_name!r}")
        return str(answer["default_branch"])

    def list(self, folder: str) -> dict[str, Entry]:
        """List a folder.

        Args:
            folder: from the repository's root; "" is the root itself.

        Returns:
            The entries by their full path; for the path of a file that file alone.

        Raises:
            RemoteFileNotFoundError: there is no such path at this commit.
        """
        with self._lock:
            if folder not in self._listings:
                self._listings[folder] = self._request_listing(folder)
            return self._listings[folder]

    def _request_listing(self, folder: str) -> dict[str, Entry]:
        url = self._api.content_api_url(folder, self.commit)
        answer = self._get_json(
            url, f"{folder or 'The root'!r} in {self.full_name}", {"include_size": "true"}
        )
        rows = [answer] if isinstance(answer, dict) else answer
        return {entry.path: entry for entry in map(_read_entry, rows)}

    def find(self, path: str) -> Entry:
        """Find one file or folder, from its parent's listing.

        Raises:
            RemoteFileNotFoundError: there is no such path at this commit.
        """
        if not path:
            return Entry("", True, 0, "", "git")
        parent = path.rpartition("/")[0]
        entry = self.list(parent).get(path)
        if entry is None:
            raise RemoteFileNotFoundError(
                f"{path!r} is not in {self.full_name} at commit {self.commit[:10]}.",
                "Check repository, images and weights in conf/base/globals.yml, and modelling.weights.",
            )
        return entry

    def fetch(self, path: str) -> "Path":
        """Bring a file here, unless it is here already.

        Args:
            path: from the repository's root.

        Returns:
            The verified local copy; it belongs to the cache and must not be changed.

        Raises:
            RemoteFileNotFoundError: there is no such file at this commit.
            TransferError: it did not arrive whole, or never with the declared content.
        """
        entry = self.find(path)
        if entry.is_folder:
            raise IsADirectoryError(f"{path} is a folder of {self.full_name}")
        key = self._cache_key(entry)
        return self._cache.find(key) or self._cache.keep(key, self._request_body(entry))

    def _cache_key(self, entry: Entry) -> str:
        if is_checkable(entry.declared_hash):
            return entry.declared_hash
        return "\n".join((self._transport.service.host, self.full_name, self.commit, entry.path))

    def _request_body(self, entry: Entry) -> bytes:
        url = self._api.raw_api_url(entry.path, self.commit)
        for _ in range(WRONG_BODIES):
            body = self._transport.get(url, f"{entry.path!r} in {self.full_name}")
            if is_intact(body, entry.declared_hash):
                return body
        raise TransferError(
            f"{entry.path!r} in {self.full_name} arrived {WRONG_BODIES} times with other content than the "
            f"repository declares ({entry.declared_hash}).",
            "The stored file or the connection is damaged: check the file in the repository.",
        )

    def _get_json(self, url: str, what: str, query: dict[str, str] | None = None) -> Any:
        body = self._transport.get(url, what, query)
        try:
            return json.loads(body)
        except ValueError as error:
            raise TransferError(
                f"{what}: {url} does not answer as DagsHub's API does.",
                "Check repository.host in conf/base/globals.yml and DAGSHUB_CLIENT_HOST.",
            ) from error


def _read_entry(row: dict[str, Any]) -> Entry:
    return Entry(
        path=row["path"].strip("/"),
        is_folder=row["type"] != "file",
        size=int(row.get("size") or 0),
        declared_hash=row.get("hash") or "",
        versioning=row.get("versioning") or "",
    )
