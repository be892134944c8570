"""What was found in a place, as tables in the terminal."""

from collections.abc import Mapping

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mayo_kedro.commands.setup.holdings import Holdings

ROWS = 50
SHOWN = 12
EXAMPLES = 3
LONGEST = 24


def show_holdings(found: Holdings) -> None:
    """Show tables, image folders and weights, the largest first."""
    shown = Table("", "where", "how much")
    for path, size in _largest(found.tables):
        shown.add_row("table", escape(path), describe_size(size))
    for one in found.images[:SHOWN]:
        about = f"{one.count} images, {describe_size(one.size)}"
        shown.add_row("images", escape(f"{one.folder or '.'}/*{one.suffix}"), about)
    for path, size in _largest(found.weights):
        shown.add_row("weights", escape(path), describe_size(size))
    _print(shown)


def show_columns(table: pd.DataFrame, meanings: Mapping[str, str]) -> None:
    """Show each column with examples from the first rows.

    Args:
        table: all text.
        meanings: what a column is taken for, by its name.
    """
    shown = Table("column", "different values", f"in the first {min(ROWS, len(table))} rows", "seems to be")
    for name in table:
        values = table[name].head(ROWS).drop_duplicates().head(EXAMPLES)
        examples = ", ".join(value if len(value) <= LONGEST else f"{value[:LONGEST]}…" for value in values)
        shown.add_row(
            escape(str(name)), str(table[name].nunique()), escape(examples), meanings.get(str(name), "")
        )
    _print(shown)


def show_classes(labels: "pd.Series[str]", patients: "pd.Series[str]") -> None:
    """Show the number of images and patients of each class."""
    shown = Table("class", "images", "patients")
    for label, rows in patients.groupby(labels):
        shown.add_row(escape(repr(label)), str(len(rows)), str(rows.nunique()))
    _print(shown)


def describe_size(size: int) -> str:
    """A size in bytes, in words."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _largest(sizes: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(sizes.items(), key=lambda one: -one[1])[:SHOWN]


def _print(table: Table) -> None:
    for column in table.columns:
        column.overflow = "fold"
    Console(highlight=False).print(table)
