"""The order of training: which rows make up which batch, in which epoch, on which node."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

GROUPS_AT_ONCE = 8
"""Groups of rows that are shuffled together."""


class Groups:
    """Which rows lie together, such as in one file, so that it is good to use them near to one another.

    Args:
        labels: of the group of each row, of shape (rows,).
    """

    def __init__(self, labels: ArrayLike) -> None:
        _, firsts, numbers = np.unique(labels, return_index=True, return_inverse=True)
        # By their first rows: what the groups are called makes no difference.
        self.numbers: NDArray[np.int64] = np.argsort(np.argsort(firsts))[numbers]
        self.count = len(firsts)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of a SHA-256."""
        return hashlib.sha256(self.numbers.astype("<i8").tobytes()).hexdigest()[:16]


@dataclass(frozen=True)
class BatchOrder:
    """Batches of row numbers that follow from seed, epoch and position alone.

    The rows of an epoch are permuted and cut into global batches of `batch_size`; each shard takes every
    `shards`-th row of every global batch. So a global batch holds the same rows for any number of shards,
    and no machine has to be asked which rows are next.

    All shards have the same number of batches, and none is empty: where the last global batch would have
    fewer rows than there are shards, it takes the missing ones from the batch before it. Only there does
    the number of shards show, and only in where that border lies, never in the order of the rows.

    Where rows lie in groups, the groups are permuted in each epoch and cut into windows of about
    `GROUPS_AT_ONCE`, and the rows of each window are permuted: only as many groups are in use at once.

    Attributes:
        size: rows of the table.
        batch_size: rows of a global batch, all shards together; the last one may be smaller.
        seed: of the permutations; None keeps the order of the table in every epoch.
        shard: which of the shards this is, from 0.
        shards: into how many parts each batch is divided.
        groups: which rows lie together; None if that makes no difference.

    Raises:
        ValueError: there is no such shard, or not every shard would get a row of every batch.
    """

    size: int
    batch_size: int
    seed: int | None = None
    shard: int = 0
    shards: int = 1
    groups: Groups | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"A batch has at least one row, not {self.batch_size}.")
        if not 0 <= self.shard < self.shards:
            raise ValueError(f"There is no shard {self.shard} of {self.shards}; they count from 0.")
        if self.size < self.shards * max(1, len(self)):
            raise ValueError(
                f"{self.size} rows in batches of {self.batch_size} are too few for {self.shards} shards, "
                "each of which needs a row of every batch."
            )

    def __len__(self) -> int:
        """Batches an epoch, the same for every shard."""
        return (self.size + self.batch_size - 1) // self.batch_size

    def rows(self, epoch: int, first_batch: int = 0) -> Iterator[NDArray[np.int64]]:
        """Give the batches of this shard one after another.

        Args:
            epoch: from 0.
            first_batch: where to begin; the number of batches gives none.

        Returns:
            The row numbers of each batch, of shape (rows of this shard,).

        Raises:
            ValueError: the epoch has no such batch.
        """
        if not 0 <= first_batch <= len(self):
            raise ValueError(f"There is no batch {first_batch}; an epoch has {len(self)}, from 0.")
        permuted = self._permute(epoch)
        return (self._cut(permuted, index) for index in range(first_batch, len(self)))

    def all_rows(self, epoch: int, first_batch: int = 0) -> NDArray[np.int64]:
        """Give the rows of all batches of this shard one behind the other, see `rows`.

        Args:
            epoch: from 0.
            first_batch: where to begin.

        Returns:
            Row numbers, of shape (rows of this shard from there on,); not to be changed.

        Raises:
            ValueError: the epoch has no such batch.
        """
        batches = self.rows(epoch, first_batch)
        if self.shards > 1:
            return np.concatenate([np.empty(0, np.int64), *batches])
        return self._permute(epoch)[self._start(first_batch) :]  # not cut up: there may be a million

    def batch(self, epoch: int, index: int) -> NDArray[np.int64]:
        """Give one batch of this shard; one after another costs no more than `rows`.

        Args:
            epoch: from 0.
            index: of the batch, from 0.

        Returns:
            The row numbers, of shape (rows of this shard,).

        Raises:
            IndexError: the epoch has no such batch.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"There is no batch {index}; an epoch has {len(self)}, from 0.")
        return self._cut(self._permute(epoch), index)

    def _permute(self, epoch: int) -> NDArray[np.int64]:
        if self.seed is None:
            return np.arange(self.size)
        if self.groups is None:
            return _permutation(self.size, self.seed, epoch)
        return _permutation_in_windows(self.groups, self.seed, epoch)

    def _cut(self, permuted: NDArray[np.int64], index: int) -> NDArray[np.int64]:
        # A copy, so that a batch somebody keeps does not keep the whole permutation.
        return permuted[self._start(index) : self._start(index + 1)][self.shard :: self.shards].copy()

    def _start(self, index: int) -> int:
        """Where a global batch starts: early enough to leave each batch from there on a row a shard."""
        return min(index * self.batch_size, self.size - self.shards * (len(self) - index))


# Two: a look-ahead over the end of an epoch, or the batches of one epoch asked for out of order.
@lru_cache(maxsize=2)
def _permutation(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    permuted = np.random.default_rng([seed, epoch]).permutation(size)
    permuted.flags.writeable = False
    return permuted


@lru_cache(maxsize=2)
def _permutation_in_windows(groups: Groups, seed: int, epoch: int) -> NDArray[np.int64]:
    random = np.random.default_rng([seed, epoch])
    windows = -(-groups.count // GROUPS_AT_ONCE)
    window_of_group = random.permutation(groups.count) * windows // groups.count
    permuted = random.permutation(len(groups.numbers))
    permuted = permuted[np.argsort(window_of_group[groups.numbers[permuted]], kind="stable")]
    permuted.flags.writeable = False
    return permuted
