"""Images in a folder, by id: read when they are asked for, ahead of time when the order is known."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from fsspec import AbstractFileSystem
from PIL import Image, UnidentifiedImageError

from mayo_kedro.errors import UserError
from mayo_kedro.progress import progress
from mayo_kedro.streaming.errors import UnknownImageError
from mayo_kedro.streaming.loader import BatchLoader, Ids
from mayo_kedro.streaming.manifests import FEW
from mayo_kedro.streaming.members import Members
from mayo_kedro.streaming.order import Groups
from mayo_kedro.streaming.prefetch import WINDOW_BYTES, Source, prefetch
from mayo_kedro.streaming.shards import Shards
from mayo_kedro.streaming.sources import open_source


class StreamedImages(Mapping[str, npt.NDArray[np.uint8]]):
    """The images of a data set, in the order of its table.

    Nothing is read before it is asked for.

    Args:
        filesystem: any fsspec filesystem.
        folder: where the files lie.
        suffix: of the files, such as ".png"; a file is named id + suffix.
        read_ids: gives the ids, in order; called when they are first needed.
        read_members: gives the places of images that lie in shards in this folder, None if none do; called
            when the first image is needed.
    """

    def __init__(
        self,
        filesystem: AbstractFileSystem,
        folder: str,
        suffix: str,
        read_ids: Callable[[], Sequence[str]],
        read_members: Callable[[], Members | None] = lambda: None,
    ) -> None:
        self._filesystem = filesystem
        self._folder = folder.rstrip("/")
        self._suffix = suffix
        self._read_ids = read_ids
        self._read_members = read_members

    @cached_property
    def _ids(self) -> dict[str, None]:
        return dict.fromkeys(self._read_ids())

    @cached_property
    def _members(self) -> Members | None:
        return self._read_members()

    @cached_property
    def _shards(self) -> Shards | None:
        if self._members is None:
            return None
        return Shards(self._filesystem, self._source, self._folder, self._members, self._address)

    def __getitem__(self, image: str) -> npt.NDArray[np.uint8]:
        """Read one image.

        Args:
            image: its id.

        Returns:
            RGB of shape (height, width, 3).

        Raises:
            UnknownImageError: no row of the table has this id.
            UserError: the file can't be decoded.
        """
        if image not in self._ids:
            raise UnknownImageError(
                f"The label table has no image {image!r}.",
                "If the data changed since the last training, run the modelling pipeline again.",
            )
        return decode_image(self.read(image), f"{image}{self._suffix}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"StreamedImages({self._folder}/*{self._suffix})"

    def read(self, image: str) -> bytes:
        """Read one file as it is."""
        if self._shards is not None and self._shards.holds(image):
            return self._shards.fetch(image).read_bytes()
        return bytes(self._filesystem.cat_file(self._address(image)))

    def stream(self, images: Sequence[str], ahead: Iterable[str] = ()) -> Iterator[Path]:
        """Bring files here in the given order, many at once and ahead of the consumer.

        Args:
            images: ids, in the order of use.
            ahead: ids that will be used after these; brought here too as there is room, not given out.

        Yields:
            A verified local copy for each of `images`, encoded as it is; it must not be changed.
        """
        arriving = self._shards.stream(images, ahead) if self._shards else self._prefetch(images, ahead)
        if len(images) <= FEW:
            yield from arriving
            return
        prepared = self._open_known()
        with progress("Streaming images", len(images)) as advance:
            for path in arriving:
                if not prepared:  # not before the first file: a large manifest would delay it
                    self._filesystem.prepare(self._folder)
                    prepared = True
                advance()
                yield path

    def _prefetch(self, images: Sequence[str], ahead: Iterable[str]) -> Iterator[Path]:
        addresses, later = map(self._address, images), map(self._address, ahead)
        window = getattr(self._filesystem, "window_bytes", WINDOW_BYTES)
        return prefetch(self._source, addresses, later, window)

    def _open_known(self) -> bool:
        """Tell whether nothing has to be learnt of the folder before its files are asked for."""
        open_known = getattr(self._filesystem, "open_known", None)
        return open_known is None or bool(open_known(self._folder))

    def batches(
        self,
        ids: Ids,
        batch_size: int,
        *,
        seed: int | None = None,
        epochs: int | None = None,
        shard: int = 0,
        shards: int = 1,
    ) -> BatchLoader:
        """Make a loader that gives these images in batches, see `BatchLoader` for the arguments."""
        groups = self._group(ids)
        return BatchLoader(
            self, ids, batch_size, seed=seed, epochs=epochs, shard=shard, shards=shards, groups=groups
        )

    def fingerprint_order(self, ids: Ids) -> str | None:
        """What the order of batches depends on besides seed and ids: which images lie in one shard.

        None where none does.
        """
        groups = self._group(ids)
        return None if groups is None else groups.fingerprint

    def _group(self, ids: Ids) -> Groups | None:
        if self._members is None:
            return None
        return Groups(self._members.find_shards(self._members.find_rows(ids)))

    @cached_property
    def _source(self) -> Source:
        return open_source(self._filesystem)

    @property
    def statistics(self) -> dict[str, int]:
        """Counts of what has travelled so far, see `Statistics`; empty for files that lie here."""
        counted = getattr(self._filesystem, "statistics", None)
        return counted.snapshot() if counted else {}

    def _address(self, image: str) -> str:
        return f"{self._folder}/{image}{self._suffix}"

    def listed_ids(self) -> set[str]:
        """The ids of the images that lie in the folder, as files or in shards (one listing)."""
        names = {PurePosixPath(path).name for path in self._filesystem.ls(self._folder, detail=False)}
        alone = {name.removesuffix(self._suffix) for name in names if name.endswith(self._suffix)}
        return alone if self._members is None else alone.union(self._members.list_images(names))


def decode_image(body: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Decode an image file.

    Args:
        body: the file's bytes, in any format that Pillow reads.
        name: of the file, for the error message.

    Returns:
        RGB of shape (height, width, 3).

    Raises:
        UserError: it is no image, or a truncated one.
    """
    try:
        with Image.open(io.BytesIO(body)) as image:
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        # Pillow names the buffer, which tells nobody anything.
        reason = "no known format" if isinstance(error, UnidentifiedImageError) else str(error)
        raise UserError(
            f"{name} can't be read as an image ({len(body):,} bytes): {reason}.",
            "Replace the file in the repository, or take its row out of the label table.",
        ) from error
