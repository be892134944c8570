"""The files that other tools read: citation, changelog, hooks, workflow, container."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import mayo_kedro
from tests.docs.commands import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
STEPS = WORKFLOW["jobs"]["test"]["steps"]
TOOLS = Path(sys.executable).parent


def test_the_citation_is_of_this_version_and_names_the_project_only():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # what the format asks for
    assert citation["cff-version"] == "1.2.0"
    assert (citation["title"], citation["license"]) == (PROJECT["name"], PROJECT["license"])
    assert citation["version"] == mayo_kedro.__version__
    assert citation["authors"] == [{"name": "The mayo-kedro contributors"}]


def test_the_changelog_has_this_version_and_known_headings():
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert versions[:2] == ["Unreleased", mayo_kedro.__version__]
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", mayo_kedro.__version__)


def test_hooks_use_the_tools_of_the_lock_and_nothing_from_elsewhere():
    assert [repository["repo"] for repository in HOOKS] == ["local"]
    for hook in HOOKS[0]["hooks"]:
        assert hook["language"] == "system"
        assert (TOOLS / hook["entry"].split()[0]).exists(), hook["id"]
    checks = (ROOT / "bin" / "test").read_text()
    for tool in ("ruff check", "ruff format", "mypy", "lint-imports"):
        assert tool in checks
        assert any(hook["entry"].startswith(tool) for hook in HOOKS[0]["hooks"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the hooks and what they read."""
    folder = tmp_path / "repository"
    detector = Path("src/mayo_kedro/runners/sending/token_detector.py")
    for file in (Path(".pre-commit-config.yaml"), Path("pyproject.toml"), detector):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def run_hooks(repository: Path, *hooks: str) -> list[int]:
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    own = {
        "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(repository.parent / "home"),
    }
    command = [str(TOOLS / "pre-commit"), "run", "--all-files"]
    return [
        subprocess.run(
            [*command, hook], cwd=repository, env={**os.environ, **own}, capture_output=True, check=False
        ).returncode
        for hook in hooks
    ]


def test_hooks_pass_what_is_in_order(repository):
    assert run_hooks(repository, "ruff", "ruff-format", "detect-secrets") == [0, 0, 0]


def test_hooks_stop_a_token_an_output_and_an_unused_import(repository):
    token = "0123456789abcdef" * 2 + "01234567"
    (repository / "settings.yml").write_text(f"dagshub_token: {token}\n")
    (repository / "module.py").write_text('"""A module."""\n\nimport os\n')
    output = {"output_type": "stream", "name": "stdout", "text": ["patient 1"]}
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "id": "a",
        "metadata": {},
        "outputs": [output],
        "source": [],
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (repository / "notebook.ipynb").write_text(json.dumps(notebook))
    assert run_hooks(repository, "detect-secrets", "ruff", "nbstripout") == [1, 1, 1]
    assert "patient 1" not in (repository / "notebook.ipynb").read_text()


def test_the_workflow_runs_what_ci_runs():
    runs = [step["run"] for step in STEPS if "run" in step]
    assert ".ci/run" in runs
    python = next(step["with"] for step in STEPS if "setup-python" in step.get("uses", ""))
    assert python == {"python-version": "3.11"}
    assert "python3.11" in (ROOT / "bin" / "_setup").read_text()
    kept = [step["with"]["path"] for step in STEPS if "upload-artifact" in step.get("uses", "")]
    assert kept == ["site/", "build/"]
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_the_dev_container_has_the_python_of_the_lock():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert re.search(r"/python:3\.11-", container["image"])
    assert "source bin/_setup" in container["postCreateCommand"]
    assert "/.venv/bin" in container["remoteEnv"]["PATH"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_set_up_that_fails_says_what_it_needs_and_leaves_the_terminal_open(tmp_path: Path, shell: str):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    project, tools, beside = tmp_path / "project", tmp_path / "tools", tmp_path / ".venv"
    shutil.copytree(ROOT / "bin", project / "bin")
    for folder in (tools, beside):
        folder.mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    (tools / "python3.11").write_text("#!/bin/sh\necho 'No module named pip' >&2; exit 1\n")
    (tools / "python3.11").chmod(0o755)
    done = subprocess.run(
        [shell, "-c", "source bin/_setup; echo status $?, in $PWD"],
        cwd=project,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"status 1, in {project}\n"
    assert "python3.11 with pip" in done.stderr.splitlines()[-1]
    assert beside.exists(), "zsh has no BASH_SOURCE, and its .venv was looked for in the folder above"
