"""A small Kedro project that carries this package in its src/, as a snapshot does, and jobs of it."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from kedro.io import DataCatalog

from mayo_kedro.runners.crossing.boundary import inspect_boundary
from mayo_kedro.runners.crossing.crossings import Boundary, Way
from mayo_kedro.runners.crossing.locations import is_kept
from mayo_kedro.runners.crossing.packing import pack
from mayo_kedro.runners.grouping import NodeGroup, group_nodes
from mayo_kedro.runners.in_job.job_folder import COMMAND, INPUTS
from mayo_kedro.runners.sending.request import JobRequest, write_request
from mayo_kedro.runners.sending.staging import StagedProject, stage_project

ROOT = Path(__file__).resolve().parents[3]

SETTINGS = """
from kedro.framework.hooks import hook_impl
from mayo_kedro.session import MayoSession


class Hooks:
    @hook_impl
    def after_node_run(self, node):
        with open("outputs/hooks.txt", "a") as file:
            print("ran", node.name, file=file)

    @hook_impl
    def on_node_error(self, error, node):
        with open("outputs/hooks.txt", "a") as file:
            print("failed", node.name, file=file)


HOOKS = (Hooks(),)
SESSION_CLASS = MayoSession
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow", "kedro_viz", "kedro_telemetry")
"""

REGISTRY = """
from small.nodes import create_pipeline


def register_pipelines():
    return {"__default__": create_pipeline(), "other": create_pipeline()}
"""


@dataclass
class SmallProject:
    """The project, on the side that sends."""

    path: Path
    variables: dict[str, str] = field(default_factory=dict)

    def load_pipeline(self) -> Any:
        """The pipeline, in this process."""
        spec = importlib.util.spec_from_file_location("small_nodes", self.path / "src/small/nodes.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.create_pipeline()

    def make_catalog(self, **values: Any) -> DataCatalog:
        """The catalog, with values in memory."""
        config = yaml.safe_load((self.path / "conf/base/catalog.yml").read_text()) or {}
        for entry in config.values():
            for key in ("filepath", "path"):
                if key in entry:
                    entry[key] = str(self.path / entry[key])
        catalog = DataCatalog.from_config(config)
        for name, value in values.items():
            catalog[name.replace("params__", "params:")] = value
        return catalog

    def find_group(self, catalog: DataCatalog) -> NodeGroup:
        """The one group of tagged nodes."""
        pipeline = self.load_pipeline()
        kept = {name for name in pipeline.datasets() if is_kept(catalog, name)}
        (group,) = group_nodes(pipeline, ["gpu"], kept)
        return group

    def send(self, target: Path, catalog: DataCatalog, **fields: Any) -> "Job":
        """Stage everything that a job needs; as it arrives there it is a folder of its own."""
        group = self.find_group(catalog)
        boundary = inspect_boundary(group, catalog, self.path)
        staged = stage_project(self.path, target, boundary.data_files)
        write_request(make_request(group, boundary, staged, catalog, fields), target)
        return Job(target, dict(self.variables))


def make_request(
    group: NodeGroup, boundary: Boundary, staged: StagedProject, catalog: DataCatalog, fields: dict[str, Any]
) -> JobRequest:
    in_memory = [crossing.name for crossing in boundary.inputs if crossing.way is Way.PACKED]
    known = {
        "nodes": tuple(node.name for node in group.nodes),
        "params": boundary.parameters,
        "fingerprints": staged.fingerprints,
        "files": staged.files,
        "inputs": tuple(pack(catalog.load(name), staged.folder / INPUTS, name) for name in in_memory),
        "outputs": boundary.outputs,
    }
    return JobRequest(**{**known, **fields})


@dataclass
class Job:
    """An unpacked snapshot."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *python: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it as a service does: with nothing of this process but the interpreter."""
        return subprocess.run(
            [*(python or (sys.executable,)), *COMMAND[1:]],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def read(self, path: str) -> str:
        return (self.folder / path).read_text()

    def read_json(self, path: str) -> Any:
        return json.loads(self.read(path))


def make_small_project(folder: Path, nodes: str, catalog: str = "", parameters: str = "") -> SmallProject:
    """Write a project.

    Args:
        folder: where.
        nodes: source of its nodes, with create_pipeline().
        catalog: its catalog.
        parameters: its parameters.
    """
    texts = {
        "pyproject.toml": (
            '[tool.kedro]\npackage_name = "small"\nproject_name = "small"\nkedro_init_version = "1.7.0"\n'
            'source_dir = "src"\n'
        ),
        "requirements.lock": "kedro==1.7.0\n",
        ".telemetry": "consent: false\n",
        "conf/base/catalog.yml": catalog,
        "conf/base/parameters.yml": parameters,
        "conf/base/credentials.yml": "",
        "conf/azure/parameters.yml": "",
        "src/small/__init__.py": "",
        "src/small/settings.py": SETTINGS,
        "src/small/pipeline_registry.py": REGISTRY,
        "src/small/nodes.py": nodes,
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    shutil.copytree(
        ROOT / "src/mayo_kedro", folder / "src/mayo_kedro", ignore=shutil.ignore_patterns("__pycache__")
    )
    return SmallProject(folder)
