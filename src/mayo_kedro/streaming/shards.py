"""Images that lie in shards: a shard travels whole, and each of its images is kept under its own hash."""

import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from io import FileIO
from itertools import chain
from pathlib import Path

from fsspec import AbstractFileSystem

from mayo_kedro.streaming.cache import FileCache, default_folder
from mayo_kedro.streaming.concurrency import FIRST
from mayo_kedro.streaming.errors import DamagedImageError
from mayo_kedro.streaming.manifests import FEW
from mayo_kedro.streaming.members import ALONE, Members, Numbers
from mayo_kedro.streaming.prefetch import WINDOW_BYTES, Source, prefetch
from mayo_kedro.streaming.workers import Workers

MOST_SHARDS = 16
"""That are brought here at once."""

OPENINGS = 5
"""Of a shard that leaves the cache before it can be unpacked."""


class Shards:
    """Local copies of images, most of which lie in shards.

    A few images are read as parts of their shards, where the service grants that. For many the shards come
    whole and are unpacked into the cache, each image under its own hash; the shard leaves it then, so that
    nothing lies there twice.

    Args:
        filesystem: any fsspec filesystem.
        source: local copies of its files.
        folder: where the shards lie.
        members: which image lies where.
        address: gives the address of an image that is a file of its own.
    """

    def __init__(
        self,
        filesystem: AbstractFileSystem,
        source: Source,
        folder: str,
        members: Members,
        address: Callable[[str], str],
    ) -> None:
        self._filesystem = filesystem
        self._source = source
        self._folder = folder
        self._members = members
        self._address = address
        cache = getattr(filesystem, "cache", None)
        self._cache = cache if isinstance(cache, FileCache) else FileCache(default_folder())
        self._window_bytes = getattr(filesystem, "window_bytes", WINDOW_BYTES)
        self._readers, self._unpackers = Workers(FIRST), Workers(MOST_SHARDS)
        self._busy: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def holds(self, image: str) -> bool:
        """Tell whether an image lies in a shard."""
        return self._members.find_row(image) != ALONE

    def stream(self, images: Sequence[str], ahead: Iterable[str] = ()) -> Iterator[Path]:
        """Bring images here, see `StreamedImages.stream`."""
        if len(images) <= FEW:  # nothing ahead, of which there may be many
            return prefetch(self, images, window_bytes=self._window_bytes)
        return self._stream_many(images, ahead)

    def find_here(self, image: str) -> Path | None:
        """The verified local copy of an image, if that can be told in microseconds."""
        if not self.holds(image):
            return self._source.find_here(self._address(image))
        return self._cache.find_checked(self._members.place(self._members.find_row(image)).md5)

    def submit(self, image: str) -> "Future[Path]":
        """Begin to bring an image here as one of a few."""
        if not self.holds(image):
            return self._source.submit(self._address(image))
        return self._readers.submit(partial(self.fetch, image))

    def fetch(self, image: str) -> Path:
        """Bring one image that lies in a shard here.

        Args:
            image: its id.

        Returns:
            The verified local copy, which must not be changed.

        Raises:
            DamagedImageError: the shard holds something else than the table says.
        """
        row = self._members.find_row(image)
        found = self._cache.find(self._members.place(row).md5) or self._read_part(row)
        if found is None:
            found = self._unpack_for(row)
        if found is None:
            raise self._damaged(image, row)
        return found

    def _read_part(self, row: int) -> Path | None:
        """The image as a part of its shard, if the service grants that and the part is right."""
        place = self._members.place(row)
        read_part = getattr(self._filesystem, "read_part", self._filesystem.cat_file)
        body = read_part(self._locate(place.shard), place.offset, place.offset + place.size)
        return None if body is None else self._keep(place.md5, body)

    def _unpack_for(self, row: int) -> Path | None:
        """The image out of the whole shard, which several of its images bring once."""
        place = self._members.place(row)
        with self._busy[place.shard]:
            if self._cache.find(place.md5) is None:
                self._bring_shard(place.shard, last=row)
            return self._cache.find(place.md5)

    def _damaged(self, image: str, row: int) -> DamagedImageError:
        place = self._members.place(row)
        return DamagedImageError(
            f"Image {image!r} is not what the label table says: {place.size} bytes from {place.offset} on in "
            f"{self._locate(place.shard)} have not the md5 {place.md5}.",
            "Put table and shards back from one commit of the repository, or cut the slides again.",
        )

    def _locate(self, shard: int) -> str:
        return f"{self._folder}/{self._members.names[shard]}"

    def _keep(self, md5: str, body: bytes) -> Path | None:
        """Put an image into the cache, unless it has another md5."""
        with self._cache.receive(md5, md5) as incoming:
            incoming.write(body)
            return incoming.keep() if incoming.is_intact() else None

    def _bring_shard(self, shard: int, last: int = ALONE) -> None:
        """Bring a shard here and unpack those of its images that are missing.

        Args:
            shard: its number.
            last: the row that is unpacked behind the others, so that they can't push it out of the cache.
        """
        address = self._locate(shard)
        with self._open(address) as file:
            for row in sorted(self._members.list_rows(shard).tolist(), key=lambda row: row == last):
                place = self._members.place(row)
                if self._cache.find(place.md5) is None:
                    self._keep(place.md5, os.pread(file.fileno(), place.size, place.offset))
        discard = getattr(self._filesystem, "discard", None)
        if discard is not None:
            discard(address)

    def _open(self, address: str) -> FileIO:
        for _ in range(OPENINGS):
            path = self._source.find_here(address) or self._source.submit(address).result()
            try:
                return FileIO(path)
            except FileNotFoundError as error:  # to make room in the cache it was removed this moment
                gone = error
        raise gone

    def _stream_many(self, images: Sequence[str], ahead: Iterable[str]) -> Iterator[Path]:
        rows = self._members.find_rows(images)
        alone = (self._address(images[int(index)]) for index in (rows == ALONE).nonzero()[0])
        files = prefetch(self._source, alone, window_bytes=self._window_bytes)
        upcoming = chain(self._members.divide(rows), self._divide_later(ahead))
        window = _Window(upcoming, self._begin, self._members.shard_bytes.tolist(), self._window_bytes)
        try:
            for image, shard in zip(images, self._members.find_shards(rows).tolist(), strict=True):
                yield next(files) if shard == ALONE else self._take(image, window.use(shard))
        except BaseException:  # also GeneratorExit: at the proper end the shards for later may arrive
            window.abandon()
            raise

    def _divide_later(self, ahead: Iterable[str]) -> Iterator[tuple[int, Numbers]]:
        yield from self._members.divide(self._members.find_rows(ahead))

    def _begin(self, shard: int, rows: Numbers) -> "Future[None]":
        return self._unpackers.submit(partial(self._unpack, shard, rows))

    def _unpack(self, shard: int, rows: Numbers) -> None:
        """See that these rows of a shard are in the cache."""
        with self._busy[shard]:
            if any(self._cache.find(self._members.place(row).md5) is None for row in rows):
                self._bring_shard(shard)

    def _take(self, image: str, unpacked: "Future[None]") -> Path:
        md5 = self._members.place(self._members.find_row(image)).md5
        found = self._cache.find_checked(md5)
        if found is None:
            wait([unpacked])
            found = self._cache.find(md5)
        if found is None:
            unpacked.result()  # raises what kept the shard from coming
        # Missing even so it is damaged, or another process has made room in the cache.
        return found or self.fetch(image)


