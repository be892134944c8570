"""Fills the page: one HTML file that needs nothing else."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def render_report(content: Mapping[str, Any]) -> str:
    """Fill the page.

    Args:
        content: what report.html and its parts name; a missing name is an error.
    """
    return _template().render(content)


@cache
def _template() -> Template:
    loader = PackageLoader("mayo_kedro.pipelines.reporting.page", "")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html")
