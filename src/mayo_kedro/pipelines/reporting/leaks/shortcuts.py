"""Whether the label can be told without looking at the picture: by its name, size, compression or centre."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.leaks.alarms import Alarm, Row
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.judged import judge_images, judge_patients, probability_columns
from mayo_kedro.pipelines.reporting.scores.metrics import Floats, auc
from mayo_kedro.pipelines.reporting.scores.resampling import find_interval, resample_patients
from mayo_kedro.pipelines.reporting.scores.simple_models import cross_validate

FOLDS = 5
MOST_IMAGES = 20_000
"""Of larger data sets a random part is looked at."""
MOST_PIECES = 100
EXAMPLES = 3


@dataclass(frozen=True)
class Shortcut:
    """Something beside the picture that may give the label away.

    Attributes:
        title: what was found, if it does.
        measure: from images with their facts to (images, numbers).
        show: what to tell of the images of a class.
        meaning: why it matters, and what to do.
    """

    title: str
    measure: Callable[[pd.DataFrame], Floats]
    show: Callable[[pd.DataFrame], Row]
    meaning: str


def _measure_names(table: pd.DataFrame) -> Floats:
    """The commonest single letters and pairs, the length, and the place in alphabetical order."""
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415  slow to import

    count = CountVectorizer(analyzer="char", ngram_range=(1, 2), lowercase=False, max_features=MOST_PIECES)
    pieces = count.fit_transform(table["image"]).toarray()
    return np.column_stack([pieces, table["image"].str.len(), table["image"].rank()])


def _measure_sizes(table: pd.DataFrame) -> Floats:
    return np.asarray(np.log(table[["width", "height"]].to_numpy(np.float64)))


def _measure_compression(table: pd.DataFrame) -> Floats:
    return np.log(_bytes_per_pixel(table).to_numpy(np.float64))[:, None]


def _bytes_per_pixel(table: pd.DataFrame) -> "pd.Series[float]":
    return table["bytes"] / (table["width"] * table["height"])


def _measure_centres(table: pd.DataFrame) -> Floats:
    return pd.get_dummies(table["centre"]).to_numpy(np.float64)


SHORTCUTS: Mapping[str, Shortcut] = MappingProxyType(
    {
        "name_predicts_label": Shortcut(
            "The file's name predicts the label",
            _measure_names,
            lambda images: {"for instance": ", ".join(images["image"].head(EXAMPLES))},
            "The images of the classes were collected or named apart, and may differ in more than what the "
            "label means. Find out how they were chosen.",
        ),
        "size_predicts_label": Shortcut(
            "The image's size predicts the label",
            _measure_sizes,
            lambda images: {
                "median width": float(images["width"].median()),
                "median height": float(images["height"].median()),
            },
            "A network may learn no more than this from how an image was stretched or scaled. Only what it "
            "is better than the size by is learnt from the picture: see the baselines.",
        ),
        "compression_predicts_label": Shortcut(
            "The file's compression predicts the label",
            _measure_compression,
            lambda images: {"median bytes per pixel": round(float(_bytes_per_pixel(images).median()), 3)},
            "The classes differ in how well they compress. That may be their texture, or that they were "
            "saved in other ways, which a network sees. Compare the files' formats and settings.",
        ),
        "centre_predicts_label": Shortcut(
            "The centre predicts the label",
            _measure_centres,
            lambda images: {"commonest centre": str(images["centre"].mode().iloc[0])},
            "A network may tell the centres apart by their stain or scanner, and name the class that is "
            "common there. Leave centres out (data_processing.split.method: by_centre) to see.",
        ),
    }
)


def look_for_shortcuts(
    splits: pd.DataFrame, image_facts: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> Iterator[Alarm]:
    """Try to predict the label from each shortcut, for patients that were held out.

    Args:
        splits: every image with patient, label and, where it is known, centre.
        image_facts: width, height and bytes of each.
        columns: names the classes.
        parameters: of the intervals.

    Yields:
        An alarm where the interval of the AUC by patient leaves out 0.5. So many shortcuts are tried that
        each has to be clearer by that number (Bonferroni's correction).
    """
    table = splits.merge(image_facts, on="image", how="left")
    table = table.sample(min(MOST_IMAGES, len(table)), random_state=parameters.seed)
    known = SHORTCUTS.keys() - (() if "centre" in table else {"centre_predicts_label"})
    tried = {kind: shortcut for kind, shortcut in SHORTCUTS.items() if kind in known}
    folds = _divide(table, parameters.seed)
    if folds is None:
        return
    confidence = 1 - (1 - parameters.confidence) / len(tried)
    for kind, shortcut in tried.items():
        features = shortcut.measure(table)
        value, low, high = _judge(features, table, folds, columns, parameters, confidence)
        if low > 0.5:
            told = f"Alone it has an AUC by patient of {value:.2f} [{low:.2f}, {high:.2f}]."
            rows = _show_classes(table, shortcut, columns)
            yield Alarm(kind, False, shortcut.title, f"{told} {shortcut.meaning}", rows)


def _divide(table: pd.DataFrame, seed: int) -> npt.NDArray[np.int64] | None:
    """Folds that keep a patient on one side, whatever the split was; None with too few patients."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415  slow to import

    count = min(FOLDS, int(table.groupby("label")["patient"].nunique().min()))
    if count < 2:
        return None
    folds = np.zeros(len(table), np.int64)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(table, table["label"], table["patient"])):
        folds[held_out] = number
    return folds


def _judge(
    features: Floats,
    table: pd.DataFrame,
    folds: npt.NDArray[np.int64],
    columns: Columns,
    parameters: ReportingParameters,
    confidence: float,
) -> tuple[float, float, float]:
    labels = table["int_labels"].to_numpy(np.int64)
    guesses = cross_validate(features, labels, folds, len(columns.classes))
    guessed = table[["image", "patient", "int_labels"]].assign(
        **dict(zip(probability_columns(columns), guesses.T, strict=True))
    )
    patients = judge_patients(judge_images(guessed, columns), columns)
    resamples = resample_patients(patients.labels, parameters.bootstrap_samples, parameters.seed)
    drawn = [auc(patients.labels, patients.probabilities, weights) for weights in resamples]
    low, high = find_interval(np.concatenate(drawn), confidence)
    value = auc(patients.labels, patients.probabilities, np.ones((1, len(patients.labels))))[0]
    return float(value), float(low), float(high)


def _show_classes(table: pd.DataFrame, shortcut: Shortcut, columns: Columns) -> list[Row]:
    of_class = {name: table[table["label"] == name].sort_values("image") for name in columns.ordered_classes}
    return [
        {"class": name, "images": len(images), **shortcut.show(images)} for name, images in of_class.items()
    ]
