"""From an entry of a repository to its bytes here: the cache first, then the service."""

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mayo_kedro.streaming.addresses import Addresses, is_stored
from mayo_kedro.streaming.cache import FileCache
from mayo_kedro.streaming.cache_layout import FOLDER_SUFFIX
from mayo_kedro.streaming.concurrency import FIRST
from mayo_kedro.streaming.entries import Entry
from mayo_kedro.streaming.errors import OfflineError
from mayo_kedro.streaming.integrity import is_checkable
from mayo_kedro.streaming.transport import Request, Transport
from mayo_kedro.streaming.workers import Workers

Find = Callable[[str], Entry | None]
Ask = Callable[[str], Entry]

# A bucket has no commits: what it holds is kept for this process only.
_THIS_PROCESS = uuid.uuid4().hex


class Contents:
    """The files of one repository, each fetched once.

    Args:
        transport: the way to the service.
        cache: where files are kept.
        full_name: "owner/name".
        offline: ask nobody; what the cache holds is all there is.
    """

    def __init__(self, transport: Transport, cache: FileCache, full_name: str, offline: bool) -> None:
        self._transport = transport
        self._cache = cache
        self._full_name = full_name
        self._offline = offline
        self._addresses = Addresses(transport.service.host, full_name)
        # Of their own: who waits for an answer must not keep the one who asks from running.
        self._askers = Workers(FIRST)
        self._busy: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    def find_at_once(self, entry: Entry) -> Path | None:
        """The local copy if this process has verified it before; costs microseconds."""
        if not is_checkable(entry.declared_hash):
            return None
        found = self._cache.find_checked(entry.declared_hash)
        if found is not None:
            self._transport.statistics.add(cache_hits=1)
        return found

    def find(self, entry: Entry, commit: str) -> Path | None:
        """The verified local copy, if there is one."""
        found = self._cache.find(self._name_key(entry, commit))
        if found is not None:
            self._transport.statistics.add(cache_hits=1)
        return found

    def fetch(self, entry: Entry, commit: str) -> Path:
        """Bring a file here, unless it is here already.

        Args:
            entry: of the file.
            commit: at which it is read.

        Returns:
            The verified local copy; it belongs to the cache and must not be changed.

        Raises:
            OfflineError: it is not in the cache, and nobody may be asked.
            TransferError: it did not arrive whole, or never with the declared content.
        """
        with self._alone(entry.path, commit):
            return self.find(entry, commit) or self._receive(entry, commit)

    def _receive(self, entry: Entry, commit: str) -> Path:
        request = self._ask_for(entry, commit)
        if self._offline:
            raise OfflineError.of(request.what, self._cache.folder)
        declared = entry.declared_hash.removesuffix(FOLDER_SUFFIX)  # of a manifest it is the md5 as well
        with self._cache.receive(self._name_key(entry, commit), declared) as incoming:
            self._transport.download(request, incoming)
            path = incoming.keep()
        self._transport.statistics.add(files_fetched=1)
        return path

    def fetch_while_asking(self, path: str, commit: str, find: Find, ask: Ask) -> Path:
        """Bring a file here of which nothing is known yet, and ask for its hash at the same time.

        It saves the first files a round trip. What turns out to be here already has been fetched in vain.

        Args:
            path: of the file.
            commit: at which it is read.
            find: its entry, if it has become known meanwhile.
            ask: asks the service for its entry.

        Raises:
            IsADirectoryError: it is a folder.
            TransferError: see `fetch`.
        """
        with self._alone(path, commit):
            found = find(path) or self._receive_unknown(path, commit, ask)
            if isinstance(found, Path):
                return found
            return self.find(found, commit) or self._receive(found, commit)

    def _receive_unknown(self, path: str, commit: str, ask: Ask) -> Path | Entry:
        """The file, or what it should have been: that is asked for again, as one that is known."""
        asked = self._askers.submit(partial(ask, path))
        unknown = Entry(path, False, None, "", "")
        with self._cache.receive("", None) as incoming:
            self._transport.download(self._ask_for(unknown, commit), incoming)
            entry = asked.result()
            incoming.expect(self._name_key(entry, commit), entry.declared_hash)
            if not entry.is_folder and incoming.is_intact():
                self._transport.statistics.add(files_fetched=1)
                return incoming.keep()
        return entry

    @contextmanager
    def _alone(self, path: str, commit: str) -> Iterator[None]:
        """Two threads that want one file fetch it once."""
        with self._busy[path, commit]:
            yield
        self._busy.pop((path, commit), None)

    def discard(self, entry: Entry, commit: str) -> None:
        """Remove the local copy of a file that will not be asked for again."""
        self._cache.discard(self._name_key(entry, commit))

    def read_range(self, entry: Entry, commit: str, start: int, end: int) -> bytes | None:
        """Read bytes `start` to `end` (exclusive) of a file; None if the service does not grant that."""
        if self._offline:
            raise OfflineError.of(self._ask_for(entry, commit).what, self._cache.folder)
        return self._transport.read_range(self._ask_for(entry, commit), start, end)

    def _name_key(self, entry: Entry, commit: str) -> str:
        """What the content is kept under: its hash, or else what names it for ever."""
        if is_checkable(entry.declared_hash) or entry.declared_hash.endswith(FOLDER_SUFFIX):
            return entry.declared_hash
        moment = _THIS_PROCESS if is_stored(entry.path) else commit
        return "\n".join((self._addresses.repository, moment, entry.path, entry.declared_hash))

    def _ask_for(self, entry: Entry, commit: str) -> Request:
        what = f"{entry.path!r} in {self._full_name}"
        if entry.is_folder:
            url = self._addresses.dvc_object(entry.declared_hash)
            return Request(url, f"The manifest of {what}", basic=True)
        return Request(self._addresses.raw(entry.path, commit), what, is_file=True)
