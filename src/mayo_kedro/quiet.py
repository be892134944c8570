"""What `kedro run --quiet` leaves out."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

LEVELS = {
    "kedro": logging.WARNING,
    "mayo_kedro": logging.WARNING,
    "mayo_kedro.progress": logging.ERROR,  # bars too
    "mayo_kedro.results": logging.INFO,
}


def quieten() -> None:
    """Have no progress shown from here on, and no line but warnings, errors and results."""
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)
    sys.meta_path.insert(0, _TensorFlowFinder())


class _TensorFlowFinder(MetaPathFinder):
    """Finds TensorFlow, whoever imports it, so that it comes without a word.

    Its libraries write some lines to stderr before any level of logging applies.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path) if fullname == "tensorflow" else None
        if found is not None and found.origin is not None:
            found.loader = _SilentLoader(fullname, found.origin)
        return found


class _SilentLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        with _standard_error_left_out():
            super().exec_module(module)


@contextmanager
def _standard_error_left_out() -> Iterator[None]:
    # The libraries write to the file descriptor: Python's own sys.stderr does not reach them.
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
