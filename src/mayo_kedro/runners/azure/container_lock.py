"""The part of the lock that the job's container needs: one wheel each, for Linux and Python 3.11.

The lock lists the files of every platform, and Azure ML takes recipes of 102,400 characters at most.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

_PYTHON = (3, 11)
_PLATFORMS = [
    *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)),
    "manylinux2014_x86_64",
    *(f"manylinux_2_{minor}_x86_64" for minor in range(16, 11, -1)),
    "manylinux2010_x86_64",
    *(f"manylinux_2_{minor}_x86_64" for minor in range(11, 4, -1)),
    "manylinux1_x86_64",
    "linux_x86_64",
]
_CONTAINER = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.9",
    "python_version": "3.11",
    "sys_platform": "linux",
}
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")

Locked = Mapping[str, set[str]]


def shorten_lock(pylock: str) -> str:
    """Choose of every package the file that pip would, and forget the others.

    Args:
        pylock: a pylock.toml of the lock, with the names of its files.

    Returns:
        Requirements with a hash each, for `pip install --require-hashes`.
    """
    packages = tomllib.loads(pylock)["packages"]
    return "".join(
        f"{package['name']}=={package['version']} --hash={_choose(package)}\n" for package in packages
    )


def find_differences(locks: Iterable[str], container_lock: str) -> list[str]:
    """Compare what the container installs with what the lock says.

    Args:
        locks: contents of the lock files.
        container_lock: what `shorten_lock` made of them, supposedly.

    Returns:
        Packages that are missing, too many, or have another version or hash, by name and version.
    """
    wanted = dict(entry for lock in locks for entry in _read(lock))
    got = dict(_read(container_lock))
    foreign = [
        package for package, hashes in got.items() if not hashes or not hashes <= wanted.get(package, set())
    ]
    return sorted({*foreign, *(wanted.keys() - got.keys())})


def _choose(package: Mapping[str, Any]) -> str:
    wheels = {wheel["url"].rpartition("/")[2]: wheel for wheel in package.get("wheels", [])}
    ranked = [(rank, name) for name in wheels if (rank := _rank(name)) is not None]
    chosen = wheels[min(ranked)[1]] if ranked else package["sdist"]
    return f"sha256:{chosen['hashes']['sha256']}"


def _rank(wheel: str) -> int | None:
    ranks = [_TAGS[tag] for tag in parse_wheel_filename(wheel)[3] if tag in _TAGS]
    return min(ranks, default=None)


def _list_tags() -> Iterator[Tag]:
    yield from cpython_tags(_PYTHON, platforms=_PLATFORMS)
    yield from compatible_tags(_PYTHON, "cp311", _PLATFORMS)


_TAGS = {tag: rank for rank, tag in enumerate(_list_tags())}


def _read(lock: str) -> Iterator[tuple[str, set[str]]]:
    """Yield what applies in the container, as name==version, with its hashes."""
    for line in re.sub(r"\\\n", " ", lock).splitlines():
        requirement = Requirement(line.partition(" --hash=")[0])
        if requirement.marker is None or requirement.marker.evaluate(_CONTAINER):
            yield f"{canonicalize_name(requirement.name)}{requirement.specifier}", set(_HASH.findall(line))


if __name__ == "__main__":
    sys.stdout.write(shorten_lock(sys.stdin.read()))
