"""Images of a folder that no label table names: what lies there, by its names."""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

import pandas as pd
from fsspec import AbstractFileSystem

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.images import StreamedImages

logger = logging.getLogger(__name__)

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")
"""Of the files that are taken for images, in any case of letters."""

NAMED = 5
"""How many are named in a message."""


class NewImages(StreamedImages):
    """Images to be predicted; nothing is read before it is asked for.

    Args:
        filesystem: any fsspec filesystem.
        folder: where the files lie.
        files: names of the files by id.
        table: one row an image: `image` and, where it is known, `patient`.

    Attributes:
        table: see above.
    """

    def __init__(
        self, filesystem: AbstractFileSystem, folder: str, files: Mapping[str, str], table: pd.DataFrame
    ) -> None:
        super().__init__(filesystem, folder, "", table["image"].tolist)
        self._files = files
        self.table = table

    def _address(self, image: str) -> str:
        return super()._address(self._files[image])


def list_images(filesystem: AbstractFileSystem, folder: str) -> dict[str, str]:
    """Find the images that lie in a folder, not below it.

    Args:
        filesystem: any fsspec filesystem.
        folder: where the files lie.

    Returns:
        Names of the files by id, which is the name without its suffix; sorted.

    Raises:
        UserError: there is no such folder, or no image in it, or two have the same id.
    """
    names = _list_names(filesystem, folder)
    images = [name for name in names if _suffix(name) in SUFFIXES]
    others = sorted({_suffix(name) or name for name in names if _suffix(name) not in SUFFIXES})
    if not images:
        found = f"files of other kinds only ({_listed(others)})" if others else "nothing"
        raise UserError(
            f"The folder of new images {folder} holds {found}.",
            f"Put images there ({', '.join(SUFFIXES)}), or name another folder: new_images in "
            "conf/base/catalog_prediction.yml.",
        )
    if others:
        logger.warning(
            "Left out: files of %s that are no images by their suffix (%s).", folder, _listed(others)
        )
    return _name_each_once(folder, images)


def _list_names(filesystem: AbstractFileSystem, folder: str) -> list[str]:
    try:
        entries = filesystem.ls(folder, detail=True)
    except FileNotFoundError as error:
        raise UserError(
            f"There is no folder of new images {folder}.",
            "Name a folder, or any address of one that fsspec opens: new_images in "
            "conf/base/catalog_prediction.yml, or --params new_images=….",
        ) from error
    files = [PurePosixPath(entry["name"]) for entry in entries if entry["type"] != "directory"]
    # Asked for a file, a filesystem lists the file itself.
    return sorted(path.name for path in files if path.parent.name == PurePosixPath(folder).name)


def _name_each_once(folder: str, names: list[str]) -> dict[str, str]:
    files = {PurePosixPath(name).stem: name for name in names}
    if len(files) < len(names):
        counted = Counter(PurePosixPath(name).stem for name in names)
        twice = [image for image, count in counted.items() if count > 1]
        raise UserError(
            f"In {folder} several files have the same name but for the suffix: {_listed(twice)}.",
            "Give each image a name of its own.",
        )
    return files


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
