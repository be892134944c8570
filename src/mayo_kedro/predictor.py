"""All that predicts new images, and the folder that holds it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

NETWORK = ".keras"
EMBEDDINGS = "embeddings.parquet"
SETTINGS = "settings.json"

DISTANCES = ("distance", "colour_distance")
"""From the held-out images, by the networks' features and by colours; from 1 on an image is refused."""


@dataclass(frozen=True)
class Predictor:
    """The networks of a training, and what tells whether an image is like those that they know.

    Attributes:
        networks: files of the networks, calibration included, by the name of the fold that each held out.
        embeddings: features of the held-out images: `image`, `patient`, `fold`, `feature_0`, …,
            `colour_0`, ….
        classes: in the order of the networks' outputs.
        parameters: settings of the prediction, as plain values.
    """

    networks: Mapping[str, Path]
    embeddings: pd.DataFrame
    classes: tuple[str, ...]
    parameters: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Fill a new folder; the networks, which are large, are links until somebody copies the folder."""
        folder.mkdir(parents=True)
        for name, path in self.networks.items():
            (folder / f"{name}{NETWORK}").symlink_to(path.absolute())
        self.embeddings.to_parquet(folder / EMBEDDINGS, index=False)
        settings = {"classes": self.classes, "parameters": dict(self.parameters)}
        (folder / SETTINGS).write_text(json.dumps(settings, indent=2), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Predictor":
        """Read what `write` has written; the networks stay files."""
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        return cls(
            networks={path.stem: path for path in sorted(folder.glob(f"*{NETWORK}"))},
            embeddings=pd.read_parquet(folder / EMBEDDINGS),
            classes=tuple(settings["classes"]),
            parameters=settings["parameters"],
        )


def name_numbers(classes: tuple[str, ...]) -> list[str]:
    """The columns that tell of a class: the mean of the networks, and the least and the most of one."""
    return [f"{number}_{name}" for name in classes for number in ("probability", "lowest", "highest")]


def describe_answer(classes: tuple[str, ...]) -> dict[str, str]:
    """The columns of the table of predicted patients, and MLflow's names of their types."""
    return {
        "patient": "string",
        **dict.fromkeys(name_numbers(classes), "double"),
        **dict.fromkeys(("images", "unreadable", "unlike"), "long"),
        **dict.fromkeys(DISTANCES, "double"),
        "networks": "long",
        "refused": "string",
    }
