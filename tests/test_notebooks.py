"""The notebooks run to their end in Kedro's kernel, on the results of a finished run."""

import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from mayo_kedro.sandbox.command import make_environment, read_exports
from mayo_kedro.sandbox.process import Sandbox, start

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KERNEL = "kedro_mayo_kedro"


@pytest.fixture
def kernel(finished_project: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kernel that `kedro jupyter lab` would install for the user, in a folder of this test."""
    exports = read_exports(sandbox.host, sandbox.token, f"{sandbox.owner}/{sandbox.name}")
    specification = {
        "display_name": "Kedro (mayo_kedro)",
        "language": "python",
        "argv": [
            sys.executable,
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            "--ext",
            "kedro.ipython",
        ],
        "env": {
            **make_environment(exports, {}),
            "KEDRO_ENV": "test",
            "MAYO_CACHE_DIR": str(finished_project / "cache"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
        },
    }
    folder = tmp_path / "jupyter" / "kernels" / KERNEL
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return KERNEL


def execute(name: str, project: Path, kernel: str) -> NotebookNode:
    notebook = nbformat.read(project / "notebooks" / name, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,  # a cell that trains, on a machine with other work
        kernel_name=kernel,
        resources={"metadata": {"path": str(project / "notebooks")}},
    )
    try:
        return client.execute()
    except CellExecutionError as error:  # which is empty, as Kedro has rich draw the tracebacks
        raise AssertionError(printed(notebook)[-4000:]) from error


def printed(notebook: NotebookNode) -> str:
    """All text that the cells print or show, tables as plain text, without colours."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(texts))


def count_pictures(notebook: NotebookNode) -> int:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_look_at_the_data(finished_project: Path, kernel: str) -> None:
    notebook = execute("01_look_at_the_data.ipynb", finished_project, kernel)
    text = printed(notebook)
    assert "All three ways give the same" in text
    assert "Split by_patient · 0 patients on both sides" in text
    assert count_pictures(notebook) == 1


def test_look_inside_the_model(finished_project: Path, kernel: str) -> None:
    notebook = execute("03_look_inside_the_model.ipynb", finished_project, kernel)
    text = printed(notebook)
    assert "fold_0" in text
    assert re.search(r"most evidence for +-?\d", text)
    assert count_pictures(notebook) >= 1


@pytest.mark.slow
def test_train_on_azure(finished_project: Path, small_sample: Path, kernel: str, tmp_path: Path) -> None:
    project = make_sendable(finished_project, tmp_path / "project")
    # The repository that the finished run read: its commit is noted there.
    with start(project / ".sandbox", seed=small_sample, azure=True) as rehearsal:
        exports = read_exports(rehearsal.host, rehearsal.token, f"{rehearsal.owner}/{rehearsal.name}")
        change_kernel(
            tmp_path, {**exports, **rehearsal.azure.variables, "HOME": str(tmp_path), "KEDRO_ENV": ""}
        )
        notebook = execute("02_train_on_azure.ipynb", project, kernel)
    text, widgets = printed(notebook), find_widgets(notebook)
    assert "workspace rehearsal" in text
    assert "Completed" in widgets[-1]
    assert "fold_0/val_loss" in text
    assert "outputs/results/manifest.json" in text
    assert "Models: fold_0" in text
    assert len(list((project / "data" / "06_models").glob("*.keras"))) == 1


def make_sendable(finished_project: Path, project: Path) -> Path:
    """A finished project with what travels to a job, small parameters, and no model yet."""
    shutil.copytree(finished_project, project, ignore=shutil.ignore_patterns("06_models", "cache"))
    shutil.copytree(ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for path in [ROOT / "pyproject.toml", *ROOT.glob("requirements*.lock")]:
        shutil.copy(path, project)
    shutil.copy(project / "conf" / "test" / "parameters_modelling.yml", project / "conf" / "azure")
    return project


def change_kernel(folder: Path, variables: dict[str, str]) -> None:
    path = folder / "jupyter" / "kernels" / KERNEL / "kernel.json"
    specification = json.loads(path.read_text())
    specification["env"] |= variables
    path.write_text(json.dumps(specification))


def find_widgets(notebook: NotebookNode) -> list[str]:
    """The tables of jobs, as they were left."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    return [page for page in pages if 'aria-label="Jobs"' in page]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_kept_without_outputs(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].cell_type == "markdown"
    assert all(
        not cell.outputs and cell.execution_count is None for cell in cells if cell.cell_type == "code"
    )
