"""Faults planted in image files: found by what is measured of them, also in a whole run on a real service."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from mayo_kedro.pipelines.reporting import nodes
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.sandbox.process import start

from .examples import TWO, Pictures, make_predictions, make_splits, name_columns
from .test_leaks import name_as_hospitals_do

FEW = ReportingParameters(bootstrap_samples=200)


class Folder:
    """Image files on this disk, as the streamed ones are given out."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stream(self, images: Sequence[str]) -> Iterator[Path]:
        return (self.path / f"{image}.png" for image in images)


@pytest.fixture
def find_alarms(tmp_path: Path) -> Callable[[Callable[[Path, pd.DataFrame], None]], dict[str, dict]]:
    """Draws a picture for every image, lets a fault be planted, and gives the alarms."""

    def find(plant: Callable[[Path, pd.DataFrame], None]) -> dict[str, dict]:
        predictions = name_as_hospitals_do(make_predictions(TWO, patients=90))
        splits = make_splits(predictions)
        for image, path in zip(splits["image"], Pictures().stream(splits["image"].tolist()), strict=True):
            shutil.copy(path, tmp_path / f"{image}.png")
        plant(tmp_path, splits)
        facts = nodes.measure_images(splits, Folder(tmp_path), predictions)
        _, alarms = nodes.evaluate_predictions(predictions, splits, facts, name_columns(TWO), FEW)
        return alarms

    return find


def test_no_fault_raises_no_alarm(find_alarms: Callable) -> None:
    assert find_alarms(lambda folder, splits: None) == {}


def test_a_picture_saved_again_under_another_name_is_found(find_alarms: Callable) -> None:
    names: list[str] = []

    def plant(folder: Path, splits: pd.DataFrame) -> None:
        names.extend(splits.drop_duplicates("fold")["image"].head(2))
        with Image.open(folder / f"{names[0]}.png") as picture:
            again = picture.resize((90, 135), Image.Resampling.BICUBIC)
        again.save(folder / f"{names[1]}.png", "JPEG", quality=70)

    alarms = find_alarms(plant)
    assert list(alarms) == ["duplicates_across_folds"]
    (row,) = alarms["duplicates_across_folds"]["rows"]
    assert {row["image"], row["same picture as"]} == set(names)


def enlarge(path: Path, height: int) -> None:
    """Add a white strip below."""
    with Image.open(path) as picture:
        larger = Image.new("RGB", (picture.width, picture.height + height), "white")
        larger.paste(picture)
    larger.save(path)


def test_a_class_whose_slides_are_taller_is_found(find_alarms: Callable) -> None:
    def plant(folder: Path, splits: pd.DataFrame) -> None:
        draw = np.random.default_rng(4)
        for row in splits.itertuples():
            enlarge(folder / f"{row.image}.png", int(draw.integers(0, 40)) + 25 * row.int_labels)

    alarms = find_alarms(plant)
    assert "size_predicts_label" in alarms
    assert not alarms["size_predicts_label"]["voids"]


@pytest.fixture
def faulty_seed(tmp_path: Path, small_sample: Path) -> Path:
    """The sample, with one picture under two names, and taller slides of one class."""
    seed = tmp_path / "seed"
    shutil.copytree(small_sample, seed)
    table = pd.read_csv(seed / "train.csv", dtype=str)
    for image in table.loc[table["label"] == "LAA", "image_id"]:
        enlarge(seed / "images" / f"{image}.png", 500)
    copied = table[table["label"] == "CE"].head(3)
    for image in copied["image_id"]:
        shutil.copy(seed / "images" / f"{image}.png", seed / "images" / f"copy{image}.png")
    copies = copied.assign(image_id="copy" + copied["image_id"], patient_id="copy" + copied["patient_id"])
    pd.concat([table, copies]).to_csv(seed / "train.csv", index=False)
    return seed


@pytest.mark.slow
def test_a_whole_run_finds_what_is_planted_in_its_repository(project, faulty_seed, tmp_path) -> None:
    with start(tmp_path / "state", seed=faulty_seed) as running:
        repository = {name: getattr(running, name) for name in ("host", "owner", "name", "branch")}
        settings = project.path / "conf" / "test" / "globals.yml"
        settings.write_text(yaml.safe_dump({"repository": repository}))
        project.variables["DAGSHUB_USER_TOKEN"] = running.token
        split = "data_processing.split.method=random,data_processing.split.seed=3"
        done = project.kedro("run", "--env", "test", "--params", split)
    assert done.returncode == 0, done.stdout + done.stderr
    reported = project.path / "data" / "08_reporting"
    alarms = json.loads((reported / "leak_alarms.json").read_text())
    assert {"patients_across_folds", "duplicates_across_folds", "size_predicts_label"} <= set(alarms)
    for row in alarms["duplicates_across_folds"]["rows"]:
        assert row["image"].removeprefix("copy") == row["same picture as"].removeprefix("copy")
    metrics = json.loads((reported / "metrics.json").read_text())
    assert metrics["leak_alarms_that_void"] >= 2
    report = (reported / "report.html").read_text()
    assert "be trusted." in report
    assert "What this accuracy is worth" in report
