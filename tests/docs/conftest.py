"""The documentation's site, built once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import made_once
from tests.docs.commands import ROOT


@pytest.fixture(scope="session")
def site(shared_folder: Path) -> Path:
    """The site's folder, made by the documented command."""

    def build(folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
            cwd=ROOT,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(shared_folder / "site", build)
