import filecmp
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mayo_kedro.sandbox import sample
from mayo_kedro.sandbox.clot import Stain, draw_slide, draw_stain
from mayo_kedro.sandbox.sample import Patient, best_auc, draw_sample

PLAIN = Stain(1.0, (1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "sample"
    draw_sample(folder, patients=24)
    return folder


@pytest.fixture(scope="module")
def table(folder) -> pd.DataFrame:
    return pd.read_csv(folder / "train.csv", dtype=str)


@pytest.fixture(scope="module")
def people() -> list[Patient]:
    return sample._draw_patients(np.random.default_rng(5), 4000)


def tissue(slide: np.ndarray) -> np.ndarray:
    """Pixels far from the most common colour of the border, as (n, 3)."""
    border = np.concatenate([slide[0], slide[-1], slide[:, 0], slide[:, -1]])
    colours, counts = np.unique(border, axis=0, return_counts=True)
    pixels = slide.reshape(-1, 3).astype(float)
    return pixels[np.linalg.norm(pixels - colours[counts.argmax()], axis=1) > 30]


def draw(number: int, fibrin_share: float, stain: Stain = PLAIN) -> np.ndarray:
    return draw_slide(np.random.default_rng(number), fibrin_share, stain)


def test_layout_is_the_competitions(folder, table):
    assert list(table) == ["image_id", "center_id", "patient_id", "image_num", "label"]
    expected = {"train.csv", "images", "test.csv", "test", "NOTICE.txt", "README.md"}
    assert {path.name for path in folder.iterdir()} == expected
    assert {path.stem for path in (folder / "images").iterdir()} == set(table["image_id"])
    assert (table["image_id"] == table["patient_id"] + "_" + table["image_num"]).all()
    assert table["image_id"].is_monotonic_increasing
    assert set(table["label"]) == {"CE", "LAA"}
    assert table["patient_id"].nunique() == 24


def test_new_patients_have_no_label_and_are_nobody_of_the_others(folder, table):
    new = pd.read_csv(folder / "test.csv", dtype=str)
    assert list(new) == ["image_id", "center_id", "patient_id", "image_num"]
    assert {path.stem for path in (folder / "test").iterdir()} == set(new["image_id"])
    assert new["patient_id"].nunique() == sample.NEW_PATIENTS
    assert not set(new["patient_id"]) & set(table["patient_id"])


def test_a_patient_has_one_label_one_center_and_images_from_zero(table):
    for _, rows in table.groupby("patient_id"):
        assert rows["label"].nunique() == rows["center_id"].nunique() == 1
        assert list(rows["image_num"].astype(int)) == list(range(len(rows)))


def test_some_ids_look_like_numbers(table):
    names = table["patient_id"]
    assert names.str.fullmatch("[0-9a-f]{6}").all()
    assert names.str.fullmatch(r"00\d{4}").any()
    assert names.str.fullmatch(r"\de\d{4}").any()


def test_shares_are_those_of_the_competition(people):
    images = np.array([person.images for person in people])
    centers = pd.Series([person.center for person in people]).value_counts(normalize=True)
    assert len({person.name for person in people}) == 4000
    assert np.mean([person.label == "CE" for person in people]) == pytest.approx(0.72, abs=0.001)
    assert (images > 1).mean() == pytest.approx(0.14, abs=0.02)
    assert images.max() == 5
    assert len(centers) == 11
    assert centers[11] == pytest.approx(0.38, abs=0.03)


def test_only_the_trait_knows_the_label(people):
    frame = pd.DataFrame(people)
    means = frame.groupby("label")[["images", "center"]].mean()
    assert best_auc(people) == pytest.approx(0.90, abs=0.01)
    assert abs(means.loc["CE", "images"] - means.loc["LAA", "images"]) < 0.06
    assert abs(means.loc["CE", "center"] - means.loc["LAA", "center"]) < 0.4


def test_best_auc_counts_ordered_pairs():
    traits = [("CE", 2.0), ("CE", 0.0), ("LAA", 1.0), ("LAA", -1.0)]
    assert best_auc([Patient("a", 1, label, trait, 1) for label, trait in traits]) == 0.75


def test_texts_say_that_it_is_synthetic_and_how_well_one_can_do(folder):
    notice, readme = (folder / "NOTICE.txt").read_text(), (folder / "README.md").read_text()
    assert re.fullmatch(r"Synthetic.*not medical data.*AUC is 0\.90\.\n", notice)
    assert "24 invented patients" in readme
    assert "AUC of **0.90** by construction" in readme
    assert 0.5 < float(re.search(r"and (\d\.\d{3}) on this\s+very draw", readme).group(1)) <= 1


def test_the_same_seed_gives_the_same_bytes_and_another_gives_other_patients(tmp_path):
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    draw_sample(first, seed=3, patients=5)
    draw_sample(again, seed=3, patients=5)
    draw_sample(other, seed=4, patients=5)
    files = [str(path.relative_to(first)) for path in first.rglob("*") if path.is_file()]
    assert len(files) >= 8
    assert filecmp.cmpfiles(first, again, files, shallow=False) == (files, [], [])
    assert (first / "train.csv").read_text() != (other / "train.csv").read_text()


def test_the_smallest_sample_has_both_classes(tmp_path):
    draw_sample(tmp_path, patients=4)
    assert set(pd.read_csv(tmp_path / "train.csv", dtype=str)["label"]) == {"CE", "LAA"}
    with pytest.raises(ValueError, match="at least 4 patients"):
        draw_sample(tmp_path / "none", patients=3)
    assert not (tmp_path / "none").exists()


def test_a_failed_drawing_writes_no_table(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "FIBRIN_RANGE", (0.0, 9.0))
    with pytest.raises(ValueError, match=r"[Qq]uantile"):
        draw_sample(tmp_path, patients=4)
    assert not (tmp_path / "train.csv").exists()


def test_images_are_small_rgb_files_that_are_mostly_empty(folder):
    shares = []
    for path in (folder / "images").iterdir():
        slide = np.asarray(Image.open(path))
        assert slide.dtype == np.uint8
        assert 256 <= slide.shape[0] <= 900
        assert 256 <= slide.shape[1] <= 640
        assert slide.shape[2] == 3
        assert path.stat().st_size < 500_000
        shares.append(len(tissue(slide)) / slide[..., 0].size)
    assert min(shares) > 0.02
    assert max(shares) < 0.35
    assert 0.08 < np.median(shares) < 0.2


@pytest.mark.parametrize("number", range(4))
def test_fibrin_is_paler_than_red_cells_on_the_same_slide(number):
    rich, poor = draw(number, 0.9), draw(number, 0.1)
    assert rich.shape == poor.shape
    assert tissue(rich).mean() > tissue(poor).mean() + 25


def test_a_stain_shifts_the_tissue_but_not_the_empty_slide():
    pale, strong = draw(1, 0.5), draw(1, 0.5, Stain(1.3, (1.0, 1.0, 1.0)))
    assert tissue(strong).mean() < tissue(pale).mean() - 5
    assert (strong[0, 0] == pale[0, 0]).all()


def test_laboratories_stain_differently_but_not_wildly():
    stains = [draw_stain(np.random.default_rng(number)) for number in range(50)]
    assert len(set(stains)) == 50
    assert all(0.6 < stain.strength < 1.5 for stain in stains)


def test_backgrounds_vary():
    corners = {tuple(int(value) for value in draw(number, 0.5)[0, 0]) for number in range(40)}
    assert {(255, 255, 255), (255, 241, 255)} <= corners
