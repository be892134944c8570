"""Predictions, images and summaries as the other pipelines hand them over."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters

TWO, THREE = ("no", "yes"), ("oak", "ash", "elm")


class Pictures:
    """Image files of blotches, each drawn when it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getitem__(self, image: str) -> np.ndarray:
        self.asked.append(image)
        return self._draw(image)

    def stream(self, images: Sequence[str]) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            for image in images:
                path = Path(folder, f"{image}.png")
                Image.fromarray(self._draw(image)).save(path)
                yield path

    def _draw(self, image: str) -> np.ndarray:
        blotches = np.random.default_rng([*image.encode()]).integers(0, 255, (6, 4, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(blotches).resize((60, 90), Image.Resampling.BICUBIC))


def name_columns(classes: Sequence[str]) -> Columns:
    positive = classes[-1] if len(classes) == 2 else None
    return Columns(image="file", patient="tree", label="kind", classes=tuple(classes), positive=positive)


def make_predictions(
    classes: Sequence[str], patients: int = 60, skill: float = 1.0, seed: int = 1
) -> pd.DataFrame:
    """Patients of every class in turn with one to three images, a fold of five each."""
    draw, rows = np.random.default_rng(seed), []
    for patient in range(patients):
        label = patient % len(classes)
        for number in range(1 + patient % 3):
            scores = draw.normal(size=len(classes)) + skill * (np.arange(len(classes)) == label)
            shares = np.exp(scores) / np.exp(scores).sum()
            name = f"{patient:05d}"
            rows.append((f"{name}_{number}", name, classes[label], label, patient % 5, *shares))
    names = ["image", "patient", "label", "int_labels", "fold", *(f"probability_{name}" for name in classes)]
    return pd.DataFrame(rows, columns=names)


def make_splits(predictions: pd.DataFrame) -> pd.DataFrame:
    """The splits of which every fold was held out."""
    return predictions[["image", "patient", "label", "int_labels", "fold"]]


def make_facts(splits: pd.DataFrame, seed: int = 2) -> pd.DataFrame:
    """Measures of images that tell nothing of their labels."""
    draw = np.random.default_rng(seed)
    rows = len(splits)
    return pd.DataFrame(
        {
            "image": splits["image"],
            "bytes": draw.integers(10_000, 90_000, rows),
            "width": draw.integers(200, 900, rows),
            "height": draw.integers(200, 900, rows),
            "hash": [f"{number:016x}" for number in draw.integers(2**63, size=rows)],
            **{colour: draw.uniform(0, 255, rows) for colour in ("red", "green", "blue")},
            "tissue_share": draw.uniform(0, 1, rows),
        }
    )


def make_evidence(predictions: pd.DataFrame, classes: Sequence[str], seed: int = 3) -> pd.DataFrame:
    """Four quarters of every image, with evidence at random."""
    quarters = pd.DataFrame(
        [(x, y, x + 0.5, y + 0.5, 0.25) for y in (0, 0.5) for x in (0, 0.5)],
        columns=["left", "top", "right", "bottom", "attention"],
    )
    table = predictions[["image"]].merge(quarters, how="cross")
    numbers = np.random.default_rng(seed).normal(size=(len(table), len(classes)))
    return table.assign(**{f"evidence_{name}": numbers[:, number] for number, name in enumerate(classes)})


def make_split_summary(classes: Sequence[str], leaks: bool = False) -> dict[str, Any]:
    counts = dict.fromkeys(classes, 6)
    fold = {"patients": 12, "images": 24, "images_per_class": counts, "patients_per_class": counts}
    return {
        "patients": 60,
        "method": "random" if leaks else "by_patient",
        "seed": 4,
        "leaks": leaks,
        "patients_on_both_sides": 17 if leaks else 0,
        "folds": [{"fold": number, **fold} for number in range(5)],
    }


def make_inputs(classes: Sequence[str] = TWO, leaks: bool = False, **options: Any) -> dict[str, Any]:
    """Everything the pipeline reads, by its name in the catalog."""
    epochs = [("frozen", 0), ("frozen", 1), ("fine_tune", 2)]
    history = [
        {
            "fold": fold,
            "stage": stage,
            "epoch": epoch,
            "loss": 1 / (epoch + 1),
            "accuracy": 0.5,
            "val_loss": 0.6,
        }
        for fold in range(5)
        for stage, epoch in epochs
    ]
    predictions = make_predictions(classes, **options)
    splits = make_splits(predictions)
    if leaks:
        splits = splits.assign(fold=np.arange(len(splits)) % 5)
    return {
        "predictions": predictions.assign(fold=splits["fold"]),
        "splits": splits,
        "history": pd.DataFrame(history),
        "split_summary": make_split_summary(classes, leaks),
        "training_summary": {
            "recipe": "whole_image",
            "backbone": "EfficientNetB7",
            "image_size": 96,
            "seed": 5,
            "folds": [0, 1, 2, 3, 4],
            "seconds": 61.4,
            "images_per_second": 12.5,
            "mlflow_run": None,
        },
        "data_source": {
            "repository": "forest/trees",
            "host": "https://example.org",
            "branch": "main",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "notice": "Drawn trees & no real ones.",
        },
        "clot_images": Pictures(),
        "evidence": make_evidence(predictions, classes),
        "params:columns": name_columns(classes),
        "params:reporting": ReportingParameters(
            bootstrap_samples=40, most_wrong=5, cases=3, thumbnail_pixels=32
        ),
    }
