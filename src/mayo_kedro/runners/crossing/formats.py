"""The open formats that values travel in: how each is written and read, and which values it can hold."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class UnpackableError(Exception):
    """Says in words why a value has no open format."""


@dataclass(frozen=True)
class Format:
    """How a kind of value is kept in a file.

    Attributes:
        suffix: of the file.
        write: from value and path; gives what `read` needs besides the file.
        read: from path and what `write` gave.
    """

    suffix: str
    write: Callable[[Any, Path], Any]
    read: Callable[[Path, Any], Any]


def find_kind(value: Any) -> str:
    """Tell how a value can be packed.

    Raises:
        UnpackableError: in no open format.
    """
    import numpy as np  # noqa: PLC0415  like pandas, only where values travel
    import pandas as pd  # noqa: PLC0415

    kinds = {pd.DataFrame: "dataframe", pd.Series: "series", np.ndarray: "array", bytes: "bytes"}
    if type(value) in kinds:
        return kinds[type(value)]
    if isinstance(value, np.generic) and not isinstance(value, np.flexible):
        return "scalar"
    if type(value) is dict and value and all(_is_array(part) for part in value.values()):
        _require_names(value)
        return "arrays"
    _require_plain(value, "")
    return "json"


def _is_array(value: Any) -> bool:
    import numpy as np  # noqa: PLC0415

    return type(value) is np.ndarray


def _require_names(value: dict[Any, Any]) -> None:
    odd = [key for key in value if type(key) is not str]
    if odd:
        raise UnpackableError(f"its key {odd[0]!r} is no text")


def _require_plain(value: Any, place: str) -> None:
    """Refuse what JSON would change; exact types, for a subclass would come back as its base."""
    where = f" at {place}" if place else ""
    try:
        if type(value) is dict:
            _require_names(value)
            for key, part in value.items():
                _require_plain(part, f"{place}[{key!r}]")
        elif type(value) is list:
            for index, part in enumerate(value):
                _require_plain(part, f"{place}[{index}]")
        elif type(value) not in _PLAIN:
            raise UnpackableError(f"{_describe_type(value)}{where} has no open format")
    except RecursionError:
        raise UnpackableError("it is nested too deeply, or holds itself") from None


_PLAIN = (str, int, float, bool, type(None))


def _describe_type(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _write_dataframe(value: Any, path: Path) -> None:
    import pandas as pd  # noqa: PLC0415

    try:
        value.to_parquet(path, engine="pyarrow")
        _require_same(pd.read_parquet(path, engine="pyarrow"), value)
    except UnpackableError:
        raise
    except Exception as error:
        # pyarrow and pandas have many ways to say that something does not fit.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnpackableError(f"a table that parquet does not hold ({reason})") from None


def _require_same(read: Any, value: Any) -> None:
    """Compare strictly; only so is it known that parquet kept everything."""
    import pandas as pd  # noqa: PLC0415

    try:
        pd.testing.assert_frame_equal(read, value, check_exact=True, check_column_type=True)
        same = read.attrs == value.attrs and all(
            _have_same_cells(read.iloc[:, place], value.iloc[:, place]) for place in range(value.shape[1])
        )
    except AssertionError as difference:
        words = str(difference).split("\n\n")
        raise UnpackableError(f"a table that parquet would change ({words[0]})") from None
    if not same:
        raise UnpackableError("a table that parquet would change (objects in its cells, or its attrs)")


def _have_same_cells(read: Any, value: Any) -> bool:
    return value.dtype != object or list(map(type, read)) == list(map(type, value))


def _write_series(value: Any, path: Path) -> str | int | None:
    if type(value.name) not in (str, int, type(None)):
        raise UnpackableError(f"a series with the name {value.name!r}, which is no text")
    _write_dataframe(value.to_frame("value"), path)
    return value.name  # type: ignore[no-any-return]


def _write_arrays(value: dict[str, Any], path: Path) -> list[str]:
    import numpy as np  # noqa: PLC0415

    odd = [name for name, array in value.items() if array.dtype.hasobject]
    if odd:
        raise UnpackableError(f"an array of Python objects ({', '.join(odd)})")
    with path.open("wb") as file:
        np.savez(file, *value.values())
    return list(value)


def _write_array(value: Any, path: Path) -> None:
    import numpy as np  # noqa: PLC0415

    _write_arrays({"value": np.asarray(value)}, path)


def _write_json(value: Any, path: Path) -> None:
    try:
        path.write_text(json.dumps(value), encoding="ascii")
    except ValueError as error:
        raise UnpackableError(str(error)) from None


def _read_dataframe(path: Path, details: Any) -> Any:
    import pandas as pd  # noqa: PLC0415

    return pd.read_parquet(path, engine="pyarrow")


def _read_series(path: Path, details: Any) -> Any:
    return _read_dataframe(path, None)["value"].rename(details)


def _read_arrays(path: Path, details: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[f"arr_{index}"] for index, name in enumerate(details)}


def _read_array(path: Path, details: Any) -> Any:
    return _read_arrays(path, ["value"])["value"]


def _write_bytes(value: bytes, path: Path) -> None:
    path.write_bytes(value)


FORMATS = {
    "dataframe": Format(".parquet", _write_dataframe, _read_dataframe),
    "series": Format(".parquet", _write_series, _read_series),
    "array": Format(".npz", _write_array, _read_array),
    "scalar": Format(".npz", _write_array, lambda path, details: _read_array(path, details)[()]),
    "arrays": Format(".npz", _write_arrays, _read_arrays),
    "json": Format(".json", _write_json, lambda path, details: json.loads(path.read_text("ascii"))),
    "bytes": Format(".bin", _write_bytes, lambda path, details: path.read_bytes()),
}
"""By kind, as `find_kind` names them."""
