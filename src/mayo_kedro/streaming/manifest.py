"""The md5 of every file below a folder that DVC tracks: a million names without a million objects."""

import json
import mmap
import os
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path

SORTED_HERE = 2**20
"""Bytes; a larger manifest is sorted by a process of its own."""

_MD5_LENGTH = 32


class Manifest:
    """Names and md5s, sorted, in a file that is mapped and searched by halving.

    A lookup costs some twenty steps in a million names; opening costs nothing that grows with them.

    Args:
        file: made by `sort_manifest`.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @cached_property
    def _lines(self) -> mmap.mmap | bytes:
        with self._file.open("rb") as file:
            # An empty file can't be mapped.
            if os.fstat(file.fileno()).st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def find(self, name: str) -> str | None:
        """The md5 of a file by its path below the folder; None if it is not there."""
        at = self._search(name.encode())
        line = self._line_at(at)
        found, _, md5 = line.rpartition(b"\t")
        return md5.decode() if found == name.encode() and md5 else None

    def has_folder(self, name: str) -> bool:
        """Tell whether there are files below `name`."""
        prefix = name.encode() + b"/"
        return self._line_at(self._search(prefix)).startswith(prefix)

    def list_folder(self, folder: str = "") -> dict[str, str | None]:
        """What lies directly in a folder: names with their md5, None for a folder."""
        prefix = f"{folder}/".encode() if folder else b""
        at = self._search(prefix)
        listed: dict[str, str | None] = {}
        while (line := self._line_at(at)) and line.startswith(prefix):
            path, _, md5 = line.rpartition(b"\t")
            child, deeper, _ = path[len(prefix) :].partition(b"/")
            listed[child.decode()] = None if deeper else md5.decode()
            # All that is below a folder sorts together: "0" is the character behind "/".
            at = self._search(prefix + child + b"0") if deeper else at + len(line) + 1
        return listed

    def _line_at(self, at: int) -> bytes:
        end = self._lines.find(b"\n", at)
        return bytes(self._lines[at:end]) if end >= 0 else b""

    def _search(self, name: bytes) -> int:
        """Where the first line begins whose name is not less than `name`."""
        low, high = 0, len(self._lines)
        while low < high:
            middle = (low + high) // 2
            begin = self._lines.rfind(b"\n", low, middle) + 1 or low
            line = self._line_at(begin)
            if line.rpartition(b"\t")[0] < name:
                low = begin + len(line) + 1
            else:
                high = begin
        return low


def sort_manifest(source: Path, file: Path) -> Manifest:
    """Sort DVC's manifest into a file that `Manifest` reads.

    A large one is sorted by a process of its own: parsing holds Python's lock for seconds, in which the
    training would stand still, and takes memory that would not come back.

    Args:
        source: DVC's JSON, a list of objects with `relpath` and `md5`.
        file: where to; appears when it is complete.

    Raises:
        ValueError: it is no such list.
    """
    if source.stat().st_size <= SORTED_HERE:
        write_manifest(source.read_bytes(), file)
    else:
        command = [sys.executable, "-m", "mayo_kedro.streaming.manifest", str(source), str(file)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(done.stderr.strip().rpartition("\n")[2] or "it could not be sorted")
    return Manifest(file)


def write_manifest(body: bytes, file: Path) -> None:
    """Sort a manifest within this process, see `sort_manifest`."""
    try:
        lines = sorted((row["relpath"].encode(), row["md5"].encode()) for row in json.loads(body))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("This is no manifest of DVC.") from error
    if any(len(md5) != _MD5_LENGTH or b"\n" in name for name, md5 in lines):
        raise ValueError("A row of this manifest holds no md5.")
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".arriving-")
    try:
        with os.fdopen(handle, "wb") as arriving:
            arriving.writelines(b"%s\t%s\n" % line for line in lines)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    write_manifest(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]))
