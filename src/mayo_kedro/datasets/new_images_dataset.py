"""The images of a folder that are to be predicted."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from fsspec.utils import get_protocol

from mayo_kedro.datasets.remote import ReadOnlyDataset
from mayo_kedro.errors import UserError
from mayo_kedro.streaming.new_images import NAMED, NewImages, list_images

REPOSITORY = "dagshub"
"""The protocol that the credentials are for."""


class NewImagesDataset(ReadOnlyDataset[NewImages]):
    """Loads `NewImages`: the names are listed, and no image travels before it is asked for.

    Example of a catalog entry::

        new_images:
          type: mayo_kedro.datasets.NewImagesDataset
          filepath: dagshub:///owner/name@main/test
          table: dagshub:///owner/name@main/test.csv
          columns: {image: image_id, patient: patient_id}
          credentials: dagshub

    Args:
        filepath: the folder of the images: of a repository, of this disk, or any address that fsspec opens.
        columns: names of the table's columns: `image`, `patient`; others are ignored.
        table: address of a table (CSV) that tells which of the folder's images are meant, by their file names
            without the suffix, and in the column `patient`, if it has that, whose they are. None takes all.
        credentials: storage options that are secret, such as `token`; only a repository gets them.
        fs_args: storage options of the folder.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        columns: Mapping[str, Any],
        table: str | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        ours = credentials if get_protocol(filepath) == REPOSITORY else None
        super().__init__(filepath=filepath, credentials=ours, fs_args=fs_args, metadata=metadata)
        self._columns = columns
        self._table = table
        self._table_options = (credentials or {}) if table and get_protocol(table) == REPOSITORY else {}

    def load(self) -> NewImages:
        """List the images, and read the table if there is one.

        Raises:
            UserError: there is no folder, no image, or no such column; or the table names others.
        """
        filesystem, folder = self._connect()
        files = list_images(filesystem, folder)
        told = pd.DataFrame({"image": list(files)})
        table = told if self._table is None else self._read_table(self._table, files)
        return NewImages(filesystem, folder, files, table)

    def _read_table(self, address: str, files: Mapping[str, str]) -> pd.DataFrame:
        # Text throughout: ids such as 006388 or 2e3749 must not become numbers.
        read = pd.read_csv(
            address, dtype=str, keep_default_na=False, storage_options=self._table_options or None
        )
        if self._columns["image"] not in read:
            raise UserError(
                f"{address} has no column {self._columns['image']!r}; it has {', '.join(read.columns)}.",
                "Set columns.image in globals.yml of conf/base or conf/ENV.",
            )
        told = {role: self._columns[role] for role in ("image", "patient") if self._columns[role] in read}
        table = read[list(told.values())].set_axis(list(told), axis=1)
        self._check(table["image"], files)
        return table

    def _check(self, images: "pd.Series[str]", files: Mapping[str, str]) -> None:
        missing = [image for image in images if image not in files]
        twice = images[images.duplicated()].tolist()
        for names, problem in ((missing, f"are not in {self._address}"), (twice, "have several rows")):
            if names:
                raise UserError(
                    f"{len(names)} images of {self._table} {problem}: {', '.join(names[:NAMED])}"
                    f"{', …' if len(names) > NAMED else ''}.",
                    "Mend the table: one row for each image, with its file name without the suffix.",
                )
        if images.empty:
            raise UserError(f"{self._table} has no row.", "Name the images, or set table to null.")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address, "table": self._table}
