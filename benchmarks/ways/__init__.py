"""The ways to bring all files of a repository here, each in a module that a measuring process imports.

`prepare(task)` of such a module returns the work; when it is done, all files lie below `task.folder`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

THREADS = 16


@dataclass(frozen=True)
class Way:
    """A way to bring files here.

    Attributes:
        label: for tables.
        module: below `benchmarks`.
        packages: whose versions matter.
        options: for the module.
        needs_clone: whether it works in a clone that has been made, and configured, before.
    """

    label: str
    module: str
    packages: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    needs_clone: bool = False


WAYS = {
    "ours": Way("mayo-kedro", "ways.ours", ("fsspec", "pyreqwest")),
    "aiohttp": Way("aiohttp loop, nothing verified", "ways.aiohttp_loop", ("aiohttp",)),
    "fsspec": Way("fsspec http, file cache, all at once", "ways.fsspec_http", ("fsspec", "aiohttp")),
    "dvc-pull": Way("dvc pull -j 16", "ways.dvc_pull", ("dvc", "dvc-http"), needs_clone=True),
    "dvc-filesystem": Way(
        f"DVCFileSystem, {THREADS} threads", "ways.dvc_filesystem", ("dvc", "dvc-http"), needs_clone=True
    ),
    "stock-threads": Way(
        f"dagshub client, {THREADS} threads", "ways.stock", ("dagshub",), {"threads": THREADS}
    ),
    "stock": Way("dagshub client, one by one", "ways.stock", ("dagshub",), {"threads": 1}),
}
