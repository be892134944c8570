"""The few things the service asks of the git command line, on a bare repository."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "Author",
    "CommitFacts",
    "GitError",
    "TreeEntry",
    "clean_environment",
    "create_bare",
    "describe_commit",
    "find_commit",
    "is_branch_name",
    "list_tree",
    "read_blobs",
    "read_branches",
    "write_commit",
]


class GitError(RuntimeError):
    """git refused what it was asked to do."""


class Author(NamedTuple):
    """Who a commit is by."""

    name: str
    email: str


class TreeEntry(NamedTuple):
    """One line of `git ls-tree`: a file with its size in bytes, or a folder (size 0)."""

    path: str
    kind: str
    identity: str
    size: int


@dataclass(frozen=True)
class CommitFacts:
    """What is told of a commit; the time is ISO 8601."""

    identity: str
    message: str
    author: Author
    committer: Author
    timestamp: str


def clean_environment() -> dict[str, str]:
    """This process' environment, without the user's git settings.

    A hook that starts the service exports GIT_DIR; a user's templates or signing would change the commits.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**inherited, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}


def _run(repository: Path, *arguments: str, given: bytes = b"") -> bytes:
    command = ["git", f"--git-dir={repository}", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, env=clean_environment(), check=False)
    if done.returncode:
        raise GitError(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def create_bare(repository: Path, branch: str) -> None:
    """Make an empty bare repository whose default branch is `branch`."""
    repository.parent.mkdir(parents=True, exist_ok=True)
    _run(repository, "init", "--bare", "--quiet", f"--initial-branch={branch}")


def read_branches(repository: Path) -> dict[str, str]:
    """Every branch with the commit at its tip."""
    listed = _run(repository, "for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads")
    pairs = (line.split(" ", 1) for line in listed.decode().splitlines())
    return {name: commit for commit, name in pairs}


def find_commit(repository: Path, prefix: str) -> str | None:
    """The one commit whose id begins with `prefix`, or None; a branch of that name is not looked at."""
    if not re.fullmatch("[0-9a-f]{4,40}", prefix):
        return None
    candidates = _run(repository, "rev-parse", f"--disambiguate={prefix}")
    checked = _run(repository, "cat-file", "--batch-check", given=candidates).decode().splitlines()
    commits = [line.split()[0] for line in checked if line.split()[1] == "commit"]
    return commits[0] if len(commits) == 1 else None


def list_tree(repository: Path, commit: str) -> list[TreeEntry]:
    """All folders and files of a commit."""
    listed = _run(repository, "ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit)
    entries = []
    for record in listed.decode(errors="surrogateescape").split("\0")[:-1]:
        facts, path = record.split("\t", 1)
        _, kind, identity, size = facts.split()
        entries.append(TreeEntry(path, kind, identity, 0 if size == "-" else int(size)))
    return entries


def read_blobs(repository: Path, identities: Iterable[str]) -> list[bytes]:
    """The contents of blobs, in the order asked for."""
    asked = list(identities)
    if not asked:
        return []
    output = _run(repository, "cat-file", "--batch", given="".join(f"{one}\n" for one in asked).encode())
    contents, position = [], 0
    for _ in asked:
        end = output.index(b"\n", position)
        size = int(output[position:end].split()[2])
        contents.append(output[end + 1 : end + 1 + size])
        position = end + 1 + size + 1
    return contents


def describe_commit(repository: Path, commit: str) -> CommitFacts:
    """The author, committer, time and message of a commit."""
    shown = _run(
        repository, "show", "--no-patch", "--format=%H%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%B", commit
    )
    identity, name, email, by, by_email, time, message = shown.decode(errors="replace").split("\0", 6)
    return CommitFacts(identity, message.strip() + "\n", Author(name, email), Author(by, by_email), time)


def is_branch_name(name: str) -> bool:
    """Whether git allows a branch of this name."""
    command = ["git", "check-ref-format", f"refs/heads/{name}"]
    return not name.startswith("-") and subprocess.run(command, check=False).returncode == 0


def write_commit(
    repository: Path,
    branch: str,
    parent: str | None,
    changes: Mapping[str, bytes | None],
    message: str,
    by: Author,
) -> str:
    """Commit `changes` (None deletes a path) on top of `parent` and move `branch` there.

    Raises:
        GitError: the branch has moved on to something that `parent` does not contain.
    """
    body = message.encode()
    stream = [
        f"commit refs/heads/{branch}\nmark :1\n".encode(),
        f"committer {by.name} <{by.email}> now\ndata {len(body)}\n".encode() + body + b"\n",
        f"from {parent}\n".encode() if parent else b"",
        *(_describe_change(path, content) for path, content in sorted(changes.items())),
        b"get-mark :1\n",
    ]
    written = _run(repository, "fast-import", "--quiet", "--date-format=now", given=b"".join(stream))
    return written.decode().strip()


def _describe_change(path: str, content: bytes | None) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if content is None:
        return f'D "{escaped}"\n'.encode()
    return f'M 100644 inline "{escaped}"\ndata {len(content)}\n'.encode() + content + b"\n"
