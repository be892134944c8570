"""Refuse a label table that can't be trained on, in words that name rows and settings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

GLOBALS = "globals.yml of conf/base or conf/ENV"
PARAMETERS = "conf/base/parameters_data_processing.yml"

FIRST_DATA_LINE = 2
EXAMPLES = 3
KINDS_OF_MISTAKE = 2


@dataclass(frozen=True)
class Rule:
    """Something that must hold of a column of the table.

    Attributes:
        role: `image`, `patient`, `label` or `centre`.
        accepts: tells for each value, or for the column as a whole, whether the rule holds.
        complaint: what to say of the column where it does not hold.
        remedy: what to do about it.
    """

    role: str
    accepts: Callable[[pd.Series], "pd.Series[bool] | bool"]
    complaint: str
    remedy: str


def select_columns(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Take the columns that count, under this project's names.

    Args:
        table: the label table, all text.
        columns: what the table calls its columns.

    Returns:
        A table with `image`, `patient`, `label` and, where it is named, `centre`: one row for each of
        `table`, numbered from 0.

    Raises:
        UserError: a column is missing, or does not hold text.
    """
    roles = {"image": columns.image, "patient": columns.patient, "label": columns.label}
    if columns.centre is not None:
        roles["centre"] = columns.centre
    for role, name in roles.items():
        if name not in table.columns:
            raise _missing_column(role, name, table.columns.astype(str).tolist())
    selected = table[list(roles.values())].set_axis(list(roles), axis="columns").reset_index(drop=True)
    # A line that ends early has no value there, even where empty fields are read as text.
    filled = selected.fillna("")
    for role, name in roles.items():
        if not filled[role].map(lambda value: isinstance(value, str)).all():
            raise UserError(
                f"Column {name!r} of the label table was not read as text, so ids like 006388 are damaged.",
                "Keep `dtype: str` in the load_args of label_table in conf/base/catalog_sources.yml.",
            )
    return filled


def _missing_column(role: str, name: str, present: list[str]) -> UserError:
    close = get_close_matches(name, present, n=1)
    suggestion = f", perhaps to {close[0]!r}" if close else ""
    return UserError(
        f"The label table has no column {name!r}; it has {', '.join(map(repr, present))}.",
        f"Set columns.{role} in {GLOBALS}{suggestion}.",
    )


def refuse_mistakes(table: pd.DataFrame, listed: set[str], columns: Columns) -> None:
    """Hold the table against the settings and against the image files.

    Args:
        table: from `select_columns`.
        listed: ids of the image files that exist.
        columns: what the user calls columns and classes.

    Raises:
        UserError: a row, or the table, is not as it must be.
    """
    if table.empty:
        raise UserError(
            "The label table has no rows.", f"Add one for each image, or set images.table in {GLOBALS}."
        )
    # Kedro imports this file for every command, and pandera takes a third of a second.
    from pandera.errors import SchemaErrors  # noqa: PLC0415

    rules = _make_rules(table, listed, columns)
    try:
        _make_schema(rules).validate(table, lazy=True)
    except SchemaErrors as failure:
        raise _explain(failure.failure_cases, rules, columns) from None


def _make_schema(rules: Iterable[Rule]) -> "DataFrameSchema":
    from pandera.pandas import Check, Column, DataFrameSchema  # noqa: PLC0415

    checks: dict[str, list[Check]] = {}
    for rule in rules:
        checks.setdefault(rule.role, []).append(Check(rule.accepts, error=rule.complaint))
    return DataFrameSchema({role: Column(str, checks[role]) for role in checks})


def _make_rules(table: pd.DataFrame, listed: set[str], columns: Columns) -> tuple[Rule, ...]:
    """List the rules, the one to mend first in front; what follows from a broken one is not told too."""
    centre = _centre_rules() if columns.centre is not None else ()
    return (*_image_rules(table, listed), *_patient_rules(), *_label_rules(table, columns), *centre)


