import io
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mayo_kedro.pipelines.columns import Columns


class EncodedImages:
    """Images in memory that count how often they were streamed."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.streamed: list[list[str]] = []

    def stream(self, ids: Sequence[str]) -> Iterator[bytes]:
        self.streamed.append(list(ids))
        return (self.files[image] for image in ids)

    def decoded(self, ids: Sequence[str]) -> np.ndarray:
        return np.stack([np.array(Image.open(io.BytesIO(self.files[image]))) for image in ids])


class EventList:
    """Keeps what a training tells its monitor."""

    tracked_run = "f00d"

    def __init__(self) -> None:
        self.epochs: list[tuple[int, str, int, int, dict[str, float]]] = []
        self.batches: list[tuple[int, str, int, int, int, dict[str, float]]] = []

    def epoch_ended(self, *event) -> None:
        self.epochs.append(event)

    def batch_ended(self, *event) -> None:
        self.batches.append(event)


def encode(pixels: np.ndarray, image_format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, image_format)
    return file.getvalue()


def draw(red: int, seed: int, size: int = 40) -> np.ndarray:
    """Draw noise about one colour; classes differ in how red it is."""
    noise = np.random.default_rng(seed).integers(-30, 30, (size, size, 3))
    return np.clip(noise + np.array([red, 120, 120]), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def columns() -> Columns:
    return Columns(image="i", patient="p", label="l", classes=("plain", "red"), positive="red")


@pytest.fixture(scope="session")
def splits() -> pd.DataFrame:
    """24 images of 16 patients in 2 folds; every other patient is red and has two images."""
    rows = [
        {
            "image": f"{patient:03}_{number}",
            "patient": f"{patient:03}",
            "label": "red" if patient % 2 else "plain",
            "int_labels": patient % 2,
            "fold": patient // 2 % 2,
        }
        for patient in range(16)
        for number in range(1 + patient % 2)
    ]
    return pd.DataFrame(rows)


def draw_images(splits: pd.DataFrame) -> EncodedImages:
    rows = zip(splits["image"], splits["int_labels"], strict=True)
    return EncodedImages(
        {image: encode(draw(220 if label else 60, seed, 32)) for seed, (image, label) in enumerate(rows)}
    )


@pytest.fixture
def images(splits) -> EncodedImages:
    return draw_images(splits)


@pytest.fixture(scope="module")
def module_images(splits) -> EncodedImages:
    return draw_images(splits)
