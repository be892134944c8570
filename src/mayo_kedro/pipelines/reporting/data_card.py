"""What the data are, in numbers."""

from typing import Any

import pandas as pd

from mayo_kedro.pipelines.columns import Columns

MANY = 3
"""Patients with so many images or more are counted together."""
MEGABYTE = 10**6


def describe_images(splits: pd.DataFrame, image_facts: pd.DataFrame, columns: Columns) -> dict[str, Any]:
    """Count patients and images, and tell how large the images are and what they hold.

    Args:
        splits: every image with patient, label and, where it is known, centre.
        image_facts: from `measure_files`.
        columns: names the classes.

    Returns:
        Plain values: `patients`, `images`, by class `patients_per_class` and `images_per_class`,
        `patients_by_images` (1, 2, "3 or more"), `centres` (None where they are not known), `megabytes`,
        `undecodable`; and as lowest, middle and highest: `width` and `height` in pixels and `tissue_share`.
    """
    counts = splits.groupby("patient").size()
    words = counts.map(lambda count: f"{MANY} or more" if count >= MANY else str(count))
    of_class = {name: splits[splits["label"] == name] for name in columns.ordered_classes}
    return {
        "patients": len(counts),
        "images": len(splits),
        "patients_per_class": {name: int(rows["patient"].nunique()) for name, rows in of_class.items()},
        "images_per_class": {name: len(rows) for name, rows in of_class.items()},
        "patients_by_images": {
            str(key): int(value) for key, value in words.value_counts().sort_index().items()
        },
        "centres": int(splits["centre"].nunique()) if "centre" in splits else None,
        "megabytes": round(float(image_facts["bytes"].sum()) / MEGABYTE, 1),
        "undecodable": int(image_facts["width"].isna().sum()),
        **{name: _span(image_facts[name]) for name in ("width", "height", "tissue_share")},
    }


def _span(values: "pd.Series[float]") -> list[float] | None:
    """Lowest, middle and highest; None if nothing is known."""
    known = values.dropna()
    return None if known.empty else [round(float(known.quantile(share)), 4) for share in (0, 0.5, 1)]
