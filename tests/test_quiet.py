import io
import logging
import subprocess
import sys

import pytest
from rich.console import Console

from mayo_kedro import progress, quiet
from tests.runners.watching.terminal import Terminal

IMPORT = """
import os, sys
from mayo_kedro.quiet import quieten
quieten()
os.write(2, b"before\\n")
import tensorflow
os.write(2, b"after\\n")
"""


@pytest.fixture
def quietened(monkeypatch):
    levels = {name: logging.getLogger(name).level for name in quiet.LEVELS}
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    quiet.quieten()
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_no_bar_is_shown_in_a_terminal_and_only_warnings_and_results_are_logged(
    quietened, monkeypatch, caplog
):
    shown = io.StringIO()
    monkeypatch.setattr(progress, "get_console", lambda: Console(file=shown, force_terminal=True))
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.0)
    caplog.set_level(logging.INFO)
    with progress.progress("Streaming images", 2) as advance:
        advance(2)
    logging.getLogger("kedro.runner").info("Completed node")
    logging.getLogger("mayo_kedro.hooks").warning("A warning")
    progress.results.info("A result")
    assert shown.getvalue() == ""
    assert caplog.messages == ["A warning", "A result"]


@pytest.mark.slow
def test_tensorflow_comes_without_a_word_and_what_others_write_is_seen():
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "before\nafter\n")


@pytest.mark.slow
def test_a_quiet_training_in_a_terminal_shows_its_result_only(project, sandbox):
    where = {
        "DAGSHUB_CLIENT_HOST": sandbox.host,
        "DAGSHUB_USER_TOKEN": sandbox.token,
        "MAYO_KEDRO_SANDBOX": f"{sandbox.owner}/{sandbox.name}",
    }
    command = ["-m", "kedro", "run", "--quiet", "--env", "test", "--pipelines", "modelling"]
    terminal = Terminal(*command, folder=project.path, variables={**project.variables, **where})
    code, shown = terminal.end()
    assert code == 0
    first, *others = [line.strip() for line in shown.splitlines() if line.strip()]
    assert first.endswith("Done.")
    assert [line.partition(":")[0] for line in others] == ["Models", "MLflow run", "Next"]
    assert list((project.path / "data").glob("06_models/fold_*.keras"))
