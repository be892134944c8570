"""The data card and the subgroups, as rows of tables."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.wording import count_of

Card = Mapping[str, Any]


def describe_data(card: Card, columns: Columns) -> dict[str, str]:
    """Tell in words what the data are; what is not known is left out.

    Args:
        card: from `describe_images`.
        columns: names the classes.
    """
    described = {
        "Patients": f"{card['patients']:,}",
        "Images": f"{card['images']:,}, {card['megabytes']:,.0f} MB",
        **{f"Class {name}": _describe_class(card, name) for name in columns.ordered_classes},
        "Images of a patient": "; ".join(
            f"{images}: {count_of(patients, 'patient')}"
            for images, patients in card["patients_by_images"].items()
        ),
        "Centres": "" if card["centres"] is None else str(card["centres"]),
        "Width": _write_span(card["width"], "{:,.0f}", " pixels"),
        "Height": _write_span(card["height"], "{:,.0f}", " pixels"),
        "Tissue in an image": _write_span(card["tissue_share"], "{:.0%}", ""),
        "Cannot be decoded": count_of(card["undecodable"], "image") if card["undecodable"] else "",
    }
    return {name: text for name, text in described.items() if text}


def _describe_class(card: Card, name: str) -> str:
    patients, images = card["patients_per_class"][name], card["images_per_class"][name]
    return f"{count_of(patients, 'patient')}, {count_of(images, 'image')} ({images / card['images']:.0%})"


def _write_span(span: list[float] | None, form: str, unit: str) -> str:
    if span is None:
        return ""
    low, middle, high = (form.format(value) for value in span)
    return f"{low}{unit} throughout" if low == high else f"{low} to {high}{unit}, median {middle}"


def describe_subgroups(
    subgroups: pd.DataFrame, split_method: str, columns: Columns
) -> dict[str, list[dict[str, str]]]:
    """Write the scores of each part as text.

    Args:
        subgroups: from `score_subgroups`.
        split_method: "by_centre" makes the centres held-out ones.
        columns: names the classes.

    Returns:
        Rows of a table for each division.
    """
    if split_method == "by_centre":
        subgroups = subgroups.replace({"division": {"centre": "held-out centre"}})
    return {
        str(division): [_describe_part(row, columns) for row in parts.to_dict("records")]
        for division, parts in subgroups.groupby("division", sort=False)
    }


def _describe_part(row: Mapping[Any, Any], columns: Columns) -> dict[str, str]:
    return {
        str(row["division"]).capitalize(): str(row["part"]),
        "Patients": str(row["patients"]),
        **{name: str(row[f"patients_{name}"]) for name in columns.ordered_classes},
        "AUC": _write_score(row, "auc"),
        "Weighted log loss": _write_score(row, "weighted_log_loss"),
    }


def _write_score(row: Mapping[Any, Any], name: str) -> str:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return "too few" if pd.isna(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]"
