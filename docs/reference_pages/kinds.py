"""From JSON schema, as pydantic writes it for a field, to words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "array": "list",
    "object": "mapping",
}
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "pattern": "`{}`",
    "maxLength": "at most {} characters",
    "minItems": "at least {} of them",
}


def describe_kind(schema: Schema) -> str:
    """What a value may be, such as "whole number or null".

    Args:
        schema: of a field.
    """
    return " or ".join(dict.fromkeys(_kind(choice) for choice in _choices(schema)))


def describe_default(schema: Schema) -> str:
    """The default as YAML has it; "" where there is none.

    Args:
        schema: of a field.
    """
    if "default" not in schema:
        return ""
    default = schema["default"]
    return "below" if isinstance(default, dict) else f"`{json.dumps(default, ensure_ascii=False)}`"


def describe_bounds(schema: Schema) -> str:
    """Least and greatest value, and what else is asked of it; of a list's items too.

    Args:
        schema: of a field.
    """
    choices = list(_choices(schema))
    choices += [items for choice in choices for items in [choice.get("items")] if items]
    told = [form.format(choice[key]) for choice in choices for key, form in BOUNDS.items() if key in choice]
    names = [name for choice in choices for name in choice.get("propertyNames", {}).get("enum", [])]
    told += ["names: " + ", ".join(f"`{name}`" for name in names)] if names else []
    return ", ".join(dict.fromkeys(told))


def _choices(schema: Schema) -> Iterator[Schema]:
    for choice in schema.get("anyOf", [schema]):
        yield from _choices(choice) if "anyOf" in choice else [choice]


def _kind(schema: Schema) -> str:
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "$ref" in schema:
        return "group"
    if schema.get("type") == "array" and "type" in schema.get("items", {}):
        return f"list of {_kind(schema['items'])}"
    return KINDS.get(str(schema.get("type")), "any")
