"""The images of a labelled data set, streamed by id."""

from typing import Any

import pandas as pd
from kedro_datasets._typing import ImagePreview

from mayo_kedro.datasets.contact_sheet import draw_contact_sheet
from mayo_kedro.datasets.remote import ReadOnlyDataset, read_notice
from mayo_kedro.errors import UserError
from mayo_kedro.streaming.images import StreamedImages, decode_image
from mayo_kedro.streaming.members import COLUMNS, Members


class StreamedImagesDataset(ReadOnlyDataset[StreamedImages]):
    """Loads `StreamedImages`: nothing travels before an image is asked for.

    Where the table has the columns `shard`, `offset`, `bytes` and `md5`, the images lie in tar files of
    many, see `ImageShardsDataset`; a row without a shard is a file of its own.

    Example of a catalog entry::

        clot_images:
          type: mayo_kedro.datasets.StreamedImagesDataset
          filepath: dagshub://owner/name@main/train
          suffix: .png
          table: dagshub://owner/name@main/train.csv
          columns: {image: image_id, label: label}
          credentials: dagshub

    In a notebook, `catalog.load("clot_images")["008e5c_0"]` is then an array.

    Args:
        filepath: the folder of the images.
        suffix: of the files; a file is named id + suffix.
        table: address of the label table (CSV), which gives the ids and their order.
        columns: names of the table's columns: `image`, `label`; others are ignored.
        notice: address of a text that says what the data are, shown on the preview; may be missing.
        credentials: storage options that are secret, such as `token`.
        fs_args: other storage options.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        suffix: str,
        table: str,
        columns: dict[str, Any],
        notice: str | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, credentials=credentials, fs_args=fs_args, metadata=metadata)
        self._suffix = suffix
        self._table = table
        self._columns = columns
        self._notice = notice

    def load(self) -> StreamedImages:
        """Make the lazy collection; no request is sent."""
        filesystem, folder = self._connect()
        return StreamedImages(filesystem, folder, self._suffix, self._read_ids, self._read_members)

    def _read_ids(self) -> list[str]:
        return self._column(self._read_table(), "image")

    def _read_members(self) -> Members | None:
        if not set(COLUMNS) <= set(self._read_table(nrows=0)):  # of a large table the first line is enough
            return None
        table = self._read_table()
        members = Members(self._column(table, "image"), {name: table[name] for name in COLUMNS}, self._table)
        return members if len(members) else None

    def _read_table(self, nrows: int | None = None) -> pd.DataFrame:
        # Text throughout: ids such as 006388 or 2e3749 must not become numbers.
        return pd.read_csv(
            self._table,
            dtype=str,
            keep_default_na=False,
            nrows=nrows,
            storage_options=self._storage_options or None,
        )

    def _column(self, table: pd.DataFrame, role: str) -> list[str]:
        name = str(self._columns[role])
        if name not in table:
            raise UserError(
                f"{self._table} has no column {name!r}; it has {', '.join(map(str, table.columns))}.",
                f"Set columns.{role} in globals.yml of conf/base or conf/ENV.",
            )
        return table[name].tolist()

    def preview(self, images: int = 12, thumbnail: int = 160) -> ImagePreview:
        """Draw a contact sheet for Kedro-Viz.

        Args:
            images: how many, taken evenly from the table.
            thumbnail: side of each in pixels.

        Returns:
            A PNG in base64.
        """
        filesystem, _ = self._connect()
        table = self._read_table()
        chosen = table.iloc[:: max(1, len(table) // images)].head(images)
        names = self._column(chosen, "image")
        captions = [
            f"{name} · {label}" for name, label in zip(names, self._column(chosen, "label"), strict=True)
        ]
        files = self.load().stream(names)
        pictures = [
            decode_image(path.read_bytes(), f"{name}{self._suffix}")
            for name, path in zip(names, files, strict=True)
        ]
        notice = read_notice(filesystem, self._notice)
        return ImagePreview(draw_contact_sheet(pictures, captions, notice, thumbnail))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address, "suffix": self._suffix, "table": self._table}
