"""A service with damaged data, and a check that a mistake is told in a line or two."""

import io
import re
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from mayo_kedro.sandbox.process import start


@pytest.fixture(scope="session")
def faulty_sandbox(tmp_path_factory, small_sample):
    """A service whose repository holds a good data set beside damaged ones."""
    folder = tmp_path_factory.mktemp("faulty") / "seed"
    shutil.copytree(small_sample, folder)
    table = pd.read_csv(folder / "train.csv", dtype=str)
    first = table["image_id"][0]
    for name, body in {
        "truncated": (folder / "images" / f"{first}.png").read_bytes()[:2000],
        "text": b"this is a text\n" * 50,
    }.items():
        shutil.copytree(folder / "images", folder / f"images_{name}")
        (folder / f"images_{name}" / f"{first}.png").write_bytes(body)
    table.drop(columns="label").to_csv(folder / "no_label.csv", index=False)
    table[table["label"] == "CE"].to_csv(folder / "one_class.csv", index=False)
    table.assign(patient_id=table["patient_id"][0]).to_csv(folder / "one_patient.csv", index=False)
    extra = table.assign(image_id=table["image_id"].where(table.index > 0, "absent_0"))
    extra.to_csv(folder / "absent_image.csv", index=False)
    weights = folder / "pretrained_efficientnet"
    weights.mkdir()
    (weights / "empty.h5").write_bytes(b"")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file.create_group("dense").attrs["weight_names"] = [b"dense/kernel"]
        file["dense"]["dense/kernel"] = np.zeros((3, 3), np.float32)
    (weights / "other.h5").write_bytes(buffer.getvalue())
    with start(tmp_path_factory.mktemp("state"), seed=folder) as running:
        yield running


@pytest.fixture
def configured(project, faulty_sandbox):
    """A project whose `repository` is the faulty sandbox's, as if it were a real one."""

    def configure(**settings):
        repository = {
            "host": faulty_sandbox.host,
            "owner": faulty_sandbox.owner,
            "name": faulty_sandbox.name,
            "branch": faulty_sandbox.branch,
        }
        repository |= settings.pop("repository", {})
        (project.path / "conf" / "test" / "globals.yml").write_text(
            yaml.safe_dump({"repository": repository, **settings})
        )
        project.variables["DAGSHUB_USER_TOKEN"] = faulty_sandbox.token
        return project

    return configure


@pytest.fixture
def assert_told(configured):
    """Run with settings, arguments and variables; the error must name the setting and the remedy."""

    def check(settings, arguments, variables, expected):
        project = configured(**{name: dict(value) for name, value in settings.items()})
        result = project.kedro("run", "--env", "test", *arguments, **variables)
        output = result.stdout + result.stderr
        assert result.returncode == 1, output
        assert re.search(expected, result.stderr), output
        assert "Traceback" not in output, output
        error = result.stderr[result.stderr.index("Error: ") :]
        assert len(error.strip().splitlines()) <= 3, error
        assert project.variables["DAGSHUB_USER_TOKEN"] not in output
        assert "hunter2" not in output
        assert not list((project.path / "data").glob("06_models/*")), "a model was saved"
        assert not list((project.path / "data").glob("08_reporting/metrics.json"))

    return check
