"""Many images in few tar files, and the table of where each of them lies."""

import hashlib
import tarfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset

from mayo_kedro.datasets.slide_images_dataset import PART
from mayo_kedro.streaming.members import COLUMNS

SUFFIX = ".tar"

Shard = Sequence[str]
"""Names of the images that are packed together."""


class ImageShardsDataset(AbstractDataset[Sequence[Shard], pd.DataFrame]):
    """Saves a list of shards, each a list of names of images, as tar files; loads the table of their places.

    The same images make the same bytes, whose md5 is part of the shard's name. A shard appears under its
    name when all of it is written, and the table behind the last one. Shards of an earlier save are removed
    then: they were sent, or their images are in the new ones.

    Example of a catalog entry::

        image_shards:
          type: mayo_kedro.datasets.ImageShardsDataset
          images: data/03_primary/slide_images
          folder: data/03_primary/slide_shards
          record: data/03_primary/slide_shards.csv

    Args:
        images: folder of the images, on this disk.
        folder: of the shards; it holds nothing else.
        record: the table: `image_id`, which is the image's name without its suffix, and `shard`, `offset`,
            `bytes` and `md5`.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self, *, images: str, folder: str, record: str, metadata: dict[str, Any] | None = None
    ) -> None:
        self._images = Path(images)
        self._folder = Path(folder)
        self._record = Path(record)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """The table, all text; without rows where nothing was packed."""
        if not self._record.exists():
            return pd.DataFrame(columns=["image_id", *COLUMNS])
        return pd.read_csv(self._record, dtype=str, keep_default_na=False)

    def save(self, data: Sequence[Shard]) -> None:
        """Write the shards in the place of earlier ones.

        Raises:
            OSError: an image is missing, the disk is full, or the folder can't be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = [row for names in data for row in self._pack(names)]
        table = pd.DataFrame(rows, columns=["image_id", *COLUMNS])
        self._record.parent.mkdir(parents=True, exist_ok=True)
        part = self._record.with_name(self._record.name + PART)
        table.to_csv(part, index=False)
        part.replace(self._record)
        kept = set(table["shard"])
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink()

    def _pack(self, names: Shard) -> list[tuple[str, str, int, int, str]]:
        part = self._folder / PART
        try:
            md5s = _write(part, [self._images / name for name in names])
            with part.open("rb") as file:
                content = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
            shard = f"shard_{content[:16]}{SUFFIX}"
            with tarfile.open(part) as written:
                places = [(member.name, member.offset_data, member.size) for member in written]
            part.replace(self._folder / shard)
        finally:
            part.unlink(missing_ok=True)
        return [
            (PurePosixPath(name).stem, shard, offset, size, md5)
            for (name, offset, size), md5 in zip(places, md5s, strict=True)
        ]

    def _exists(self) -> bool:
        return self._record.exists()

    def _describe(self) -> dict[str, Any]:
        return {"images": str(self._images), "folder": str(self._folder), "record": str(self._record)}


def _write(shard: Path, images: Sequence[Path]) -> list[str]:
    """Write a tar file in which nothing but the images counts; gives their md5s."""
    md5s = []
    with tarfile.open(shard, "w", format=tarfile.PAX_FORMAT) as file:
        for path in images:
            with path.open("rb") as image:
                entry = tarfile.TarInfo(path.name)
                entry.size = path.stat().st_size
                file.addfile(entry, image)
                image.seek(0)
                md5s.append(
                    hashlib.file_digest(image, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
                )
    return md5s
