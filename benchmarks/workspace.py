"""A folder for everything that the measurements write, and the environment of their processes."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MEMORY = Path("/dev/shm")  # noqa: S108  the place for it, where there is one
ENOUGH_BYTES = 4 << 30


@contextmanager
def open_workspace(parent: Path | None) -> Iterator[Path]:
    """Make a folder, and remove it at the end.

    Args:
        parent: where; None for memory where Linux offers enough of it (making files is slow on some disks),
            else the place for temporary files.
    """
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
    chosen = parent or (MEMORY if has_room else None)
    folder = Path(tempfile.mkdtemp(prefix="benchmarks-", dir=chosen))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def child_environment(folder: Path, host: str, token: str) -> dict[str, str]:
    """The environment in which every client finds the service, and nothing that an earlier one left."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DAGSHUB_", "DVC_", "GIT_", "MAYO_"))
    }
    settings = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "TMPDIR": str(folder),
        "XDG_CACHE_HOME": str(folder / "user-cache"),
        "XDG_CONFIG_HOME": str(folder / "user-config"),
        "DAGSHUB_CLIENT_HOST": host,
        "DAGSHUB_USER_TOKEN": token,
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "user-config"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "user-config"),
        "DVC_SITE_CACHE_DIR": str(folder / "user-cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    return {**kept, **settings}


def describe_machine(workspace: Path, packages: Iterable[str]) -> dict[str, Any]:
    """What a reader has to know of where this was measured."""
    state = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "project": state.stdout.strip(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "workspace": _filesystem(workspace),
        "load_before": os.getloadavg()[0],
        "versions": {package: version(package) for package in sorted(set(packages))},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _filesystem(folder: Path) -> str:
    """The kind of file system that a folder lies on."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(place, kind) for place, kind in mounts if folder.resolve().is_relative_to(place)]
    return max(holding, key=lambda one: len(one[0]))[1]
