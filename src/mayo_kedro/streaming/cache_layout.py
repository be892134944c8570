"""What lies where in the cache's folder."""

import hashlib
import os
from pathlib import Path

from mayo_kedro.streaming.integrity import is_checkable, is_md5

FOLDER_VARIABLE = "MAYO_CACHE_DIR"

FOLDER_SUFFIX = ".dir"
"""Of the manifest of a folder, behind its md5, in DVC's names as well as in its cache."""

STREAMED_AT = 946_684_800 * 10**9
"""The modification time, in nanoseconds, of every file that streaming fetched: the first second of 2000.

It tells them from what DVC put into the same folder, which may be the only copy there is and is never
evicted. Who changes such a file changes the time as well."""


class CacheLayout:
    """Paths below the cache's folder; `files/md5` is what DVC has in its own cache.

    Attributes:
        arriving: where files are written, in the file system of all the others.
        objects: the bodies, each below its md5.
        aliases: symbolic links from other keys to the bodies.
        lock: held by the process that evicts.
        tally: counts the bytes that all processes wrote.

    Args:
        folder: of the cache.
    """

    def __init__(self, folder: Path) -> None:
        self.arriving = f"{folder}/arriving"
        self.objects = f"{folder}/files/md5"
        self.aliases = f"{folder}/aliases"
        self.lock = f"{folder}/eviction.lock"
        self.tally = f"{folder}/tally"

    def temporary(self) -> str:
        """A new path for a file that arrives, which no other process takes."""
        return f"{self.arriving}/{os.urandom(8).hex()}"

    def object(self, md5: str) -> str:
        """The path of a body."""
        return f"{self.objects}/{md5[:2]}/{md5[2:]}"

    def alias(self, key: str) -> str:
        """The path of the link from a key that is no md5."""
        name = key if is_checkable(key) else hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        return f"{self.aliases}/{name[:2]}/{name[2:]}"

    def alias_target(self, md5: str) -> str:
        """What such a link holds."""
        return f"../../files/md5/{md5[:2]}/{md5[2:]}"

    def find_md5(self, key: str) -> str | None:
        """Tell which body `key` names, if an alias or the key itself says it; a manifest keeps its suffix."""
        if is_md5(key.removesuffix(FOLDER_SUFFIX)):
            return key
        try:
            return "".join(os.readlink(self.alias(key)).split("/")[-2:])
        except OSError:
            return None
