"""The files that a set-up consists of: only what differs from conf/base, written all or none."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from mayo_kedro.errors import UserError

COMMENT_COLUMN = 22

Flat = dict[tuple[str, ...], Any]
"""Settings by their path, such as ("images", "suffix")."""


@dataclass(frozen=True)
class SettingsFile:
    """A file of an environment.

    Attributes:
        path: where it is written.
        text: its content.
        replaces: whether there is one already, with another content.
    """

    path: Path
    text: str
    replaces: bool

    def write(self) -> None:
        """Write it whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        arriving = self.path.with_suffix(f".{os.getpid()}")
        try:
            arriving.write_text(self.text, "utf-8")
            arriving.replace(self.path)
        finally:
            arriving.unlink(missing_ok=True)


def make_file(
    path: Path,
    heading: str,
    chosen: Mapping[str, Any],
    base: Mapping[str, Any],
    comments: Mapping[str, str],
) -> SettingsFile | None:
    """Put a file together.

    Args:
        path: where it is to be written; what a file there says of other settings is kept.
        heading: its first lines, without the comment sign.
        chosen: settings, nested.
        base: those of conf/base, nested.
        comments: short ones, by dotted name.

    Returns:
        The file; None if it would say nothing, and there is none.

    Raises:
        UserError: what is there is not YAML.
    """
    wanted, usual = flatten(chosen), flatten(base)
    present = path.read_text("utf-8") if path.is_file() else None
    kept = {name: value for name, value in flatten(_read(path, present)).items() if name not in wanted}
    differing = {name: value for name, value in wanted.items() if usual.get(name, ...) != value}
    if present is None and not differing:
        return None
    text = _render(heading, {**differing, **kept}, comments)
    return SettingsFile(path, text, present is not None and present != text)


def flatten(settings: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Flat:
    """Settings by their path; a list is one setting."""
    flat: Flat = {}
    for name, value in settings.items():
        path = (*prefix, name)
        if isinstance(value, Mapping):
            flat.update(flatten(value, path))
        else:
            flat[path] = list(value) if isinstance(value, tuple) else value
    return flat


def _read(path: Path, text: str | None) -> Mapping[str, Any]:
    try:
        read = yaml.safe_load(text or "") or {}
    except yaml.YAMLError:
        read = None
    if not isinstance(read, Mapping):
        raise UserError(f"{path} can't be read as settings.", "Mend it, or move it away.")
    return read


def _render(heading: str, flat: Flat, comments: Mapping[str, str]) -> str:
    lines = [f"# {line}" for line in heading.splitlines()]
    above: tuple[str, ...] = ()
    for path in sorted(flat, key=lambda path: _group_order(path, flat)):
        lines += _open_groups(path, above)
        above = path
        comment = comments.get(".".join(path))
        line = f"{'  ' * (len(path) - 1)}{_scalar(path[-1])}: {_scalar(flat[path])}"
        lines.append(f"{line:{COMMENT_COLUMN}}  # {comment}" if comment else line)
    return "\n".join(lines) + "\n"


def _group_order(path: tuple[str, ...], flat: Flat) -> list[int]:
    """Keep what belongs to one group together, in the order of what comes first of it."""
    known = list(flat)
    return [
        next(at for at, other in enumerate(known) if other[:depth] == path[:depth])
        for depth in range(1, len(path) + 1)
    ]


def _open_groups(path: tuple[str, ...], above: tuple[str, ...]) -> Iterable[str]:
    pairs = zip(path[:-1], above[:-1], strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    for depth in range(shared, len(path) - 1):
        if depth == 0:
            yield ""
        yield f"{'  ' * depth}{_scalar(path[depth])}:"


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    # Quoted unless it is plainly a word: OmegaConf takes more for numbers than PyYAML does, such as 2e37.
    style = '"' if isinstance(value, str) and not _is_word(value) else None
    text = yaml.safe_dump(value, default_style=style, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _is_word(text: str) -> bool:
    return bool(re.fullmatch(r"\.?[A-Za-z_][\w./-]*", text)) and bool(yaml.safe_load(text) == text)
