"""How each dataset of a group gets to a job, and what is refused before anything is sent."""

import json
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io import AbstractDataset, DataCatalog, DatasetError, MemoryDataset
from kedro.pipeline import Node, Pipeline
from pydantic import BaseModel

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.boundary import inspect_boundary
from mayo_kedro.runners.crossing.crossings import Way
from mayo_kedro.runners.crossing.locations import is_kept
from mayo_kedro.runners.grouping import group_nodes

ROOT = Path(__file__).resolve().parents[3]
PARTITIONS = {
    "type": "partitions.PartitionedDataset",
    "filename_suffix": ".txt",
    "dataset": {"type": "text.TextDataset"},
}


def work(*values):
    return values


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path


def group_of(inputs, outputs, declared=()):
    return group_nodes(
        Pipeline([Node(work, inputs, outputs, name="train", tags=["gpu"])]), ["gpu"], declared
    )[0]


def make_catalog(project, **entries):
    """As Kedro makes it, with paths that are absolute already."""
    config = {
        name: {
            key: str(project / value) if key in ("filepath", "path") and "://" not in value else value
            for key, value in entry.items()
        }
        for name, entry in entries.items()
    }
    return DataCatalog.from_config(config)


def ways(crossings):
    return {crossing.name: crossing.way for crossing in crossings}


class HandleDataset(AbstractDataset):
    def __init__(self, *, greeting="hello"):
        self._greeting = greeting

    def load(self):
        return self._greeting

    def save(self, data):
        raise DatasetError("A greeting is only loaded.")

    def _describe(self):
        return {}


def test_each_kind_of_dataset_has_its_way(project):
    catalog = make_catalog(
        project,
        table={"type": "pandas.CSVDataset", "filepath": "data/table.csv"},
        parts={**PARTITIONS, "path": "data/parts"},
        image={"type": "text.TextDataset", "filepath": "dagshub:///owner/name/image.txt"},
        cached={"type": "CachedDataset", "dataset": {"type": "text.TextDataset", "filepath": "data/x"}},
        result={"type": "json.JSONDataset", "filepath": "data/result.json"},
    )
    catalog["monitor"] = HandleDataset()
    catalog["recent"] = MemoryDataset(pd.DataFrame({"a": [1]}))
    for path in ("data/table.csv", "data/parts/a.txt", "data/parts/deep/b.txt", "data/parts/c.other"):
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text("x")
    group = group_of(["table", "parts", "image", "monitor", "recent"], ["result", "loose"])
    boundary = inspect_boundary(group, catalog, project)
    assert ways(boundary.inputs) == {
        "table": Way.FILE,
        "parts": Way.FILE,
        "image": Way.REACHABLE,
        "monitor": Way.HANDLE,
        "recent": Way.PACKED,
    }
    assert ways(boundary.outputs) == {"result": Way.FILE, "loose": Way.PACKED}
    travelling = sorted(path.as_posix() for path in boundary.data_files)
    assert travelling == ["data/parts/a.txt", "data/parts/deep/b.txt", "data/table.csv"]
    assert {crossing.path for crossing in boundary.outputs} == {"data/result.json", ""}


def test_the_file_behind_a_cache_travels(project, monkeypatch):
    monkeypatch.chdir(project)
    (project / "data/table.csv").write_text("a\n1\n")
    config = {"type": "CachedDataset", "dataset": {"type": "pandas.CSVDataset", "filepath": "data/table.csv"}}
    boundary = inspect_boundary(
        group_of(["table"], ["y"]), DataCatalog.from_config({"table": config}), project
    )
    assert [path.as_posix() for path in boundary.data_files] == ["data/table.csv"]


