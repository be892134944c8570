"""What the nodes of a job get and give; each job is a process in an unpacked snapshot."""

import json

import numpy as np
import pandas as pd
import pytest
from kedro.io import MemoryDataset

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.manifest import read_failure, read_manifest
from mayo_kedro.runners.crossing.packing import unpack
from mayo_kedro.runners.in_job.job_folder import FAILURE, MANIFEST, RESULTS
from mayo_kedro.runners.sending.fingerprints import hash_file

from .small_project import make_small_project

HEAD = """
from kedro.pipeline import Node, Pipeline


def pipeline(*nodes, once=None):
    tags = {once: ["gpu", "first_machine"]}
    return Pipeline(
        [Node(*parts, name=parts[0].__name__, tags=tags.get(parts[0], ["gpu"])) for parts in nodes]
    )

"""


@pytest.fixture
def make(tmp_path):
    def make_project(nodes, **texts):
        return make_small_project(tmp_path / "project", HEAD + nodes, **texts)

    return make_project


def run(project, tmp_path, values=None, variables=None, **fields):
    job = project.send(tmp_path / "job", project.make_catalog(**(values or {})), **fields)
    return job, job.run(**(variables or {}))


def succeed(*args, **kwargs):
    job, result = run(*args, **kwargs)
    assert result.returncode == 0, result.stdout + result.stderr
    return job


def test_every_type_goes_there_and_comes_back(make, tmp_path):
    nodes = """
def echo(*values):
    return values


def create_pipeline():
    names = ["table", "series", "array", "arrays", "scalar", "plain", "raw"]
    return pipeline((echo, names, [f"{name}_again" for name in names]))
"""
    values = {
        "table": pd.DataFrame(
            {
                "image": ["006388", "2e3749", None],
                "label": pd.Categorical(["CE", "LAA", "CE"], ["LAA", "CE"], ordered=True),
                "at": pd.to_datetime(["2024-03-31 01:30"] * 3).tz_localize("Europe/Berlin"),
            },
            index=pd.Index(["x", "y", "z"], name="row"),
        ),
        "series": pd.Series([1, 2], name="n", dtype="int16"),
        "array": np.arange(6, dtype=np.float16).reshape(2, 3),
        "arrays": {"a/b": np.array(["006388"]), "file": np.zeros((0, 3))},
        "scalar": np.float32(0.1),
        "plain": {"nan": float("nan"), "text": "2e3749", "list": [1, None, True, -0.0]},
        "raw": b"\x00\xff",
    }
    job = succeed(make(nodes), tmp_path, values)
    packed = read_manifest(job.folder).packed
    back = {name: unpack(job.folder / RESULTS, packed[f"{name}_again"]) for name in values}
    pd.testing.assert_frame_equal(back["table"], values["table"], check_exact=True)
    pd.testing.assert_series_equal(back["series"], values["series"])
    assert (back["array"] == values["array"]).all()
    assert (back["array"].dtype, back["scalar"].dtype) == (np.float16, np.float32)
    assert list(back["arrays"]) == ["a/b", "file"]
    assert back["arrays"]["file"].shape == (0, 3)
    assert back["scalar"] == values["scalar"]
    assert repr(back["plain"]) == repr(values["plain"])
    assert back["raw"] == values["raw"]


PARAMETERS = """
training:
  epochs: 5
  rate: 0.001
  name: base
  folds: [0, 1]
untouched: 7
"""


def test_the_senders_parameters_count_and_keep_their_types(make, tmp_path):
    nodes = """
def look(training, untouched):
    return {"training": training, "untouched": untouched}


def create_pipeline():
    return pipeline((look, ["params:training", "params:untouched"], "seen"))
"""
    training = {"epochs": 1, "rate": 1e-05, "name": "2e3749", "folds": ["006388", "null", "on", ": #"]}
    values = {"params__training": training, "params__untouched": 7}
    job = succeed(make(nodes, parameters=PARAMETERS), tmp_path, values)
    assert job.read_json(f"{RESULTS}/seen.json") == {"training": training, "untouched": 7}


CATALOG = """
table:
  type: pandas.CSVDataset
  filepath: data/01_raw/table.csv
  load_args: {dtype: str}
history:
  type: pandas.CSVDataset
  filepath: data/07_model_output/history.csv
"{name}_models":
  type: partitions.PartitionedDataset
  path: data/06_models
  filename_suffix: .txt
  overwrite: true
  dataset: {type: text.TextDataset}
"""
FILES = """
def train(table):
    ids = list(table["image"])
    return {name: f"model of {name}" for name in ids}, table, len(ids), ids


def check(count, ids):
    assert count == len(ids)
    return "checked"


def describe(ids):
    return str(ids)


def create_pipeline():
    outside = Pipeline([Node(describe, "ids", "later", name="later")])
    return outside + pipeline(
        (train, "table", ["fold_models", "history", "count", "ids"]),
        (check, ["count", "ids"], "verdict"),
        once=check,
    )
"""


def prepare_files(make):
    project = make(FILES, catalog=CATALOG)
    (project.path / "data/01_raw").mkdir(parents=True)
    (project.path / "data/01_raw/table.csv").write_text("image\n006388\n2e3749\n")
    return project


