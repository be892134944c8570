"""Checks of this machine: Python, packages, disk and memory."""

import os
import shutil
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

from mayo_kedro.commands.checks.finding import Check, Found, Level
from mayo_kedro.commands.connection import Setup

LOCK = "requirements.lock"
GIGABYTE = 10**9

LITTLE_DISK, TOO_LITTLE_DISK = 10 * GIGABYTE, GIGABYTE
LITTLE_MEMORY, TOO_LITTLE_MEMORY = 3 * GIGABYTE, GIGABYTE
"""Bytes; importing TensorFlow alone takes half a gigabyte."""

EXAMPLES = 3


def look_at_python(setup: Setup) -> Found:
    """Compare this Python with those that the project is for."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415

    here = ".".join(map(str, sys.version_info[:3]))
    wanted = tomllib.loads((setup.project / "pyproject.toml").read_text())["project"]["requires-python"]
    if SpecifierSet(wanted).contains(here):
        yield Level.OK, f"{here}; the project is for {wanted}", ""
    else:
        remedy = "Make the environment with another: remove .venv, put that Python on the PATH, run bin/run."
        yield Level.WRONG, f"{here}, and the project is for {wanted}", remedy


def look_at_packages(setup: Setup) -> Found:
    """Compare what is installed with the lock."""
    lock = setup.project / LOCK
    if not lock.is_file():
        yield Level.WARNING, f"there is no {lock} to compare with", "Take it from the project's repository."
        return
    locked = _read_lock(lock.read_text().splitlines())
    installed = {_canonical(found.name): found.version for found in distributions()}
    missing = [f"{name} {version}" for name, version in locked.items() if name not in installed]
    others = [
        f"{name} {installed[name]} instead of {version}"
        for name, version in locked.items()
        if installed.get(name, version) != version
    ]
    remedy = f"`python -m pip install --require-hashes -r {LOCK}`; or remove .venv and run bin/run."
    if missing:
        yield Level.WRONG, f"{len(missing)} of {LOCK} are missing: {_examples(missing)}", remedy
    if others:
        yield Level.WARNING, f"{len(others)} differ from {LOCK}: {_examples(others)}", remedy
    if not missing and not others:
        yield Level.OK, f"all {len(locked)} as in {LOCK}", ""


def _read_lock(lines: Iterable[str]) -> dict[str, str]:
    """The version of each package that this machine should have."""
    from packaging.requirements import Requirement  # noqa: PLC0415

    named = (line.rstrip("\\ ") for line in lines if line[:1].isalnum())
    required = (Requirement(line) for line in named)
    return {
        _canonical(one.name): str(one.specifier).removeprefix("==")
        for one in required
        if one.marker is None or one.marker.evaluate()
    }


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    return canonicalize_name(name)


def _examples(names: list[str]) -> str:
    more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + more


def look_at_disk(setup: Setup) -> Found:
    """Look for space where streamed files and results are kept."""
    from mayo_kedro.streaming.cache import default_folder  # noqa: PLC0415

    cache = setup.globals["streaming"]["cache_folder"]
    yield from _look_at_folder(
        "the cache", Path(cache) if cache else default_folder(), "streaming.cache_folder or MAYO_CACHE_DIR"
    )
    yield from _look_at_folder("results", setup.project / "data", "another place for the project")


def _look_at_folder(what: str, folder: Path, other: str) -> Found:
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        remedy = f"Make {place} a folder that you may write to, or choose {other}."
        yield Level.WRONG, f"{folder}, for {what}, can't be written", remedy
        return
    free = shutil.disk_usage(place).free
    said = f"{free / GIGABYTE:.0f} GB free for {what} in {folder}"
    remedy = f"Free some space, or choose {other}."
    yield from _judge(free, LITTLE_DISK, TOO_LITTLE_DISK, said, remedy)


def look_at_memory(setup: Setup) -> Found:
    """Look for memory that a training could use."""
    import psutil  # noqa: PLC0415

    free = psutil.virtual_memory().available
    said = f"{free / GIGABYTE:.1f} GB free"
    remedy = "Close other programs, or make modelling.batch_size or modelling.image_size smaller."
    yield from _judge(free, LITTLE_MEMORY, TOO_LITTLE_MEMORY, said, remedy)


def _judge(free: int, little: int, too_little: int, said: str, remedy: str) -> Found:
    level = Level.OK if free >= little else Level.WARNING if free >= too_little else Level.WRONG
    yield level, said, "" if level is Level.OK else remedy


CHECKS = (
    Check("Python", look_at_python),
    Check("Packages", look_at_packages),
    Check("Disk", look_at_disk),
    Check("Memory", look_at_memory),
)
