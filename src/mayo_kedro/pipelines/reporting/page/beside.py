"""The model beside the baselines, and at chosen operating points, as rows of tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.scores.baselines import BASELINES
from mayo_kedro.pipelines.reporting.scores.evaluation import COMPARED
from mayo_kedro.pipelines.reporting.wording import STANDINGS, TITLES, Numbers, Standing, stand, write_value

TITLES_OF_BASELINES: Mapping[str, str] = {
    "prior": "The prior",
    "majority": "The majority class",
    "size": "Image size only",
}


@dataclass(frozen=True)
class BesideCell:
    """A baseline's value, and the model's difference to it.

    Attributes:
        measure: the metric's title.
        value: of the baseline; empty where it has none.
        difference: the model less the baseline; so is `interval`, low to high.
        interval: of the difference.
        standing: how the model compares; so does `reading`, in words.
        reading: in words.
    """

    measure: str
    value: str
    difference: str
    interval: str
    standing: Standing
    reading: str


@dataclass(frozen=True)
class BesideRow:
    """A baseline in the table."""

    title: str
    meaning: str
    cells: tuple[BesideCell, ...]


def describe_baselines(metrics: Numbers, columns: Columns) -> list[BesideRow]:
    """Put the model beside each baseline, by patient.

    Args:
        metrics: from `evaluate`.
        columns: names the classes.
    """
    titles = {**TITLES_OF_BASELINES, "even": _write_even(columns)}
    return [
        BesideRow(
            titles[rival], meaning, tuple(_describe_cell(metrics, metric, rival) for metric in COMPARED)
        )
        for rival, meaning in BASELINES.items()
    ]


def _write_even(columns: Columns) -> str:
    return " / ".join([f"{1 / len(columns.classes):.2g}"] * len(columns.classes))


def _describe_cell(metrics: Numbers, metric: str, rival: str) -> BesideCell:
    if rival not in COMPARED[metric]:
        return BesideCell(TITLES[metric], "", "", "", "unclear", "")
    name = f"patient_{metric}"
    above, low, high = (metrics[f"{name}_over_{rival}{end}"] for end in ("", "_low", "_high"))
    standing = stand(metric, low, high)
    return BesideCell(
        TITLES[metric],
        write_value(metric, metrics[f"{name}_{rival}"]),
        f"model {_signed(metric, above)}",
        f"{_signed(metric, low)} to {_signed(metric, high)}",
        standing,
        STANDINGS[standing],
    )


def _signed(metric: str, value: float) -> str:
    return ("+" if value >= 0 else "-") + write_value(metric, abs(value))


@dataclass(frozen=True)
class PointRow:
    """A share of patients at an operating point."""

    title: str
    value: str
    interval: str


def describe_points(metrics: Numbers, columns: Columns) -> list[PointRow]:
    """Tell sensitivity and specificity at chosen points; no rows with three or more classes.

    Args:
        metrics: from `evaluate`.
        columns: names the classes.
    """
    if len(columns.classes) != 2:
        return []
    other, positive = columns.ordered_classes
    names = {
        "sensitivity": f"{positive} found, where it is the more probable class (sensitivity)",
        "specificity": f"{other} left alone there (specificity)",
        **dict(_name_points(metrics, positive, other)),
    }
    return [_describe_point(metrics, name, title) for name, title in names.items()]


def _name_points(metrics: Numbers, positive: str, other: str) -> Iterator[tuple[str, str]]:
    for name in metrics:
        measure, at, point = name.removeprefix("patient_").partition("_at_")
        if name.startswith("patient_") and at and point.rpartition("_")[2].replace(".", "").isdigit():
            required, percent = point.split("_")
            found = positive if measure == "sensitivity" else other
            kept = other if required == "specificity" else positive
            verb = "found" if measure == "sensitivity" else "left alone"
            given = "left alone" if required == "specificity" else "found"
            yield (
                f"{measure}_at_{point}",
                f"{found} {verb}, where {percent}% of {kept} are {given} ({measure})",
            )


def _describe_point(metrics: Numbers, name: str, title: str) -> PointRow:
    value, low, high = (metrics[f"patient_{name}{end}"] for end in ("", "_low", "_high"))
    return PointRow(title, f"{value:.0%}", f"{low:.0%} to {high:.0%}")
