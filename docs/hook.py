"""MkDocs' hook: adds the pages made from the code, and lists the decisions and benchmarks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from reference_pages import catalog, commands, mistakes, settings

PAGES: dict[str, Callable[[Path], str]] = {
    "reference/settings.md": settings.write_page,
    "reference/catalog.md": catalog.write_page,
    "reference/commands.md": commands.write_page,
    "reference/errors.md": mistakes.write_page,
}
"""The generated pages, each from the project's folder."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of a folder where the navigation names the folder."""
    config.nav = _list_folders(config.nav or [], Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    project = Path(config.docs_dir).parent
    for name, write_page in PAGES.items():
        files.append(File.generated(config, name, content=write_page(project)))
    return files


def _list_folders(entries: list[Any], docs: Path) -> list[Any]:
    return [
        {title: _list_folder(docs, target) for title, target in entry.items()}
        if isinstance(entry, dict)
        else entry
        for entry in entries
    ]


def _list_folder(docs: Path, target: Any) -> Any:
    if not isinstance(target, str) or not target.endswith("/"):
        return target
    return [page.relative_to(docs).as_posix() for page in sorted((docs / target).glob("*.md"))]
