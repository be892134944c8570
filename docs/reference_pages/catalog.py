"""The catalog classes, from their docstrings; mkdocstrings reads them without importing what they need."""

import ast
from pathlib import Path

INTRODUCTION = """# Catalog classes

What kedro-datasets has none for. Everything else in `conf/base/catalog_*.yml` is a class of kedro-datasets,
whose `filepath` may be a `dagshub://` address too. The classes work in other Kedro projects as well, once
this package is installed there.
"""

BLOCK = """
::: mayo_kedro.datasets.{name}
    options:
      heading_level: 2
"""


def write_page(project: Path) -> str:
    """The page in Markdown.

    Args:
        project: the project's folder.
    """
    names = read_exports(project / "src/mayo_kedro/datasets/__init__.py")
    return INTRODUCTION + "".join(BLOCK.format(name=name) for name in names)


def read_exports(module: Path) -> list[str]:
    """The names in `__all__` of a module, which is not imported.

    Args:
        module: its file.
    """
    for statement in ast.parse(module.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return list(ast.literal_eval(statement.value))
    return []
