"""Where a catalog's dataset lies, as far as a runner has to know it."""

import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kedro.io import AbstractDataset, CachedDataset, DataCatalog
from kedro.io.core import get_protocol_and_path

_PLACES = ("filepath", "path")
_LOCAL = ("file", "local")


@dataclass(frozen=True)
class Location:
    """A place.

    Attributes:
        protocol: fsspec's, such as "dagshub" or "abfs"; "file" on this machine; "" without a place.
        path: on this machine a file or a folder, else None.
        suffix: of the files in that folder that count; "" for all.
        versioned: whether Kedro makes a new file for each run.
    """

    protocol: str = ""
    path: Path | None = None
    suffix: str = ""
    versioned: bool = False


def find_dataset(catalog: DataCatalog, name: str) -> AbstractDataset[Any, Any]:
    """The dataset of a name, without the cache around it; one in memory where the catalog has none."""
    dataset: Any = catalog.get(name, fallback_to_runtime_pattern=True)
    while isinstance(dataset, CachedDataset):
        dataset = dataset._dataset
    return cast("AbstractDataset[Any, Any]", dataset)


def is_kept(catalog: DataCatalog, name: str) -> bool:
    """Whether a dataset outlives the run: it is declared, and not as one in memory."""
    return not find_dataset(catalog, name)._EPHEMERAL


def locate(dataset: AbstractDataset[Any, Any]) -> Location:
    """Find out where a dataset lies; Kedro has no question for it, but datasets are made and named alike."""
    given = _get_arguments(dataset)
    place = next((given[name] for name in _PLACES if given.get(name)), None)
    # Kedro's own datasets keep these; they also hold for a dataset that is made from a copy.
    place = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None) or place
    if place is None:
        return Location()
    protocol = getattr(dataset, "_protocol", None) or get_protocol_and_path(str(place))[0]
    versioned = getattr(dataset, "_version", None) is not None or _has_versioned_partitions(given)
    if protocol not in _LOCAL:
        return Location(protocol, versioned=versioned)
    path = Path(get_protocol_and_path(str(place))[1])
    return Location("file", path, str(given.get("filename_suffix") or ""), versioned)


def list_files(location: Location) -> list[Path]:
    """The files that a dataset on this machine consists of, sorted; none if it was not made yet."""
    path = location.path
    if path is None or not path.exists():
        return []
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*" + glob.escape(location.suffix)) if file.is_file())


def find_credentials(dataset: AbstractDataset[Any, Any]) -> dict[str, Any]:
    """All fields of the credentials that a dataset was made with, also those of its partitions."""
    return dict(_collect_credentials(_get_arguments(dataset)))


def _collect_credentials(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            yield from _flatten(value) if name == "credentials" else _collect_credentials(value)


def _flatten(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flatten(value)
        else:
            yield str(name), value


def _get_arguments(dataset: AbstractDataset[Any, Any]) -> Mapping[str, Any]:
    arguments = dict(getattr(dataset, "_init_args", None) or {})
    # For a class that inherits its constructor Kedro notes them one level deeper, once for each such class.
    while isinstance(inherited := arguments.pop("kwargs", None), Mapping):
        arguments.update(inherited)
    return arguments


def _has_versioned_partitions(arguments: Mapping[str, Any]) -> bool:
    inner = arguments.get("dataset")
    return isinstance(inner, Mapping) and bool(inner.get("versioned"))
