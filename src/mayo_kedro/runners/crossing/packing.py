"""Values in memory as files in open formats, by type, and back: the same type and content, or a refusal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.formats import FORMATS, UnpackableError, find_kind
from mayo_kedro.runners.sending.fingerprints import hash_file

DECLARE = "Declare it in conf/base/catalog_*.yml with a file below data/ or in the repository."
"""What helps where a value can't be packed."""


@dataclass(frozen=True)
class PackedValue:
    """A value in a file.

    Attributes:
        name: of the dataset.
        kind: "dataframe", "series", "array", "scalar", "arrays", "json" or "bytes".
        file: name of the file in its folder.
        sha256: of the file.
        bytes: size of the file.
        details: what the file itself does not hold: names of arrays, the name of a series.
    """

    name: str
    kind: str
    file: str
    sha256: str
    bytes: int
    details: list[str] | str | int | None = None


def pack(value: Any, folder: Path, name: str) -> PackedValue:
    """Write a value to a file: tables as parquet, arrays as npz, plain values as JSON, bytes as they are.

    Args:
        value: a pandas DataFrame or Series; a numpy array or scalar, or a dictionary of these by name;
            bytes; or str, int, float, bool, None, and lists and dictionaries of them.
        folder: where the file goes; it is made if it is missing.
        name: of the dataset; the file is called after it.

    Returns:
        What `unpack` needs.

    Raises:
        UserError: the value's type has no open format, or the format would change the value.
    """
    try:
        kind = find_kind(value)
        file = quote(name, safe="") + FORMATS[kind].suffix
        folder.mkdir(parents=True, exist_ok=True)
        details = FORMATS[kind].write(value, folder / file)
    except UnpackableError as problem:
        raise UserError(
            f"The dataset {name!r} lives in memory only, and can't travel: {problem}.",
            f"{DECLARE} Or let the node give a table, an array or plain values.",
        ) from None
    return PackedValue(name, kind, file, hash_file(folder / file), (folder / file).stat().st_size, details)


def unpack(folder: Path, packed: PackedValue) -> Any:
    """Read a value back.

    Args:
        folder: where the file lies.
        packed: what `pack` gave.

    Returns:
        A value of the same type and content.

    Raises:
        UserError: the file is missing, or is not what was packed.
    """
    path = folder / Path(packed.file).name
    if not path.is_file() or hash_file(path) != packed.sha256:
        raise UserError(
            f"{path}, the value of {packed.name!r}, {'is damaged' if path.is_file() else 'is missing'}.",
            "Send it again: nothing that is not what was packed is used.",
        )
    return FORMATS[packed.kind].read(path, packed.details)
