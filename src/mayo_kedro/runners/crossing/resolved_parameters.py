"""Parameters as the submitting run has resolved them, in plain values again."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from kedro.io import DataCatalog
from pydantic import BaseModel

from mayo_kedro.runners.crossing.formats import UnpackableError, find_kind


def is_parameter(name: str) -> bool:
    """Whether a node's input is a parameter, or all of them."""
    return name == "parameters" or name.startswith("params:")


def resolve_parameter(catalog: DataCatalog, name: str) -> dict[str, Any]:
    """Read a parameter.

    Args:
        catalog: of the run.
        name: such as "params:modelling.folds", or "parameters" for all.

    Returns:
        Nested mappings down to the value, as `params` of `kedro run` takes them. What Kedro validated is in
        plain values again; validated once more they give the same.

    Raises:
        UnpackableError: the value is no text, number, list or mapping of these, or has `${` in it.
    """
    value = _make_plain(catalog.load(name))
    if find_kind(value) != "json":
        raise UnpackableError(f"{type(value).__name__} is no parameter")
    if "${" in json.dumps(value):
        raise UnpackableError(
            "text with `${` in it, which the job's configuration would take for a reference"
        )
    if name != "parameters":
        for part in reversed(name.removeprefix("params:").split(".")):
            value = {part: value}
    return value  # type: ignore[no-any-return]


def merge(gathered: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add nested mappings to others, in place; where both have a value the added one counts."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(gathered.get(key), dict):
            merge(gathered[key], value)
        else:
            gathered[key] = value


def _make_plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value
