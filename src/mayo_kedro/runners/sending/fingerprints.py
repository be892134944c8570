"""Whether two machines have the same: hashes of files and folders, and the version of Python.

Only the standard library: this runs in a job before it is known that the job's packages are the right ones.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

LOCK = "requirements.lock"

CODE_FOLDERS = ("src", "conf")
"""Folders in which every file counts: one too many changes what a job does."""

_LOCAL = Path("conf/local")
"""Only for one machine: never sent, and made anew where Kedro wants it."""


def python_version() -> str:
    """Python's version as far as packages depend on it, such as "3.11"."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def hash_file(path: Path) -> str:
    """Hash a file, in pieces.

    Args:
        path: the file.

    Returns:
        sha256 as 64 hex digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_listing(files: Mapping[str, str]) -> str:
    """Hash names and content of many files.

    Args:
        files: sha256 by path; their order does not matter.

    Returns:
        sha256 as 64 hex digits.
    """
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def find_differences(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Compare a folder with what it should hold.

    Args:
        folder: an unpacked snapshot.
        files: sha256 by path, relative to the folder, as it was sent.

    Returns:
        One line for each file that is missing, that is another, or that is too many among the code.
    """
    lines = [f"{path} {word}" for path, digest in files.items() if (word := _judge(folder / path, digest))]
    return sorted(lines + [f"{path} is too many" for path in _find_code(folder) if path not in files])


def _judge(path: Path, digest: str) -> str:
    if not path.is_file():
        return "is missing"
    return "" if hash_file(path) == digest else "is another"


def _find_code(folder: Path) -> Iterator[str]:
    for name in CODE_FOLDERS:
        for path in (folder / name).rglob("*"):
            relative = path.relative_to(folder)
            made_by_running = "__pycache__" in relative.parts or relative.is_relative_to(_LOCAL)
            if path.is_file() and not made_by_running:
                yield relative.as_posix()
