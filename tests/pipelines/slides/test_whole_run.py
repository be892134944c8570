"""From slides in a repository to a trained model, in the commands of the documentation."""

import json
import os
import subprocess
import sys
import time

import pandas as pd
import pytest

from mayo_kedro.sandbox.process import start
from mayo_kedro.sandbox.slides import draw_slides

SEQUENCE = """
set -e
kedro run --pipelines slides
kedro run --env test
"""

pytestmark = pytest.mark.slow


def read_table(folder):
    path = folder / "data" / "03_primary" / "slides.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_modelling_trains_on_what_slides_wrote(project):
    environment = {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])}
    arguments = ["-m", "mayo_kedro.sandbox", "--slides", "--ranges", "--", "sh", "-c", SEQUENCE]
    ran = project.python(*arguments, **environment)
    told = ran.stdout + ran.stderr
    assert ran.returncode == 0, told
    assert "Dask's dashboard: http://127.0.0.1:" in told

    table = read_table(project.path)
    assert (table.problem == "").all()
    labels = pd.read_csv(project.path / "data" / "03_primary" / "labels.csv", dtype=str)
    assert set(labels.image) == set(table.image_id)
    predictions = pd.read_csv(project.path / "data" / "07_model_output" / "predictions.csv", dtype=str)
    assert set(predictions.image) <= set(table.image_id)

    # one commit holds all images, and the training read at it or later
    published = json.loads((project.path / "data" / "03_primary" / "slide_publication.json").read_text())
    assert (
        published["message"]
        == f"Cut {len(table)} images from {len(table)} slides, {len(table)} of them labelled"
    )
    version = json.loads((project.path / "data" / "02_intermediate" / "data_version.json").read_text())
    assert version["commit"] == published["commit"]

    # nothing of a slide is on this disk but its image
    kept = {path.parent.name + path.name for path in (project.path / "cache").rglob("*") if path.is_file()}
    assert kept
    assert not kept & set(table.hash)


@pytest.mark.parametrize("shard_megabytes", [None, 0.2])
def test_modelling_trains_on_tiles_and_keeps_those_of_a_patient_together(project, shard_megabytes):
    path = project.path / "conf" / "base" / "globals.yml"
    settings = path.read_text().replace("folder: images", "folder: tiles")
    path.write_text(settings.replace("table: train.csv", "table: tiles/image_labels.csv"))
    tiles = "slides.cut=tiles,slides.tiles.count=2,slides.tiles.side=128,slides.tiles.factor=4"
    if shard_megabytes:
        tiles += f",slides.shard_megabytes={shard_megabytes}"
    sequence = f"kedro run --pipelines slides --params {tiles} && kedro run --pipelines modelling --env test"
    environment = {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])}
    arguments = ["-m", "mayo_kedro.sandbox", "--slides", "--ranges", "--", "sh", "-c", sequence]
    ran = project.python(*arguments, **environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr

    table = read_table(project.path)
    splits = pd.read_csv(project.path / "data" / "05_model_input" / "splits.csv", dtype=str)
    assert set(splits.image) == set(table.image_id)
    assert len(table) > table.slide.nunique()  # several of a slide
    slides = splits.image.str.rpartition("_")[0]
    assert set(slides) == set(table.slide)
    # a slide is named by its patient here, and a patient is on one side only
    assert (splits.patient == slides.str.rpartition("_")[0]).all()
    assert (splits.groupby("patient").fold.nunique() == 1).all()
    assert splits.fold.nunique() > 1
    predictions = pd.read_csv(project.path / "data" / "07_model_output" / "predictions.csv", dtype=str)
    assert set(predictions.image) == set(splits.image[splits.fold == "0"])

    # with shards these were sent and read instead of the images, each of which is kept under its own hash
    sent = {path.name for path in (project.path / "data" / "03_primary" / "slide_shards").iterdir()}
    cache = project.path / "cache" / "files" / "md5"
    if shard_megabytes:
        assert set(table.shard) == sent
        assert len(sent) > 1
        assert all((cache / md5[:2] / md5[2:]).is_file() for md5 in table.md5)
    else:
        assert not sent
        assert (table.shard == "").all()


def test_a_client_that_is_killed_loses_only_what_is_in_hand(project, tmp_path):
    seed = tmp_path / "seed"
    draw_slides(seed, patients=16, longest_sides=(1500, 2500))
    (seed / "pretrained_efficientnet").mkdir()
    (seed / "pretrained_efficientnet" / "none.h5").write_bytes(b"none")
    record = project.path / "data" / "03_primary" / "slide_images.jsonl"
    with start(tmp_path / "state", seed=seed, ranges=True) as service:
        service.shape(latency_ms=200, mbit_per_s=40)
        variables = {
            "DAGSHUB_CLIENT_HOST": service.host,
            "DAGSHUB_USER_TOKEN": service.token,
            "MAYO_KEDRO_SANDBOX": "sandbox/clots",
        }
        command = [sys.executable, "-m", "kedro", "run", "--pipelines", "slides"]
        command += ["--params", "slides.longest_side=128"]
        environment = {**os.environ, **project.variables, **variables}
        first = subprocess.Popen(command, cwd=project.path, env=environment, stdout=subprocess.DEVNULL)
        while not record.exists() or record.read_text().count('"image_id"') < 3:
            assert first.poll() is None
            time.sleep(0.05)
        first.kill()
        first.wait()
        before = record.read_text().count('"image_id"')
        service.shape()
        ran = project.kedro(*command[3:], **variables)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    table = read_table(project.path)
    slides = len(list((seed / "slides").iterdir()))
    assert len(table) == slides
    assert (table.problem == "").all()
    assert record.read_text().count('"image_id"') == slides, f"{before} were finished before"
    assert f"{before} of {slides} slides are finished" in ran.stdout + ran.stderr