def test_every_problem_is_told_at_once_with_what_helps(project, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "table.csv"
    outside.write_text("a\n1\n")
    catalog = make_catalog(
        project,
        outside={"type": "pandas.CSVDataset", "filepath": str(outside)},
        missing={"type": "pandas.CSVDataset", "filepath": "data/missing.csv"},
        versioned={"type": "pandas.CSVDataset", "filepath": "data/v.csv", "versioned": True},
        volatile={"type": "text.TextDataset", "filepath": "memory://x.txt"},
        hidden={"type": "text.TextDataset", "filepath": "conf/local/x.txt"},
        versions={
            **PARTITIONS,
            "path": "data/parts",
            "dataset": {"type": "text.TextDataset", "versioned": True},
        },
    )
    catalog["thing"] = MemoryDataset(object())
    group = group_of(
        ["outside", "missing", "volatile", "hidden", "thing", "nothing"], ["versioned", "versions"]
    )
    with pytest.raises(UserError) as refused:
        inspect_boundary(group, catalog, project)
    told = refused.value.what
    for name in (*group.inputs, *group.outputs):
        assert f"\n- {name}: " in told
    for words in (
        "outside of the project",
        "data/missing.csv is missing",
        "`versioned: true`",
        "no open format",
    ):
        assert words in told
    assert "nothing was sent" in refused.value.remedy


def test_what_an_earlier_node_will_make_need_not_be_there_yet(project):
    catalog = make_catalog(project, table={"type": "pandas.CSVDataset", "filepath": "data/table.csv"})
    group = group_of(["table", "loose"], ["y"])
    boundary = inspect_boundary(group, catalog, project, awaited=["table", "loose"])
    assert ways(boundary.inputs) == {"table": Way.FILE, "loose": Way.PACKED}
    assert boundary.data_files == ()


def test_an_empty_folder_is_missing(project):
    (project / "data/parts").mkdir()
    catalog = make_catalog(project, parts={**PARTITIONS, "path": "data/parts"})
    with pytest.raises(UserError, match="data/parts is missing"):
        inspect_boundary(group_of(["parts"], ["y"]), catalog, project)


def test_a_file_on_a_larger_disk_behind_a_link_travels(project, tmp_path_factory):
    disk = tmp_path_factory.mktemp("disk")
    (disk / "table.csv").write_text("a\n1\n")
    (project / "data/large").symlink_to(disk)
    catalog = make_catalog(project, table={"type": "pandas.CSVDataset", "filepath": "data/large/table.csv"})
    boundary = inspect_boundary(group_of(["table"], ["y"]), catalog, project)
    assert [path.as_posix() for path in boundary.data_files] == ["data/large/table.csv"]


LOGIN = {"account_name": "account", "account_key": "TOPSECRETVALUE"}


def remote(credentials):
    entry = {"type": "text.TextDataset", "filepath": "dagshub:///o/n/x", "credentials": "login"}
    return DataCatalog.from_config({"far": entry}, {"login": credentials})


def test_a_login_that_does_not_travel_is_refused_without_showing_it(project):
    with pytest.raises(UserError) as refused:
        inspect_boundary(group_of(["far"], ["y"]), remote({"token": "TOPSECRETVALUE"}), project)
    assert "far" in str(refused.value)
    assert "`token`" in str(refused.value)
    assert "TOPSECRETVALUE" not in str(refused.value)


def test_the_login_of_partitions_is_looked_at_too(project):
    entry = {**PARTITIONS, "path": "dagshub:///o/n/parts", "credentials": "login"}
    catalog = DataCatalog.from_config({"far": entry}, {"login": {"inner": LOGIN}})
    with pytest.raises(UserError, match="`account_key`"):
        inspect_boundary(group_of(["far"], ["y"]), catalog, project)


class FarDataset(HandleDataset):
    def __init__(self, *, filepath, credentials=None):
        super().__init__()


class InheritingDataset(FarDataset):
    pass


class AgainInheritingDataset(InheritingDataset):
    pass


@pytest.mark.parametrize("kind", [FarDataset, InheritingDataset, AgainInheritingDataset])
def test_place_and_login_are_found_of_a_class_that_inherits_its_constructor(kind, project):
    group = group_of(["far"], ["y"])
    catalog = DataCatalog({"far": kind(filepath="abfs://container/x")})
    assert ways(inspect_boundary(group, catalog, project).inputs) == {"far": Way.REACHABLE}
    catalog = DataCatalog({"far": kind(filepath="abfs://container/x", credentials=LOGIN)})
    with pytest.raises(UserError, match="`account_key`"):
        inspect_boundary(group, catalog, project)


def test_a_login_that_travels_or_is_empty_is_accepted(project, monkeypatch):
    monkeypatch.setenv("DAGSHUB_USER_TOKEN", "TOPSECRETVALUE")
    for credentials in ({"token": "TOPSECRETVALUE", "host": "http://x"}, {"token": None}):
        boundary = inspect_boundary(
            group_of(["far"], ["y"]), remote(credentials), project, secrets=["DAGSHUB_USER_TOKEN"]
        )
        assert ways(boundary.inputs) == {"far": Way.REACHABLE}


class Training(BaseModel):
    epochs: int
    folds: list[int] | str = "all"


@dataclass
class Other:
    seed: int


def test_parameters_are_resolved_nested_and_plain_again(project):
    catalog = DataCatalog(
        {
            "params:training": MemoryDataset(Training(epochs=3)),
            "params:training.extra.deep": MemoryDataset([1, None, "2e3749"]),
            "params:other": MemoryDataset(Other(seed=1)),
        }
    )
    group = group_of(["params:training", "params:training.extra.deep", "params:other"], ["y"])
    boundary = inspect_boundary(group, catalog, project)
    assert boundary.inputs == ()
    assert boundary.parameters == {
        "training": {"epochs": 3, "folds": "all", "extra": {"deep": [1, None, "2e3749"]}},
        "other": {"seed": 1},
    }


def test_all_parameters_travel_where_a_node_reads_all(project):
    catalog = DataCatalog({"parameters": MemoryDataset({"a": {"b": 1}}), "params:a": MemoryDataset({"c": 2})})
    boundary = inspect_boundary(group_of(["parameters", "params:a"], ["y"]), catalog, project)
    assert boundary.parameters == {"a": {"b": 1, "c": 2}}


@pytest.mark.parametrize("value", [np.zeros(2), object(), {1: 2}, {"a": ["${oc.env:HOME}"]}])
def test_a_parameter_that_is_no_plain_value_is_refused(value, project):
    with pytest.raises(UserError, match="params:odd"):
        inspect_boundary(
            group_of(["params:odd"], ["y"]), DataCatalog({"params:odd": MemoryDataset(value)}), project
        )


def test_what_is_declared_is_kept_and_what_is_in_memory_is_not(project):
    catalog = make_catalog(
        project,
        table={"type": "pandas.CSVDataset", "filepath": "data/table.csv"},
        short={"type": "MemoryDataset"},
    )
    kept = [name for name in ("table", "short", "undeclared") if is_kept(catalog, name)]
    assert kept == ["table"]


@pytest.mark.slow
def test_the_tagged_nodes_of_this_project_can_travel():
    """With the project's own catalog, whose images and weights stream and whose splits are a file."""
    code = """
        import json
        from pathlib import Path
        from kedro.framework.project import pipelines
        from kedro.framework.session import KedroSession
        from kedro.framework.startup import bootstrap_project
        from mayo_kedro.runners.crossing.boundary import inspect_boundary
        from mayo_kedro.runners.grouping import group_nodes
        from mayo_kedro.runners.crossing.locations import is_kept

        project = Path.cwd()
        bootstrap_project(project)
        with KedroSession.create(project, env="test") as session:
            catalog = session.load_context().catalog
            pipeline = pipelines["modelling"] + pipelines["data_processing"]
            kept = {name for name in pipeline.datasets() if is_kept(catalog, name)}
            awaited = pipeline.all_outputs()
            found = {}
            for group in group_nodes(pipeline, ["gpu"], kept):
                boundary = inspect_boundary(group, catalog, project, awaited)
                crossings = (*boundary.inputs, *boundary.outputs)
                found.update({crossing.name: crossing.way for crossing in crossings})
                found.update(boundary.parameters)
        print(json.dumps(found))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["splits"] == "file"
    assert found["clot_images"] == found["backbone_weights"] == "reachable"
    assert found["modelling"]["image_size"] == 64
