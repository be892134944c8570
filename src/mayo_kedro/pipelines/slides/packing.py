"""Which images are packed together, and where each image lies."""

from collections.abc import Iterator, Mapping

import pandas as pd

BLOCK = 512
"""A tar file gives each image a header of one block, and fills its last block."""

SHARD_COLUMNS = ["shard", "offset", "bytes", "md5"]
"""Of a table of images: in which shard an image lies, and where; empty for one that is a file of its own."""

NOWHERE = ("",) * len(SHARD_COLUMNS)


def divide(sizes: Mapping[str, int], most_bytes: float) -> Iterator[list[str]]:
    """Divide images, in the order of their names, into shards of at most so many bytes.

    Args:
        sizes: in bytes, by name.
        most_bytes: of a shard; a larger image is a shard alone.
    """
    shard: list[str] = []
    filled = 0
    for name, size in sorted(sizes.items()):
        packed = BLOCK + -(-size // BLOCK) * BLOCK
        if shard and filled + packed > most_bytes:
            yield shard
            shard, filled = [], 0
        shard.append(name)
        filled += packed
    if shard:
        yield shard


def locate_images(table: pd.DataFrame, packed: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Say of each image in which shard it lies.

    Args:
        table: one row an image, with `image_id`, `hash` and `settings`.
        packed: the places of the images that were packed in this run; it may be empty.
        published: the table of what lies in the repository, with all columns, all text.

    Returns:
        The table with `SHARD_COLUMNS`: of this run, else of the same image in the repository, else empty.
    """
    here = dict(zip(packed.get("image_id", ()), _read_places(packed), strict=True))
    there = dict(zip(_identify(published), _read_places(published), strict=True))
    places = [here.get(same[0]) or there.get(same, NOWHERE) for same in _identify(table)]
    return table.drop(columns=SHARD_COLUMNS).join(pd.DataFrame(places, table.index, SHARD_COLUMNS))


def _identify(table: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    return zip(table["image_id"], table["hash"], table["settings"], strict=True)


def _read_places(table: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    return table.reindex(columns=SHARD_COLUMNS).itertuples(index=False, name=None)
