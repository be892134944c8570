"""How much is about to be sent, and whether the service takes it."""

import logging
from collections.abc import Mapping
from pathlib import Path

from mayo_kedro.errors import UserError

logger = logging.getLogger(__name__)

MOST_BYTES = 300 * 1024 * 1024
MOST_FILES = 2_000

_TOLD = 5


def refuse_oversize(sizes: Mapping[str, int]) -> None:
    """Check number and size of the files against what one submission may hold.

    Args:
        sizes: bytes by path.

    Raises:
        UserError: there is too much; the largest files, or the fullest folders, are named.
    """
    total = sum(sizes.values())
    if total > MOST_BYTES:
        largest = sorted(sizes, key=lambda path: sizes[path], reverse=True)[:_TOLD]
        raise UserError(
            f"{tell_bytes(total)} are to be sent, and at most {tell_bytes(MOST_BYTES)} may be. The largest: "
            + ", ".join(f"{path} ({tell_bytes(sizes[path])})" for path in largest)
            + ".",
            "Put large data into the repository, from which the job streams them, and let the catalog read "
            "them there.",
        )
    if len(sizes) > MOST_FILES:
        folders = count_by_folder(sizes)
        fullest = sorted(folders, key=lambda path: folders[path], reverse=True)[:_TOLD]
        raise UserError(
            f"{len(sizes):,} files are to be sent, and at most {MOST_FILES:,} may be. The fullest folders: "
            + ", ".join(f"{path} ({folders[path]:,})" for path in fullest)
            + ".",
            "Put collections of files into the repository, from which the job streams them.",
        )


def tell_size(sizes: Mapping[str, int]) -> None:
    """Log number and size of the files."""
    logger.info("%d files, %s, are to be sent.", len(sizes), tell_bytes(sum(sizes.values())))


def measure(folder: Path) -> dict[str, int]:
    """The size in bytes of every file in a folder, by its path there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def count_by_folder(sizes: Mapping[str, int]) -> dict[str, int]:
    """How many files lie in each folder itself."""
    counts: dict[str, int] = {}
    for path in sizes:
        folder = Path(path).parent.as_posix() + "/"
        counts[folder] = counts.get(folder, 0) + 1
    return counts


def tell_bytes(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1024**2:,.1f} MiB" if count >= 100_000 else f"{count / 1000:.1f} kB"