def _image_rules(table: pd.DataFrame, listed: set[str]) -> Iterable[Rule]:
    where = f"Check columns.image, images.folder and images.suffix in {GLOBALS}"
    yield Rule("image", _is_filled, "has empty ids", "Fill the ids in, or delete those rows.")
    yield Rule(
        "image",
        _can_name_file,
        "has ids that no file can have (spaces at an end, slashes or control characters)",
        f"Mend those ids, or set columns.image in {GLOBALS}: an id is the file's name without its suffix.",
    )
    yield Rule(
        "image",
        lambda ids: ~ids.duplicated(keep=False) | ~_is_filled(ids),
        "has ids more than once",
        f"Keep one row an image, or set columns.image in {GLOBALS}.",
    )
    yield Rule(
        "image",
        lambda ids: ids.isin(listed) | ~_can_name_file(ids) | ~_is_filled(ids),
        "has ids without an image file",
        f"{where}, or delete those rows.",
    )
    without_row = sorted(listed - set(table["image"]))
    yield Rule(
        "image",
        lambda ids: not without_row or not (_can_name_file(ids) & _is_filled(ids)).all(),
        f"has no row for {_count(len(without_row), 'image file')} ({_examples(map(repr, without_row))})",
        "Add the rows; or, if those images belong to another set, "
        f"set data_processing.unlabelled_images to ignore in {PARAMETERS}.",
    )


def _patient_rules() -> Iterable[Rule]:
    yield Rule("patient", _is_filled, "has empty ids", "Fill the patients in, or delete those rows.")
    yield Rule(
        "patient",
        _is_readable,
        "has ids with control characters or with spaces at an end",
        "Mend those ids: a patient written in two ways would be two patients.",
    )
    yield Rule(
        "patient",
        lambda ids: ids.nunique() > 1,
        "has one patient only",
        f"Add patients, or set columns.patient in {GLOBALS}: a split needs patients on both sides.",
    )


def _centre_rules() -> Iterable[Rule]:
    yield Rule(
        "centre",
        lambda names: _is_filled(names) & _is_readable(names),
        "has empty names, or names with control characters or with spaces at an end",
        f"Mend those rows, or set columns.centre to null in {GLOBALS}.",
    )


def _label_rules(table: pd.DataFrame, columns: Columns) -> Iterable[Rule]:
    classes = ", ".join(map(repr, columns.classes))
    yield Rule(
        "label",
        lambda labels: labels.isin(columns.classes),
        f"has classes other than {classes}",
        f"Mend those rows, or set columns.label and columns.classes in {GLOBALS}.",
    )
    empty = [name for name in columns.classes if name not in set(table["label"])]
    yield Rule(
        "label",
        lambda labels: not empty or not labels.isin(columns.classes).all(),
        f"has no row of class {', '.join(map(repr, empty))}",
        f"Add images of that class, or set columns.classes in {GLOBALS}.",
    )


def _is_filled(values: pd.Series) -> "pd.Series[bool]":
    return values != ""


def _can_name_file(ids: pd.Series) -> "pd.Series[bool]":
    return _is_readable(ids) & ~ids.str.contains(r"[/\\]")


def _is_readable(values: pd.Series) -> "pd.Series[bool]":
    # Empty ones count as readable: they have a rule of their own.
    return (values == values.str.strip()) & values.map(str.isprintable)


def _explain(failures: pd.DataFrame, rules: Iterable[Rule], columns: Columns) -> UserError:
    broken = [(rule, failures[_belongs(failures, rule)]) for rule in rules]
    mistakes = [(rule, cases) for rule, cases in broken if not cases.empty]
    told = [_describe(rule, cases, columns) for rule, cases in mistakes[:KINDS_OF_MISTAKE]]
    others = len(mistakes) - len(told)
    what = "; ".join(told) + (f"; and {_count(others, 'other kind')} of mistake" if others else "")
    remedies = dict.fromkeys(rule.remedy for rule, _ in mistakes[:KINDS_OF_MISTAKE])
    return UserError(f"In the label table {what}.", " ".join(remedies))


def _belongs(failures: pd.DataFrame, rule: Rule) -> "pd.Series[bool]":
    return (failures["column"] == rule.role) & (failures["check"] == rule.complaint)


def _describe(rule: Rule, cases: pd.DataFrame, columns: Columns) -> str:
    column = f"column {getattr(columns, rule.role)!r} {rule.complaint}"
    rows = cases.dropna(subset="index").sort_values("index")
    if rows.empty:
        return column
    lines = (
        f"line {int(row) + FIRST_DATA_LINE} {value!r}"
        for row, value in zip(rows["index"], rows["failure_case"], strict=True)
    )
    return f"{column}: {_examples(lines)}"


def _examples(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - EXAMPLES} more" if len(known) > EXAMPLES else ""
    return ", ".join(known[:EXAMPLES]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
