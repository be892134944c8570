"""One repository at one commit: which files and folders it holds."""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mayo_kedro.streaming.addresses import STORAGE, Addresses, is_stored
from mayo_kedro.streaming.buckets import Buckets
from mayo_kedro.streaming.cache import FileCache
from mayo_kedro.streaming.contents import Contents
from mayo_kedro.streaming.entries import Entry, KnownEntries, read_entry
from mayo_kedro.streaming.errors import OfflineError, RemoteFileNotFoundError
from mayo_kedro.streaming.manifests import Manifests
from mayo_kedro.streaming.revisions import recall_tip, remember_tip, resolve
from mayo_kedro.streaming.transport import Request, Transport

_ROOT = Entry("", True, 0, "", "git")


class _AtCommit(NamedTuple):
    """What is known of the repository as one run reads it.

    Attributes:
        known: entries that were asked for.
        manifests: of its DVC-tracked folders.
        written: what this process has written since, with the commit that holds it.
    """

    known: KnownEntries
    manifests: Manifests
    written: dict[str, tuple[str, Entry]]


class Repository:
    """A repository at the commit that its revision named when this process first asked.

    A file is asked for alone, so that the first one costs the same in a folder of a million; `prepare`
    brings the md5s of a whole folder.

    Args:
        transport: the way to the service.
        cache: where files, and what is known of the commit, are kept.
        full_name: "owner/name".
        revision: a branch or a commit id; None is the default branch.
        offline: ask nobody; what the cache holds is all there is.
    """

    def __init__(
        self,
        transport: Transport,
        cache: FileCache,
        full_name: str,
        revision: str | None,
        offline: bool = False,
    ) -> None:
        self.full_name = full_name
        self.revision = revision
        self.contents = Contents(transport, cache, full_name, offline)
        self._transport = transport
        self._cache = cache
        self._offline = offline
        self._addresses = Addresses(transport.service.host, full_name)
        self._buckets = Buckets(transport, self._addresses, full_name)
        self._commits: dict[str, _AtCommit] = {}

    @property
    def commit(self) -> str:
        """The commit id that everything is read at; a branch that moves meanwhile changes nothing."""
        return resolve(self._transport.service.host, self.full_name, self.revision, self.ask_tip)

    def ask_tip(self) -> str:
        """The commit at the tip of the branch at this moment.

        Raises:
            OfflineError: nobody may be asked, and the branch was never read to this cache.
            RemoteFileNotFoundError: there is no such repository or branch.
        """
        if self._offline:
            return self._recall_tip()
        branch = self.revision or self.ask_default_branch()
        what = f"Branch {branch!r} of the repository {self.full_name!r}"
        answer = self._transport.read_json(Request(self._addresses.branch(branch), what))
        commit = str(answer["commit"]["id"])
        remember_tip(self._folder / "tips.json", self.revision, commit)
        return commit

    def _recall_tip(self) -> str:
        known = recall_tip(self._folder / "tips.json", self.revision)
        if known is None:
            branch = self.revision or "its default branch"
            raise OfflineError.of(f"What {branch} of {self.full_name} means", self._cache.folder)
        return known

    def ask_default_branch(self) -> str:
        """The branch that is meant where none is named."""
        request = Request(self._addresses.repository, f"The repository {self.full_name!r}")
        return str(self._transport.read_json(request)["default_branch"])

    def at(self, revision: str) -> "Repository":
        """The same repository at another revision."""
        return Repository(self._transport, self._cache, self.full_name, revision, self._offline)

    @cached_property
    def _folder(self) -> Path:
        host = urlsplit(self._transport.service.host).netloc.replace(":", "_")
        return self._cache.folder / "repositories" / host / self.full_name

    @property
    def _now(self) -> "_AtCommit":
        """What is known of the commit that is read now; another run may pin another."""
        commit = self.commit
        if commit not in self._commits:
            known = KnownEntries(self._folder / f"{commit}.jsonl")
            manifests = Manifests(
                self._cache.folder / "manifests",
                known.list_folder,
                self._list_committed,
                lambda entry: self.contents.fetch(entry, commit),
            )
            self._commits.setdefault(commit, _AtCommit(known, manifests, {}))
        return self._commits[commit]

    def list_folder(self, folder: str) -> list[Entry]:
        """List a folder.

        Args:
            folder: from the repository's root; "" is the root itself.

        Returns:
            What lies directly in it; for the path of a file that file alone.

        Raises:
            RemoteFileNotFoundError: there is no such path at this commit.
        """
        if is_stored(folder) or folder == STORAGE:
            return self._buckets.list_folder(folder)
        written = self._list_written(folder)
        try:
            committed = self._list_committed(folder)
        except RemoteFileNotFoundError:
            if not written:
                raise
            committed = []
        return list({entry.path: entry for entry in [*committed, *written]}.values())

    def _list_committed(self, folder: str) -> list[Entry]:
        known = self._now.known.list_folder(folder)
        if known is None and self._offline:
            known = self._now.manifests.list_folder(folder)
        return self._ask(folder) if known is None else known

    def list_names(self, folder: str) -> list[str]:
        """The paths of what lies in a folder: the cheapest way where there are very many."""
        self.prepare(folder)
        known = None if is_stored(folder) else self._now.manifests.list_folder(folder)
        entries = self.list_folder(folder) if known is None else [*known, *self._list_written(folder)]
        return list(dict.fromkeys(entry.path for entry in entries))

    def find(self, path: str, sized: bool = False) -> Entry:
        """Find one file or folder.

        Args:
            path: from the repository's root.
            sized: whether the size is needed, which a manifest does not tell.

        Raises:
            RemoteFileNotFoundError: there is no such path at this commit.
        """
        if path in ("", STORAGE):
            return _ROOT._replace(path=path)
        if is_stored(path):
            return self._find_in(self._buckets.list_folder(path.rpartition("/")[0]), path)
        entry = self.find_soon(path)
        if entry is None or (sized and entry.size is None and not self._offline):
            entry = self._ask_alone(path)
        return entry

    def find_soon(self, path: str) -> Entry | None:
        """The entry of a path, if it is known or will be with a manifest that is under way."""
        return self.find_at_once(path) or self._now.manifests.wait_for(path)

    def find_at_once(self, path: str) -> Entry | None:
        """The entry of a path, if that is known without asking."""
        now = self._now
        if path in now.written:
            return now.written[path][1]
        return now.known.find(path) or now.manifests.find(path)

    def _ask_alone(self, path: str) -> Entry:
        if self._list_written(path):
            return Entry(path, True, 0, "", "")
        siblings = self._now.known.list_folder(path.rpartition("/")[0])
        if siblings is not None:
            return self._find_in(siblings, path)
        entries = self._ask(path)
        is_file = len(entries) == 1 and entries[0].path == path
        return entries[0] if is_file else Entry(path, True, 0, "", "")

    def _find_in(self, entries: list[Entry], path: str) -> Entry:
        for entry in entries:
            if entry.path == path:
                return entry
        raise self._missing(path)

    def _missing(self, path: str) -> RemoteFileNotFoundError:
        return RemoteFileNotFoundError(
            f"{path!r} is not in {self.full_name} at commit {self.commit[:10]}.",
            "Check repository, images and weights in globals.yml of conf/base or conf/ENV, and "
            "modelling.weights; `kedro init` shows what is there.",
        )

    def _ask(self, path: str) -> list[Entry]:
        """Ask the service, which answers with one entry for a file, and with all in it for a folder."""
        what = f"{path or 'The root'!r} in {self.full_name}"
        if self._offline:
            raise OfflineError.of(what, self._cache.folder)
        url = self._addresses.content(path, self.commit)
        try:
            answer = self._transport.read_json(Request(url, what, {"include_size": "true"}))
        except RemoteFileNotFoundError:
            raise self._missing(path) from None
        entries = [read_entry(row) for row in ([answer] if isinstance(answer, dict) else answer)]
        self._now.known.add(entries, listing_of=None if isinstance(answer, dict) else path)
        return entries

    def open_known(self, folder: str) -> bool:
        """Open what `prepare` brings, if it is on this disk already."""
        return is_stored(folder) or self._now.manifests.open_known(folder)

    def prepare(self, folder: str) -> None:
        """Learn the md5s of all files below a folder, if DVC tracks it or one above: one request."""
        if not self.open_known(folder):
            self._now.manifests.prepare(folder)

    def commit_of(self, path: str) -> str:
        """At which commit a path is read: what was written here is newer than the rest."""
        written = self._now.written.get(path)
        return written[0] if written else self.commit

    def add_written(self, commit: str, paths: list[str]) -> None:
        """Let what this process has written be read, at the commit that wrote it; all else stays pinned.

        Raises:
            RemoteFileNotFoundError: the commit does not hold one of the paths.
        """
        at_commit = self.at(commit)
        for path in paths:
            self._now.written[path] = (commit, at_commit.find(path, sized=True))

    def _list_written(self, folder: str) -> list[Entry]:
        prefix = f"{folder}/" if folder else ""
        listed: dict[str, Entry] = {}
        for path, (_, entry) in list(self._now.written.items()):
            if path.startswith(prefix):
                child, deeper, _ = path[len(prefix) :].partition("/")
                name = f"{prefix}{child}"
                listed[name] = Entry(name, True, 0, "", entry.versioning) if deeper else entry
        return list(listed.values())