def test_declared_files_go_there_and_come_back_with_their_hashes_and_hooks_fire(make, tmp_path):
    job = succeed(prepare_files(make), tmp_path)
    manifest = read_manifest(job.folder)
    models = manifest.files["fold_models"]
    assert [file.path for file in models] == ["data/06_models/006388.txt", "data/06_models/2e3749.txt"]
    assert job.read(models[0].artifact) == "model of 006388"
    (history,) = manifest.files["history"]
    assert (history.path, history.artifact) == (
        "data/07_model_output/history.csv",
        f"{RESULTS}/history/history.csv",
    )
    for file in (*models, history):
        artifact = job.folder / file.artifact
        assert (hash_file(artifact), artifact.stat().st_size) == (file.sha256, file.bytes)
    assert set(manifest.files) == {"fold_models", "history"}
    # "ids" is read inside the job and outside of it; "count" inside only.
    assert set(manifest.packed) == {"ids", "verdict"}
    assert unpack(job.folder / RESULTS, manifest.packed["ids"]) == ["006388", "2e3749"]
    assert job.read("outputs/hooks.txt").splitlines() == ["ran train", "ran check"], "Kedro's hooks fire"


@pytest.mark.slow
def test_after_a_preemption_the_job_starts_anew_and_keeps_its_checkpoints(make, tmp_path):
    project = prepare_files(make)
    job = project.send(tmp_path / "job", project.make_catalog())
    for path in ("checkpoints/fold_0", "results/history/old.csv", "results/failure.json"):
        (job.folder / "outputs" / path).parent.mkdir(parents=True, exist_ok=True)
        (job.folder / "outputs" / path).write_text("{}")
    assert job.run().returncode == 0
    assert job.run().returncode == 0, "a second start in the same folder"
    assert (job.folder / "outputs/checkpoints/fold_0").exists()
    assert not (job.folder / RESULTS / "history/old.csv").exists()
    assert not (job.folder / FAILURE).exists()
    assert len(read_manifest(job.folder).files["fold_models"]) == 2


def test_a_machine_that_is_not_the_chief_saves_nothing_and_leaves_out_what_is_done_once(make, tmp_path):
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    job, result = run(prepare_files(make), tmp_path, variables={"TF_CONFIG": json.dumps(cluster)})
    assert result.returncode == 0, result.stderr
    assert job.read("outputs/hooks.txt").splitlines() == ["ran train"]
    assert not (job.folder / RESULTS).exists()
    assert [path.name for path in (job.folder / "data").rglob("*.*")] == ["table.csv"]


FAILING = """
import os


def prepare(value):
    return value


def train(value):
    print("about to fail")
    raise ValueError(f"no loss with {value} and " + os.environ.get("MY_TOKEN", ""))


def create_pipeline():
    return pipeline((prepare, "value", "ready"), (train, "ready", "model"))
"""


CONTEXT = """
class Secrets:
    def secret(self, name):
        return "a-value-that-" + "nobody-may-see"
"""


def test_a_failing_node_leaves_its_traceback_and_its_name_but_no_secret_and_no_manifest(make, tmp_path):
    project = make(FAILING)
    (project.path / "src/small/context.py").write_text(CONTEXT)
    fields = {"context": "small.context.Secrets", "secrets": {"MY_TOKEN": "name"}}
    job, result = run(project, tmp_path, {"value": 3}, **fields)
    assert result.returncode == 1
    assert "about to fail" in result.stdout
    assert "no loss with 3" in result.stdout + result.stderr
    failure = read_failure(job.folder)
    assert (failure.type, failure.node) == ("ValueError", "train")
    assert failure.message == "no loss with 3 and ***"
    assert "src/small/nodes.py" in failure.traceback
    assert "a-value-that-nobody-may-see" not in job.read(FAILURE)
    assert not (job.folder / MANIFEST).exists()
    assert job.read("outputs/hooks.txt").splitlines() == ["ran prepare", "failed train"]


MISTAKES = {
    "a mistake of the user": ('raise UserError("The table has no rows.", "Add some.")', "no rows"),
    "an output without an open format": ("return {'a': (1, 2)}", "'made' lives in memory only"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_told_in_words(kind, make, tmp_path):
    body, words = MISTAKES[kind]
    nodes = f"""
from mayo_kedro.errors import UserError


def train(value):
    {body}


def create_pipeline():
    return pipeline((train, "value", "made"))
"""
    job, result = run(make(nodes), tmp_path, {"value": 3})
    assert result.returncode == 1
    failure = read_failure(job.folder)
    assert words in failure.message
    assert (failure.type, failure.node, failure.traceback) == ("UserError", "train", "")
    assert words in " ".join((result.stdout + result.stderr).split())
    assert "Traceback" not in result.stderr


ECHO = """
def echo(value):
    return value


def create_pipeline():
    return pipeline((echo, "value", "made"))
"""


@pytest.mark.slow
def test_a_fault_before_the_first_node_is_written_down_too(make, tmp_path):
    job, result = run(make(ECHO), tmp_path, {"value": 3}, pipelines=("unknown",))
    assert result.returncode != 0
    assert "the last lines of the log say why" in read_failure(job.folder).message
    assert "There is no pipeline 'unknown'" in result.stdout + result.stderr


@pytest.mark.slow
def test_a_damaged_input_is_not_used(make, tmp_path):
    project = make(ECHO)
    job = project.send(tmp_path / "job", project.make_catalog(value=[1, 2]))
    (job.folder / "job/inputs/value.json").write_text("[1, 3]")
    assert job.run().returncode == 1
    assert "'value', is damaged" in read_failure(job.folder).message


def test_what_has_no_open_format_is_refused_before_it_is_sent(make, tmp_path):
    project = make(ECHO)
    with pytest.raises(UserError, match="value: it is in memory only"):
        project.send(tmp_path / "job", project.make_catalog(value=MemoryDataset(object())))
    assert not (tmp_path / "job").exists()
