"""One repository of the service: a bare git repository, and beside it the store of what DVC tracks."""

import contextlib
import functools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock

from mayo_kedro.sandbox import git
from mayo_kedro.sandbox.index import CommitIndex, Entry, build_index
from mayo_kedro.sandbox.objects import ObjectStore

__all__ = ["DEFAULT_BRANCH", "Repository"]

DEFAULT_BRANCH = "main"
KEPT_COMMITS = 16
SMALL = 1 << 20


class Repository:
    """A repository below `folder`: `NAME.git` and `NAME.dvc`.

    Args:
        folder: the owner's folder; its name is the owner.
        name: the repository.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.owner = folder.name
        self.name = name
        self.git_folder = folder / f"{name}.git"
        self.store = ObjectStore(folder / f"{name}.dvc")
        self._exists = False
        self._indexes: OrderedDict[str, CommitIndex] = OrderedDict()
        self._building = threading.Lock()
        self._small_blob = functools.lru_cache(maxsize=64)(self._read_blob)

    def exists(self) -> bool:
        """Whether it has been created."""
        self._exists = self._exists or (self.git_folder / "HEAD").is_file()
        return self._exists

    def create(self) -> None:
        """Make it, without any commit."""
        git.create_bare(self.git_folder, DEFAULT_BRANCH)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only one, of all processes, that commits here."""
        with FileLock(self.git_folder.with_suffix(".lock")):
            yield

    @property
    def default_branch(self) -> str:
        """The branch a clone checks out."""
        return (self.git_folder / "HEAD").read_text().strip().removeprefix("ref: refs/heads/")

    def branches(self) -> dict[str, str]:
        """Every branch with the commit at its tip."""
        return git.read_branches(self.git_folder)

    def find_commit(self, prefix: str) -> str | None:
        """The full id of the one commit that begins with `prefix`."""
        if prefix in self._indexes:
            return prefix
        return git.find_commit(self.git_folder, prefix)

    def describe(self, commit: str) -> git.CommitFacts:
        """Message, author and time of a commit."""
        return git.describe_commit(self.git_folder, commit)

    def split_branch(self, path: str) -> tuple[str, str, str] | None:
        """Take `BRANCH/PATH` apart: branch, its tip, path. Names hold slashes."""
        for branch, tip in self.branches().items():
            if path == branch or path.startswith(f"{branch}/"):
                return branch, tip, path[len(branch) + 1 :]
        return None

    def split_revision(self, path: str) -> tuple[str, str] | None:
        """Take `REVISION/PATH` apart, where the revision is a commit or a branch: commit, path."""
        revision, _, rest = path.partition("/")
        if revision in self._indexes:
            return revision, rest
        if found := self.split_branch(path):
            return found[1], found[2]
        commit = git.find_commit(self.git_folder, revision)
        return (commit, rest) if commit else None

    def empty_index(self) -> CommitIndex:
        """What a repository without any commit holds."""
        return CommitIndex()

    def known_index(self, commit: str) -> CommitIndex | None:
        """The commit's index if it is in memory."""
        return self._indexes.get(commit)

    def index(self, commit: str) -> CommitIndex:
        """What the commit holds; read once, then kept in memory."""
        if known := self._indexes.get(commit):
            return known
        with self._building:
            if commit not in self._indexes:
                built = self._build_index(commit)
                if not built.complete:  # a manifest may still be pushed
                    return built
                self._indexes[commit] = built
                while len(self._indexes) > KEPT_COMMITS:
                    self._indexes.popitem(last=False)
            return self._indexes[commit]

    def _build_index(self, commit: str) -> CommitIndex:
        tree = git.list_tree(self.git_folder, commit)
        described = {
            entry.path: entry.identity
            for entry in tree
            if entry.path.endswith(".dvc") and entry.kind == "blob"
        }
        contents = git.read_blobs(self.git_folder, described.values())
        return build_index(tree, dict(zip(described, contents, strict=True)), self.store)

    def _read_blob(self, identity: str) -> bytes:
        return git.read_blobs(self.git_folder, [identity])[0]

    def read_blob(self, entry: Entry) -> bytes:
        """The content of a file that git holds; small ones stay in memory."""
        read = self._small_blob if (entry.size or 0) <= SMALL else self._read_blob
        return read(entry.hash)

    def read_text(self, index: CommitIndex, path: str) -> bytes | None:
        """The content of a file that git holds, by its path; None if there is none."""
        entry = index.find(path)
        is_blob = entry and entry.kind == "file" and entry.versioning == "git"
        return self.read_blob(entry) if entry and is_blob else None

    def commit(
        self, branch: str, parent: str | None, changes: Mapping[str, bytes | None], message: str
    ) -> str:
        """Commit changes of git's files (None deletes) and move the branch; to be called while `writing`."""
        author = git.Author(self.owner, f"{self.owner}@sandbox.invalid")
        return git.write_commit(self.git_folder, branch, parent, changes, message, author)
