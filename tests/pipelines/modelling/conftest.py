import io
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem
from PIL import Image

from mayo_kedro.datasets.checkpoints_dataset import Checkpoints
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.streaming.images import StreamedImages


class EncodedFiles(MutableMapping[str, bytes]):
    """The files of a folder by id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, image: str) -> bytes:
        return (self._folder / f"{image}.png").read_bytes()

    def __setitem__(self, image: str, data: bytes) -> None:
        (self._folder / f"{image}.png").write_bytes(data)

    def __delitem__(self, image: str) -> None:
        (self._folder / f"{image}.png").unlink()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in self._folder.iterdir()))

    def __len__(self) -> int:
        return len(list(iter(self)))


class ImageFolder(StreamedImages):
    """Images in a local folder, which note what was streamed."""

    def __init__(self, folder: Path) -> None:
        self.files = EncodedFiles(folder)
        self.streamed: list[list[str]] = []
        super().__init__(LocalFileSystem(), str(folder), ".png", lambda: list(self.files))

    def stream(self, images: Sequence[str], ahead: Iterable[str] = ()) -> Iterator[Path]:
        if len(images):
            self.streamed.append(list(images))
        return super().stream(images, ahead)

    def decoded(self, ids: Sequence[str]) -> np.ndarray:
        return np.stack([self[image] for image in ids])


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


def draw_images(splits: pd.DataFrame, folder: Path) -> ImageFolder:
    images = ImageFolder(folder)
    rows = zip(splits["image"], splits["int_labels"], strict=True)
    for seed, (image, label) in enumerate(rows):
        images.files[image] = encode(draw(220 if label else 60, seed, 32))
    return images


@pytest.fixture
def images(splits, tmp_path) -> ImageFolder:
    (tmp_path / "images").mkdir()
    return draw_images(splits, tmp_path / "images")


@pytest.fixture(scope="module")
def module_images(splits, tmp_path_factory) -> ImageFolder:
    return draw_images(splits, tmp_path_factory.mktemp("images"))


@pytest.fixture
def checkpoints(tmp_path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")
