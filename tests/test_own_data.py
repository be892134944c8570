"""Another user's data set, by configuration alone: other columns, three classes, JPEG; tables and sound."""

import json
import wave

import fsspec
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from mayo_kedro.sandbox.process import start

SPECIES = {"ash": (200, 60, 60), "beech": (60, 200, 60), "cedar": (60, 60, 200)}


@pytest.fixture(scope="module")
def leaves(tmp_path_factory):
    """A folder as a user might have it: leaves of trees, several photographs of each tree."""
    folder = tmp_path_factory.mktemp("own") / "leaves"
    (folder / "photos").mkdir(parents=True)
    (folder / "extra" / "days").mkdir(parents=True)
    draw = np.random.default_rng(3)
    rows = []
    for tree in range(30):
        species = list(SPECIES)[tree % 3]
        for shot in range(1 + tree % 2):
            name = f"{tree:03d}-{shot}"
            pixels = draw.normal(SPECIES[species], 25, (50, 70, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / f"{name}.jpg")
            rows.append({"photo": name, "tree": f"{tree:03d}", "species": species})
    pd.DataFrame(rows).to_csv(folder / "leaves.csv", index=False)
    pd.DataFrame({"height_m": [1.5, 2.5]}).to_parquet(folder / "extra" / "heights.parquet")
    for day in ("monday", "tuesday"):
        pd.DataFrame({"day": [day]}).to_csv(folder / "extra" / "days" / f"{day}.csv", index=False)
    with wave.open(str(folder / "extra" / "birds.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(draw.integers(-99, 99, 800, np.int16).tobytes())
    return folder


@pytest.fixture(scope="module")
def leaf_sandbox(leaves, tmp_path_factory):
    with start(tmp_path_factory.mktemp("state"), seed=leaves, repository="ann/leaves") as running:
        yield running


@pytest.fixture
def leaf_project(project, leaf_sandbox):
    settings = {
        "repository": {"host": leaf_sandbox.host, "owner": "ann", "name": "leaves", "branch": "main"},
        "images": {"table": "leaves.csv", "folder": "photos", "suffix": ".jpg"},
        "columns": {
            "image": "photo",
            "patient": "tree",
            "label": "species",
            "classes": list(SPECIES),
            "positive": None,
            "centre": None,
        },
    }
    (project.path / "conf" / "test" / "globals.yml").write_text(yaml.safe_dump(settings))
    project.variables["DAGSHUB_USER_TOKEN"] = leaf_sandbox.token
    return project


@pytest.mark.slow
def test_another_data_set_runs_by_configuration_alone(leaf_project, leaf_sandbox):
    result = leaf_project.kedro("run", "--env", "test")
    assert result.returncode == 0, result.stdout + result.stderr
    reported = leaf_project.path / "data" / "08_reporting"
    metrics = json.loads((reported / "metrics.json").read_text())
    assert metrics["patient_weighted_log_loss_constant"] == pytest.approx(np.log(3))
    assert 0 <= metrics["patient_auc"] <= 1
    predictions = pd.read_csv(leaf_project.path / "data" / "07_model_output" / "predictions.csv")
    np.testing.assert_allclose(
        predictions[[f"probability_{name}" for name in SPECIES]].sum(axis=1), 1, atol=1e-5
    )
    assert all(name in (reported / "report.html").read_text() for name in SPECIES)
    # A real repository: nothing is sent back unless the user asks for it.
    assert not (reported / "publication.json").exists()
    assert "publish is off" in " ".join(result.stdout.split())
    # Kedro-Viz measures datasets on its own, without our host and token: nobody else may be asked.
    assert "dagshub.com" not in result.stdout + result.stderr


CATALOG = """
_extra: ${repository_address:${globals:repository}}/extra
heights:
  type: pandas.ParquetDataset
  filepath: ${_extra}/heights.parquet
  credentials: dagshub
days:
  type: partitions.PartitionedDataset
  path: ${_extra}/days
  dataset: pandas.CSVDataset
  credentials: dagshub
"""


def test_tables_and_sound_stream_with_ordinary_datasets(leaf_project, leaf_sandbox, tmp_path):
    (leaf_project.path / "conf" / "test" / "catalog_extra.yml").write_text(CATALOG)
    script = """
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
import sys
bootstrap_project(sys.argv[1])
with KedroSession.create(sys.argv[1], env="test") as session:
    catalog = session.load_context().catalog
    print("heights", catalog.load("heights")["height_m"].tolist())
    print("days", sorted(load()["day"][0] for load in catalog.load("days").values()))
"""
    (leaf_project.path / "load.py").write_text(script)
    result = leaf_project.python("load.py", str(leaf_project.path))
    assert "heights [1.5, 2.5]" in result.stdout, result.stderr
    assert "days ['monday', 'tuesday']" in result.stdout, result.stderr

    address = "dagshub://ann/leaves@main/extra/birds.wav"
    options = {"host": leaf_sandbox.host, "token": leaf_sandbox.token, "cache_folder": str(tmp_path)}
    with fsspec.open(address, **options) as file, wave.open(file) as sound:
        assert sound.getnframes() == 800
