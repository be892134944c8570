"""The text files by which DVC tracks something in git: `.dvc` files and `.gitignore` entries."""

import posixpath
from collections.abc import Callable, MutableMapping
from typing import Any

import yaml

from mayo_kedro.sandbox.objects import Stored

__all__ = ["Changes", "ReadFile", "describe_output", "drop_output", "ignore_output", "unignore_output"]

Changes = MutableMapping[str, bytes | None]
ReadFile = Callable[[str], bytes | None]


def describe_output(
    path: str, stored: Stored, files: int | None = None, current: bytes | None = None
) -> bytes:
    """The text of a `.dvc` file that tracks `path`.

    Args:
        path: what is tracked, from the root of the repository.
        stored: its md5 and size.
        files: how many files a folder has; None for a file.
        current: the text so far; what else it tracks is kept.
    """
    name = posixpath.basename(path)
    count = {} if files is None else {"nfiles": files}
    output = {"md5": stored.md5, "size": stored.size, **count, "hash": "md5", "path": name}
    description = yaml.safe_load(current) if current else {"outs": []}
    description["outs"] = [*_find_others(description, name), output]
    return _write(description)


def drop_output(path: str, current: bytes) -> bytes | None:
    """The text of a `.dvc` file that tracks `path` no longer; None if that leaves it nothing to track."""
    description = yaml.safe_load(current)
    description["outs"] = _find_others(description, posixpath.basename(path))
    return _write(description) if description["outs"] else None


def _find_others(description: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [other for other in description["outs"] if posixpath.basename(str(other["path"])) != name]


def _write(description: dict[str, Any]) -> bytes:
    return yaml.safe_dump(description, sort_keys=False, allow_unicode=True).encode()


def ignore_output(changes: Changes, read: ReadFile, path: str) -> None:
    """Have git ignore a tracked path, the way `dvc add` does: one line in the `.gitignore` next to it."""
    place, line = _find_ignoring(path)
    current = changes.get(place) or read(place) or b""
    if line not in current.splitlines():
        changes[place] = (current.rstrip(b"\n") + b"\n" + line + b"\n").lstrip(b"\n")


def unignore_output(changes: Changes, read: ReadFile, path: str) -> None:
    """Have git ignore a path no longer that was tracked; a `.gitignore` left empty goes."""
    place, line = _find_ignoring(path)
    current = changes.get(place) or read(place) or b""
    if line in current.splitlines():
        changes[place] = b"".join(one for one in current.splitlines(True) if one.rstrip() != line) or None


def _find_ignoring(path: str) -> tuple[str, bytes]:
    place = posixpath.join(posixpath.dirname(path), ".gitignore")
    return place, f"/{posixpath.basename(path)}".encode()
