"""The filters by which runs are looked for: a small part of OData, without quotes around the values."""

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["parse_filter"]

Test = Callable[[Mapping[str, Any]], bool]

TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<word>and|or)\b"
    r"|(?P<field>[A-Za-z][^\s()]*)\s+(?P<operator>eq|ne|gt|ge|lt|le)\s+"
    r"(?P<value>(?:(?!\s+(?:and|or)\s|\)).)+))"
)
COMPARE: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}


def parse_filter(text: str) -> Test:
    """A test of a run's description.

    Args:
        text: such as `(Tags/fold eq 1) and (Status eq Running)`; "" lets everything pass.

    Raises:
        ValueError: it cannot be read.
    """
    tokens = _split(text)
    if not tokens:
        return lambda _: True
    test = _read_either(tokens)
    if tokens:
        raise ValueError(f"the filter {text!r} goes on behind its end")
    return test


def _split(text: str) -> list[re.Match[str]]:
    tokens: list[re.Match[str]] = []
    position = 0
    while text[position:].strip():
        found = TOKEN.match(text, position)
        if not found:
            raise ValueError(f"the filter {text!r} cannot be read from {text[position:]!r} on")
        tokens.append(found)
        position = found.end()
    return tokens


def _read_either(tokens: list[re.Match[str]]) -> Test:
    tests = [_read_all(tokens)]
    while tokens and tokens[0]["word"] == "or":
        tokens.pop(0)
        tests.append(_read_all(tokens))
    return lambda run: any(test(run) for test in tests)


def _read_all(tokens: list[re.Match[str]]) -> Test:
    tests = [_read_one(tokens)]
    while tokens and tokens[0]["word"] == "and":
        tokens.pop(0)
        tests.append(_read_one(tokens))
    return lambda run: all(test(run) for test in tests)


def _read_one(tokens: list[re.Match[str]]) -> Test:
    if not tokens or tokens[0]["word"] or tokens[0]["mark"] == ")":
        raise ValueError("a comparison is missing in the filter")
    token = tokens.pop(0)
    if token["mark"] != "(":
        return _make_comparison(token["field"], token["operator"], token["value"].strip("'\""))
    test = _read_either(tokens)
    if not tokens or tokens.pop(0)["mark"] != ")":
        raise ValueError("a bracket is not closed in the filter")
    return test


def _make_comparison(field: str, operator: str, value: str) -> Test:
    def test(run: Mapping[str, Any]) -> bool:
        found, there = _look_up(run, field)
        if value == "null":
            # of a tag that is there, the SDK asks for "ne null or eq null"
            return there and (found is None) == (operator == "eq")
        return there and COMPARE[operator](str(found), value)

    return test


def _look_up(run: Mapping[str, Any], field: str) -> tuple[Any, bool]:
    first, _, rest = field.partition("/")
    name = first[0].lower() + first[1:]
    if not rest:
        return run.get(name), True
    inner = run.get(name) or {}
    return inner.get(rest), rest in inner
