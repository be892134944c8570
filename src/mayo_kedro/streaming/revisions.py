"""Which commit a branch means: decided once, for everything that a run reads."""

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

COMMITS_VARIABLE = "MAYO_DATA_COMMITS"
"""`owner/name@COMMIT`, several with spaces between: a job elsewhere reads what its sender read."""

_COMMIT = re.compile(r"[0-9a-f]{40}")

_pinned: dict[tuple[str, str, str], str] = {}
_lock = threading.RLock()


def is_commit(revision: str | None) -> bool:
    """Tell whether a revision is a full commit id."""
    return bool(revision) and bool(_COMMIT.fullmatch(str(revision)))


def pin(host: str, repository: str, revision: str | None, commit: str) -> None:
    """Let a branch mean this commit from now on, in this process.

    Args:
        host: URL of the service.
        repository: "owner/name".
        revision: the branch; None or "" for the default branch.
        commit: its full id.
    """
    with _lock:
        _pinned[host, repository, revision or ""] = commit


def list_pins() -> dict[str, str]:
    """The commit of each repository that was read so far, by "owner/name".

    A repository that was read at several branches is left out: there is no one commit.
    """
    with _lock:
        found: dict[str, set[str]] = {}
        for (_, repository, _), commit in _pinned.items():
            found.setdefault(repository, set()).add(commit)
    return {repository: commits.pop() for repository, commits in found.items() if len(commits) == 1}


def forget_pins() -> None:
    """Let the next reader of each branch decide anew; a run begins with this."""
    with _lock:
        _pinned.clear()


def resolve(host: str, repository: str, revision: str | None, ask: Callable[[], str]) -> str:
    """The commit that a revision means in this process.

    Args:
        host: URL of the service.
        repository: "owner/name".
        revision: a branch or commit id; None for the default branch.
        ask: asks the service; called once for all that read this branch.
    """
    if revision is not None and is_commit(revision):
        return revision
    key = (host, repository, revision or "")
    commit = _pinned.get(key)
    if commit is None:
        with _lock:
            commit = _pinned.get(key) or _ordered_commit(repository) or ask()
            _pinned[key] = commit
    return commit


def _ordered_commit(repository: str) -> str | None:
    for order in os.environ.get(COMMITS_VARIABLE, "").split():
        name, _, commit = order.partition("@")
        if name == repository and is_commit(commit):
            return commit
    return None


def remember_tip(file: Path, revision: str | None, commit: str) -> None:
    """Note what a branch meant, for a time without a network."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        tips = {**_read_tips(file), revision or "": commit}
        arriving = file.with_suffix(f".{os.getpid()}")
        arriving.write_text(json.dumps(tips, indent=1))
        os.replace(arriving, file)
    except OSError:
        return  # a read-only or full cache


def recall_tip(file: Path, revision: str | None) -> str | None:
    """What a branch meant when it was last asked for; None if it never was."""
    return _read_tips(file).get(revision or "")


def _read_tips(file: Path) -> dict[str, str]:
    try:
        tips = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return tips if isinstance(tips, dict) else {}
