"""Pictures that are there twice, by their perceptual hashes."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

Hashes = npt.NDArray[np.uint64]

HASH_BITS = 64
COLOUR_DISTANCE = 10
"""Pictures whose mean colours are further apart than this, in RGB space of 0 to 255, are different ones."""
SHAPE_DISTANCE = 0.03
"""So are those whose ratios of width to height differ by a larger share."""


def find_duplicates(image_facts: pd.DataFrame, bits: int) -> pd.DataFrame:
    """Find pairs of images that show the same: copies, resized, or saved anew.

    Args:
        image_facts: one row an image.
        bits: their hashes differ in at most so many.

    Returns:
        `image`, `other` and `bits`, one row a pair, the most alike first.
    """
    facts = image_facts.dropna(subset="hash").reset_index(drop=True)
    hashes = np.array([int(text, 16) for text in facts["hash"]], dtype=np.uint64)
    first, second = find_close(hashes, bits)
    alike = _look_alike(facts.iloc[first], facts.iloc[second])
    first, second = first[alike], second[alike]
    names = facts["image"].to_numpy()
    pairs = pd.DataFrame(
        {"image": names[first], "other": names[second], "bits": count_bits(hashes[first] ^ hashes[second])}
    )
    return pairs.sort_values(["bits", "image", "other"], ignore_index=True)


def find_close(hashes: Hashes, bits: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find all pairs of hashes that differ in at most `bits` of their 64.

    Cut into one piece more than bits may differ, two such hashes agree in at least one piece. So only
    those that agree in a piece have to be compared.

    Args:
        hashes: (images,).
        bits: at most so many differ.

    Returns:
        The numbers of the first and of the second of each pair, first below second.
    """
    found = [np.empty((0, 2), np.int64)]
    for piece in _cut(hashes, bits + 1):
        for members in _group(piece):
            one, other = (members[side] for side in np.triu_indices(len(members), 1))
            close = count_bits(hashes[one] ^ hashes[other]) <= bits
            found.append(np.column_stack([one[close], other[close]]))
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs[:, 0], pairs[:, 1]


def count_bits(numbers: Hashes) -> npt.NDArray[np.int64]:
    """How many bits of each number are set."""
    return np.asarray(np.bitwise_count(numbers), np.int64)


def _cut(hashes: Hashes, pieces: int) -> Iterator[Hashes]:
    edges = np.linspace(0, HASH_BITS, pieces + 1).astype(int)
    for start, end in pairwise(edges.tolist()):
        yield hashes >> np.uint64(start) & np.uint64(2 ** (end - start) - 1)


def _group(values: Hashes) -> Iterator[npt.NDArray[np.int64]]:
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order])) + 1
    return (members for members in np.split(order, starts) if len(members) > 1)


def _look_alike(one: pd.DataFrame, other: pd.DataFrame) -> npt.NDArray[np.bool_]:
    colours = ["red", "green", "blue"]
    distance = np.linalg.norm(one[colours].to_numpy() - other[colours].to_numpy(), axis=1)
    shapes = [np.log((facts["width"] / facts["height"]).to_numpy(np.float64)) for facts in (one, other)]
    return np.asarray((distance <= COLOUR_DISTANCE) & (np.abs(shapes[0] - shapes[1]) <= SHAPE_DISTANCE))
