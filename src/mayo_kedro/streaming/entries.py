"""What a repository holds at one commit, as far as it has been asked for; kept on disk for the next time."""

import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)

LONGEST_KEPT = 20_000
"""Rows of a listing that is kept on disk; a larger folder has a manifest."""


class Entry(NamedTuple):
    """A file or folder of the repository.

    Attributes:
        path: from the repository's root, without a slash at either end.
        is_folder: whether it is a folder.
        size: in bytes; None where the listing that named it tells none.
        declared_hash: DVC md5 or git blob id, as the repository declares it.
        versioning: "git", "dvc" or "bucket".
    """

    path: str
    is_folder: bool
    size: int | None
    declared_hash: str
    versioning: str


def read_entry(row: dict[str, Any]) -> Entry:
    """Take an entry from the API's answer, which calls a folder "dir" or "storage"."""
    is_folder = row["type"] != "file"
    return Entry(
        path=row["path"].strip("/"),
        is_folder=is_folder,
        size=0 if is_folder else int(row.get("size") or 0),
        declared_hash=row.get("hash") or "",
        versioning=row.get("versioning") or "",
    )


class KnownEntries:
    """Entries of one commit, which never change: what was asked once is not asked again.

    Args:
        file: lines of JSON, appended to; read when first needed. Several processes may append.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] | None = None
        self._listings: dict[str, tuple[str, ...]] = {}

    def find(self, path: str) -> Entry | None:
        """The entry of a path, if it is known."""
        with self._lock:
            return self._load().get(path)

    def list_folder(self, folder: str) -> list[Entry] | None:
        """What lies in a folder, if all of it is known."""
        with self._lock:
            entries = self._load()
            names = self._listings.get(folder)
            return None if names is None else [entries[name] for name in names]

    def add(self, entries: Iterable[Entry], listing_of: str | None = None) -> None:
        """Remember entries.

        Args:
            entries: what the repository told.
            listing_of: the folder of which they are everything; None for a single file.
        """
        rows = list(entries)
        with self._lock:
            self._remember(rows, listing_of)
            if len(rows) <= LONGEST_KEPT:
                self._append({"listing_of": listing_of, "entries": rows})

    def _remember(self, rows: list[Entry], listing_of: str | None) -> None:
        self._load().update((entry.path, entry) for entry in rows)
        if listing_of is not None:
            self._listings[listing_of] = tuple(entry.path for entry in rows)

    def _load(self) -> dict[str, Entry]:
        if self._entries is None:
            self._entries = {}
            for line in self._read_lines():
                try:
                    known = json.loads(line)
                    self._remember([Entry(*row) for row in known["entries"]], known["listing_of"])
                except (ValueError, KeyError, TypeError):
                    continue  # a line that a crash cut short: asked for again
        return self._entries

    def _read_lines(self) -> list[str]:
        try:
            return self._file.read_text("utf-8").splitlines()
        except OSError:
            return []

    def _append(self, known: dict[str, Any]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(known, separators=(",", ":")) + "\n")
        except OSError as error:  # a read-only or full cache: only the next process has to ask again
            logger.debug("%s was not kept: %s", self._file, error)
