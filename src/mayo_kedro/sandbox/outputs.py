"""The text files by which DVC tracks something in git: `.dvc` files and `.gitignore` entries."""

import posixpath
from collections.abc import Callable, MutableMapping

import yaml

from mayo_kedro.sandbox.objects import Stored

__all__ = ["Changes", "ReadFile", "describe_output", "ignore_output"]

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
    others = [other for other in description["outs"] if posixpath.basename(str(other["path"])) != name]
    description["outs"] = [*others, output]
    return yaml.safe_dump(description, sort_keys=False, allow_unicode=True).encode()


def ignore_output(changes: Changes, read: ReadFile, path: str) -> None:
    """Have git ignore a tracked path, the way `dvc add` does: one line in the `.gitignore` next to it."""
    place = posixpath.join(posixpath.dirname(path), ".gitignore")
    current = changes.get(place) or read(place) or b""
    line = f"/{posixpath.basename(path)}".encode()
    if line not in current.splitlines():
        changes[place] = (current.rstrip(b"\n") + b"\n" + line + b"\n").lstrip(b"\n")
