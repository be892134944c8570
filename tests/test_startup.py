"""The measurement of a start runs, whatever the numbers are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.bare_project import make_bare_project
from benchmarks.startup import main

COMMAND = "registry list"


@pytest.mark.slow
def test_a_start_is_measured_in_both_projects(tmp_path):
    assert (
        main(["--tiny", "--commands", COMMAND, "--output", str(tmp_path), "--workspace", str(tmp_path)]) == 0
    )
    (row,) = json.loads((tmp_path / "startup.json").read_text())["rows"]
    for project in ("bare", "mayo-kedro"):
        (measured,) = row[project]
        assert measured["seconds"] > 0
        assert measured["cpu_seconds"] > 0
    table = (tmp_path / "startup.md").read_text()
    assert f"| `kedro {COMMAND}` |" in table
    assert {path.name for path in tmp_path.iterdir()} == {"startup.json", "startup.md"}


def test_tiny_numbers_take_no_results_place():
    with pytest.raises(SystemExit):
        main(["--tiny"])


@pytest.mark.slow
def test_the_bare_project_runs(tmp_path: Path):
    bare = make_bare_project(tmp_path / "bare", rows=5)
    command = [sys.executable, "-m", "kedro", "run", "--pipelines", "data_processing"]
    done = subprocess.run(command, cwd=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (bare / "data" / "03_primary" / "model_input_table.pq").exists()
