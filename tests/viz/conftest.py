"""Kedro-Viz after a finished run, and a browser that looks at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Page, browse
from tests.viz.running_viz import Viz, serve


@pytest.fixture(scope="session")
def viz(
    finished_project: Path, small_sample: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Viz]:
    """Kedro-Viz for all tests of this worker."""
    with serve(finished_project, small_sample, tmp_path_factory.mktemp("viz") / "log.txt") as running:
        yield running


@pytest.fixture(scope="session")
def page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One tab for all tests of this worker."""
    with browse(chromium, tmp_path_factory.mktemp("chromium") / "profile") as page:
        yield page
