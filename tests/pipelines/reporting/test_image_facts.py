"""What is measured of real image files."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mayo_kedro.pipelines.reporting.image_facts import MEASURES, find_tissue, measure_files


class Folder:
    """Image files on this disk, as the streamed ones are given out."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stream(self, images: Sequence[str]) -> Iterator[Path]:
        return (self.path / image for image in images)


def slide(width: int = 300, height: int = 400, seed: int = 3) -> Image.Image:
    """A tinted slide of which a blotched clot in the middle covers a quarter."""
    pixels = np.full((height, width, 3), (234, 216, 254), np.uint8)
    blotches = np.random.default_rng(seed).integers(0, 100, (4, 4, 3), dtype=np.uint8)
    clot = Image.fromarray(blotches).resize((width // 2, height // 2), Image.Resampling.BICUBIC)
    pixels[height // 4 :, width // 4 :][: height // 2, : width // 2] = np.asarray(clot) // 2 + (140, 40, 60)
    return Image.fromarray(pixels)


def bits_apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_size_colour_and_tissue_of_a_tinted_slide(tmp_path: Path) -> None:
    slide().save(tmp_path / "tinted.png")
    (facts,) = measure_files(["tinted.png"], Folder(tmp_path)).to_dict("records")
    assert (facts["image"], facts["width"], facts["height"]) == ("tinted.png", 300, 400)
    assert facts["bytes"] == (tmp_path / "tinted.png").stat().st_size
    assert facts["tissue_share"] == pytest.approx(0.25, abs=0.03)
    whole = np.asarray(slide()).mean(axis=(0, 1))
    assert [facts["red"], facts["green"], facts["blue"]] == pytest.approx(whole, abs=1)


def test_the_hash_stays_when_a_picture_is_saved_anew_and_differs_for_another(tmp_path: Path) -> None:
    first = slide()
    first.save(tmp_path / "first.png")
    first.resize((210, 280)).save(tmp_path / "smaller.png")
    first.save(tmp_path / "again.jpg", quality=60)
    slide(seed=4).save(tmp_path / "other.png")
    names = ["first.png", "smaller.png", "again.jpg", "other.png"]
    hashes = measure_files(names, Folder(tmp_path)).set_index("image")["hash"]
    assert bits_apart(hashes["first.png"], hashes["smaller.png"]) <= 4
    assert bits_apart(hashes["first.png"], hashes["again.jpg"]) <= 4
    assert bits_apart(hashes["first.png"], hashes["other.png"]) > 8


def test_formats_and_modes_of_all_kinds_are_read(tmp_path: Path) -> None:
    slide().save(tmp_path / "a.tif")
    slide().convert("L").save(tmp_path / "b.png")
    slide().convert("P").save(tmp_path / "c.gif")
    slide().convert("RGBA").save(tmp_path / "d.png")
    facts = measure_files(["a.tif", "b.png", "c.gif", "d.png"], Folder(tmp_path))
    assert not facts.isna().any(axis=None)
    assert (facts["width"] == 300).all()


def test_of_a_damaged_file_only_its_length_is_known(tmp_path: Path) -> None:
    body = io.BytesIO()
    slide().save(body, "PNG")
    (tmp_path / "cut.png").write_bytes(body.getvalue()[:500])
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").touch()
    facts = measure_files(["cut.png", "text.png", "empty.png"], Folder(tmp_path))
    assert facts["bytes"].tolist() == [500, 8, 0]
    assert facts[list(MEASURES)].isna().all(axis=None)


def test_tissue_is_what_differs_from_the_border() -> None:
    pixels = np.full((10, 10, 3), 200, np.uint8)
    pixels[4:6, 4:6] = 0
    assert find_tissue(pixels).sum() == 4
    assert not find_tissue(np.zeros((3, 3, 3), np.uint8)).any()
