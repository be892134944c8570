"""Things with a name that are kept as JSON, a file each, from start to start."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

__all__ = ["Records"]


class Records:
    """JSON objects by name.

    Args:
        folder: where they are kept; one that another service has written since is found there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        read = (json.loads(file.read_text()) for file in sorted(folder.glob("*.json")))
        self._known: dict[str, dict[str, Any]] = {kept["name"]: kept["value"] for kept in read}

    def get(self, name: str) -> dict[str, Any] | None:
        """The object of this name; changes to it are kept by `put`."""
        with self._lock:
            file = self._find_file(name)
            if name not in self._known and file.exists():
                self._known[name] = json.loads(file.read_text())["value"]
            return self._known.get(name)

    def put(self, name: str, value: dict[str, Any]) -> None:
        """Keep an object."""
        with self._lock:
            self._known[name] = value
            file = self._find_file(name)
            half = file.with_suffix(".part")
            half.write_text(json.dumps({"name": name, "value": value}))
            half.replace(file)

    def delete(self, name: str) -> None:
        """Forget an object, if there is such a one."""
        with self._lock:
            self._known.pop(name, None)
            self._find_file(name).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All objects, oldest first among those of this start."""
        with self._lock:
            return iter(list(self._known.values()))

    def _find_file(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.json"
