"""What the columns of a table are likely to mean."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

MOST_CLASSES = 20
HINTS = {
    "patient": ("patient", "subject", "person", "case", "participant", "individual", "animal", "donor"),
    "label": ("label", "class", "target", "diagnosis", "category", "grade", "outcome"),
    "centre": ("center", "centre", "site", "hospital", "clinic", "scanner", "institution"),
}


@dataclass(frozen=True)
class ImageColumn:
    """A column whose values name image files.

    Attributes:
        column: its name.
        has_suffix: whether its values end in the files' suffix.
        matches: how many of its values name a file.
    """

    column: str
    has_suffix: bool
    matches: int


def guess_image(table: pd.DataFrame, names: Iterable[str], suffix: str) -> ImageColumn | None:
    """Find the column that names most image files.

    Args:
        table: all text.
        names: of the files, with their suffix.
        suffix: of the files.

    Returns:
        The column, of several the one with the fewest repeats; None if none names a file.
    """
    whole = set(names)
    bare = {name.removesuffix(suffix) for name in whole}
    found = [
        ImageColumn(str(column), has_suffix, int(table[column].isin(known).sum()))
        for column in table
        for has_suffix, known in ((False, bare), (True, whole))
    ]
    best = max(found, key=lambda one: (one.matches, table[one.column].nunique()), default=None)
    return best if best and best.matches else None


def guess_patient(table: pd.DataFrame, image: str, taken: Iterable[str]) -> str:
    """Find the column that repeats for images that belong together.

    Args:
        table: all text.
        image: the column of the images.
        taken: columns that mean something else.

    Returns:
        By its name, else that with the most different values; where nothing repeats the column of the images,
        each of which is then a patient of its own.
    """
    others = [str(name) for name in table if name not in {image, *taken}]
    counts = {name: table[name].nunique() for name in others}
    repeating = [name for name in others if 1 < counts[name] < len(table)]
    return _hinted(others, "patient") or max(repeating, key=counts.__getitem__, default=image)


def guess_label(table: pd.DataFrame, taken: Iterable[str]) -> str | None:
    """Find the column of classes: by its name, else that with the fewest values above one.

    Args:
        table: all text.
        taken: columns that mean something else.
    """
    counts = {str(name): table[name].nunique() for name in table if name not in set(taken)}
    few = [name for name, count in counts.items() if 2 <= count <= MOST_CLASSES]
    neutral = [name for name in few if not _hinted([name], "centre")]
    return _hinted(few, "label") or min(neutral, key=counts.__getitem__, default=None)


def guess_centre(table: pd.DataFrame, taken: Iterable[str]) -> str | None:
    """Find the column of hospitals or scanners, by its name only: any few values could be meant."""
    others = [str(name) for name in table if name not in set(taken)]
    return _hinted([name for name in others if table[name].nunique() < len(table)], "centre")


def guess_positive(labels: pd.Series) -> str | None:
    """Of two classes the rarer one, which is what is mostly looked for; None with three or more."""
    counts = labels.value_counts()
    return str(min(sorted(counts.index), key=counts.__getitem__)) if len(counts) == 2 else None


def _hinted(names: Iterable[str], role: str) -> str | None:
    known = list(names)
    for hint in HINTS[role]:
        for name in known:
            if hint in name.lower():
                return name
    return None
