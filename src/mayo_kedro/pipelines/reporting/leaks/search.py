"""All the leak alarms of a run."""

from collections.abc import Iterator, Mapping

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.leaks.across_folds import look_across_folds
from mayo_kedro.pipelines.reporting.leaks.alarms import Alarm, Row
from mayo_kedro.pipelines.reporting.leaks.shortcuts import look_for_shortcuts
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.wording import TITLES, is_better


def look_for_leaks(
    metrics: Mapping[str, float],
    splits: pd.DataFrame,
    image_facts: pd.DataFrame,
    columns: Columns,
    parameters: ReportingParameters,
) -> list[Alarm]:
    """Look for whatever makes a result better than it is.

    Args:
        metrics: from `evaluate`.
        splits: every image with its fold.
        image_facts: what is plain to see of every image.
        columns: names the classes.
        parameters: ceiling, intervals, and how alike duplicates are.

    Returns:
        The alarms, those that void the numbers first.
    """
    alarms = [
        *look_across_folds(splits, image_facts, columns, parameters.duplicate_bits),
        *look_above_ceiling(metrics, parameters),
        *look_for_shortcuts(splits, image_facts, columns, parameters),
    ]
    return sorted(alarms, key=lambda alarm: not alarm.voids)


def look_above_ceiling(metrics: Mapping[str, float], parameters: ReportingParameters) -> Iterator[Alarm]:
    """Tell whether the result is better than an honest one is known to be.

    Args:
        metrics: from `evaluate`.
        parameters: the ceiling.
    """
    rows: list[Row] = []
    for name, ceiling in parameters.ceiling.model_dump().items():
        value, low, high = (metrics[f"patient_{name}{end}"] for end in ("", "_low", "_high"))
        if ceiling is not None and is_better(name, value, ceiling):
            told = f"{value:.3f} [{low:.3f}, {high:.3f}]"
            rows.append({"measure": TITLES[name], "here": told, "best known": ceiling})
    if rows:
        yield Alarm(
            "above_ceiling",
            True,
            "Better than honest results are known to be",
            "On these data no clean evaluation is known that does as well. Look for a leak before believing "
            "it: a patient, a picture or a setting that the judged fold shares with the training.",
            rows,
        )
