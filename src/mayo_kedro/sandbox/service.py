"""What every part of the service shares: where its state is, who its user is, which repositories it has."""

import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock
from starlette.exceptions import HTTPException

from mayo_kedro.sandbox.buckets import Bucket
from mayo_kedro.sandbox.repository import Repository

__all__ = ["Service", "open_state"]


@dataclass(frozen=True)
class Service:
    """The service's state.

    Args:
        state: the folder that holds everything.
        login: the one user.
        token: what the user identifies by.
        ranges: whether bodies can be asked for in part.
        buckets: what is connected to every repository.
    """

    state: Path
    login: str
    token: str
    ranges: bool = False
    buckets: Sequence[Bucket] = ()
    _open: dict[tuple[str, str], Repository] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def repository(self, owner: str, name: str) -> Repository:
        """A repository by its names, whether it exists or not; the same object each time.

        Raises:
            ValueError: no repository can have such names.
        """
        if known := self._open.get((owner, name)):
            return known
        if not all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", one) for one in (owner, name)):
            raise ValueError(f"{owner}/{name} cannot be a repository")
        with self._lock:
            folder = self.state / "repositories" / owner
            return self._open.setdefault((owner, name), Repository(folder, name))

    def look_up(self, owner: str, name: str) -> Repository | None:
        """A repository if it exists."""
        try:
            repository = self.repository(owner, name)
        except ValueError:
            return None
        return repository if repository.exists() else None

    def find(self, owner: str, name: str) -> Repository:
        """A repository that exists.

        Raises:
            HTTPException: 404 if it does not.
        """
        repository = self.look_up(owner, name)
        if repository is None:
            raise HTTPException(404, f"{owner}/{name} does not exist")
        return repository


def open_state(state: Path, *, login: str, ranges: bool = False, buckets: Sequence[Bucket] = ()) -> Service:
    """Open a state folder, making it on first use; its token stays the same from start to start."""
    state.mkdir(parents=True, exist_ok=True)
    token = state / "token"
    with FileLock(state / "lock"):
        (state / ".gitignore").write_text("*\n")
        if not token.exists():
            token.touch(mode=0o600)
            token.write_text(secrets.token_hex(20))
    return Service(state, login, token.read_text(), ranges, buckets)