class _Window:
    """The shards ahead of the consumer, here or under way.

    Args:
        upcoming: shards with the rows that are wanted of them, in the order of their first use; behind these
            shards that will be used later.
        begin: begins to bring one here.
        sizes: in bytes, by number.
        limit_bytes: of the shards that nobody uses yet.
    """

    def __init__(
        self,
        upcoming: Iterator[tuple[int, Numbers]],
        begin: Callable[[int, Numbers], "Future[None]"],
        sizes: Sequence[int],
        limit_bytes: int,
    ) -> None:
        self._upcoming = upcoming
        self._begin = begin
        self._sizes = sizes
        self._limit_bytes = limit_bytes
        self._waiting: deque[tuple[int, Future[None]]] = deque()
        self._waiting_bytes = 0
        self._in_use: dict[int, Future[None]] = {}

    def use(self, shard: int) -> "Future[None]":
        """What is done when the shard is unpacked; shards come into use in the order of `upcoming`."""
        if shard not in self._in_use:
            self._fill()
            number, self._in_use[shard] = self._waiting.popleft()
            self._waiting_bytes -= self._sizes[number]
            self._fill()
        return self._in_use[shard]

    def _fill(self) -> None:
        while not self._waiting or self._waiting_bytes < self._limit_bytes:
            following = next(self._upcoming, None)
            if following is None:
                return
            self._waiting.append((following[0], self._begin(*following)))
            self._waiting_bytes += self._sizes[following[0]]

    def abandon(self) -> None:
        """Drop what has not begun."""
        for _, future in self._waiting:
            future.cancel()
