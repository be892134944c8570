"""Images in a folder, by id: read when they are asked for, ahead of time when the order is known."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
from fsspec import AbstractFileSystem
from PIL import Image, UnidentifiedImageError

from mayo_kedro.errors import UserError
from mayo_kedro.progress import progress
from mayo_kedro.streaming.errors import UnknownImageError
from mayo_kedro.streaming.read_ahead import read_ahead


class StreamedImages(Mapping[str, npt.NDArray[np.uint8]]):
    """The images of a data set, in the order of its table.

    Nothing is read before it is asked for.

    Args:
        filesystem: any fsspec filesystem.
        folder: where the files lie.
        suffix: of the files, such as ".png"; a file is named id + suffix.
        read_ids: gives the ids, in order; called when they are first needed.
    """

    def __init__(
        self,
        filesystem: AbstractFileSystem,
        folder: str,
        suffix: str,
        read_ids: Callable[[], Sequence[str]],
    ) -> None:
        self._filesystem = filesystem
        self._folder = folder.rstrip("/")
        self._suffix = suffix
        self._read_ids = read_ids

    @cached_property
    def _ids(self) -> dict[str, None]:
        return dict.fromkeys(self._read_ids())

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
        return bytes(self._filesystem.cat_file(f"{self._folder}/{image}{self._suffix}"))

    def stream(self, images: Iterable[str]) -> Iterator[bytes]:
        """Read files in the given order, several at once and ahead of the consumer.

        Args:
            images: ids, in the order of use.

        Yields:
            Each file as it is (encoded).
        """
        order = list(images)
        with progress("Streaming images", len(order)) as advance:
            for body in read_ahead(self.read, order):
                advance()
                yield body

    def listed_ids(self) -> set[str]:
        """The ids of the files that lie in the folder (one listing)."""
        names = (PurePosixPath(path).name for path in self._filesystem.ls(self._folder, detail=False))
        return {name.removesuffix(self._suffix) for name in names if name.endswith(self._suffix)}


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
        raise UserError(
            f"{name} can't be read as an image ({len(body):,} bytes): {error}.",
            "Replace the file in the repository, or take its row out of the label table.",
        ) from error
