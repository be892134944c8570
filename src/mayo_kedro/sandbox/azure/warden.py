"""Ends the processes of jobs, and removes their folders, when the service is gone, in whatever way it went.

Run by its path, with the standard library alone. On stdin come lines of `+` or `-` and the number of a
process group; when it closes, the groups that are left are killed.
"""

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterable

__all__ = ["guard"]


def guard(lines: Iterable[str], folder: str) -> None:
    """Follow the lines to their end, then clean up."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line.startswith("+") else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    guard(sys.stdin, sys.argv[1])
