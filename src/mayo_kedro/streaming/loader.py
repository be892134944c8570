"""Batches of streamed files in the order of training, to be gone on with at any batch.

Iterating over a loader gives the batches of one epoch, and the loader keeps the position::

    loader = BatchLoader(images, ids, batch_size=16, seed=7, epochs=5)
    if saved.exists():
        loader.load_state_dict(json.loads(saved.read_text()))
    for epoch in range(loader.state_dict()["epoch"], 5):
        for batch in loader:
            train(batch)
            saved.write_text(json.dumps(loader.state_dict()))

A consumer that prefetches, such as tf.data, takes batches long before the training uses them. It asks for
each epoch by its number, and says itself how far the training is::

    def generate(epoch, first):
        return ((batch.rows, batch.paths) for batch in loader.epoch(epoch, first))

    state = loader.state_dict()
    for epoch in range(state["epoch"], 5):
        first = state["batch"] if epoch == state["epoch"] else 0
        batches = tf.data.Dataset.from_generator(partial(generate, epoch, first), output_signature=...)
        for used, batch in enumerate(batches.map(decode).prefetch(4), first + 1):
            train(batch)
            saved.write_text(json.dumps(loader.state_after(epoch, used)))

A `keras.utils.PyDataset` returns `loader.batch(epoch, index)` from its `__getitem__`, with `shuffle=False` in
`fit`, and has the epoch from a callback's `on_epoch_begin`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.order import BatchOrder, Groups

Ids = Sequence[str] | NDArray[np.str_]


class FileStream(Protocol):
    """Files by id, such as `StreamedImages`."""

    def stream(self, ids: Sequence[str], /, ahead: Iterable[str] = ()) -> Iterator[Path]:
        """Give local copies in the order of the ids.

        Args:
            ids: what is needed now.
            ahead: what will be needed next; fetched once all of `ids` are under way, not given.
        """


@dataclass(frozen=True)
class Batch:
    """A batch of one shard.

    Attributes:
        epoch: from 0.
        index: of the batch in its epoch, from 0.
        rows: row numbers of the table, of shape (rows of this shard,).
        paths: of the local files, in the order of `rows`; "" for a file that was skipped.
    """

    epoch: int
    index: int
    rows: NDArray[np.int64]
    paths: list[str]


class RowIds(Sequence[str]):
    """The ids of some rows, each looked up when it is asked for.

    Args:
        ids: of the whole table.
        rows: numbers of the rows that are meant, in order, of shape (rows,).
    """

    def __init__(self, ids: Ids, rows: NDArray[np.int64]) -> None:
        self._ids = ids
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "RowIds": ...
    def __getitem__(self, index: int | slice) -> "str | RowIds":
        if isinstance(index, slice):
            return RowIds(self._ids, self._rows[index])
        return str(self._ids[int(self._rows[index])])


class BatchLoader:
    """Gives the batches of a table as local files; which ones is decided by `BatchOrder`.

    The same arguments give the same batches in every process, however many files are fetched at once.

    Args:
        files: gives the files.
        ids: one a row of the table, a list or an array; it must not change afterwards.
        batch_size: rows of a global batch, all shards together.
        seed: of the order; None keeps the order of the table.
        epochs: how many will be asked for at most: while one ends, the files of the next are fetched
            already, but not after the last. None: nothing is fetched beyond the epoch that is asked for.
        shard: which of the shards this is, from 0.
        shards: among how many nodes each batch is divided; all nodes have the whole table.
        groups: the rows that lie in one file, which travels as a whole: rows are shuffled so that few such
            files are in use at once. None: each row is a file.

    Raises:
        ValueError: not every shard would get a row of every batch.
    """

    def __init__(
        self,
        files: FileStream,
        ids: Ids,
        batch_size: int,
        *,
        seed: int | None = None,
        epochs: int | None = None,
        shard: int = 0,
        shards: int = 1,
        groups: Groups | None = None,
    ) -> None:
        self._files = files
        self._ids = ids
        self._order = BatchOrder(len(ids), batch_size, seed, shard, shards, groups)
        self._epochs = epochs
        self._position = (0, 0)

    def __len__(self) -> int:
        """Batches an epoch, the same for every shard."""
        return len(self._order)

    def __iter__(self) -> Iterator[Batch]:
        """Give the batches from the loader's position to the end of that epoch.

        A batch counts as used when it is given. After the last one the position is the next epoch.
        """
        for batch in self.epoch(*self._position):
            self._position = self._normalise(batch.epoch, batch.index + 1)
            yield batch

    def epoch(
        self, number: int, first_batch: int = 0, skip: Callable[[str], bool] | None = None
    ) -> Iterator[Batch]:
        """Give the batches of an epoch, without regard to the loader's position.

        Args:
            number: of the epoch, from 0.
            first_batch: where to begin.
            skip: tells of an id that its file is not needed, since the caller has the image in memory or
                can't use it. It is asked once for each row when the epoch begins.

        Yields:
            The batches of this shard in order, each once all its files are here.

        Raises:
            ValueError: the epoch has no such batch.
            UserError: what the files raise, when the turn of the file comes.
        """
        batches = self._order.rows(number, first_batch)
        rows = self._find_needed(number, first_batch, skip)
        needed = np.zeros(self._order.size, np.bool_)
        needed[rows] = True
        files = self._files.stream(RowIds(self._ids, rows), self._look_ahead(number + 1, skip))
        for index, batch in enumerate(batches, first_batch):
            yield Batch(number, index, batch, [str(next(files)) if needed[row] else "" for row in batch])
        next(files, None)  # The stream ends by itself: what it has under way for the next epoch may arrive.

    def batch(self, epoch: int, index: int) -> Batch:
        """Give any batch, as `keras.utils.PyDataset` asks for them; may be called from several threads.

        Nothing else is fetched ahead: that the caller does with several workers. `epoch` is faster.

        Args:
            epoch: from 0.
            index: of the batch, from 0.

        Raises:
            IndexError: the epoch has no such batch.
            UserError: what the files raise.
        """
        rows = self._order.batch(epoch, index)
        return Batch(epoch, index, rows, [str(path) for path in self._files.stream(RowIds(self._ids, rows))])

    def state_dict(self) -> dict[str, Any]:
        """Describe the loader's position, as JSON can hold it.

        Returns:
            `epoch` and `batch`, the first one not given by iteration, and what they depend on.
        """
        return self.state_after(*self._position)

    def state_after(self, epoch: int, batches: int) -> dict[str, Any]:
        """Describe a position that the caller knows better, since it takes batches before it uses them.

        Args:
            epoch: that the training is in, from 0.
            batches: how many of this epoch's batches it has used, those before an interruption included.

        Returns:
            The same as `state_dict`.
        """
        epoch, batch = self._normalise(epoch, batches)
        return {"epoch": epoch, "batch": batch, **self._identity}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Move to a position that was saved, on whichever shard.

        With another number of shards the training goes on exactly, unless only the last batch of an epoch
        was left: its border may lie elsewhere by fewer rows than there are shards (see `BatchOrder`).

        Args:
            state: what `state_dict` or `state_after` gave.

        Raises:
            UserError: it belongs to other data or settings, or names no batch; the position stays.
        """
        differing = [
            f"{name} is {state.get(name)!r} there and {mine!r} here"
            for name, mine in self._identity.items()
            if state.get(name) != mine
        ]
        if not differing and not self._has(state.get("epoch"), state.get("batch")):
            differing = [f"there is no batch {state.get('batch')!r} of epoch {state.get('epoch')!r}"]
        if differing:
            raise UserError(
                f"The saved position in the training data does not fit: {'; '.join(differing)}.",
                "Go on with the table and the settings of the interrupted training, or start it anew.",
            )
        self._position = state["epoch"], state["batch"]

    def _has(self, epoch: object, batch: object) -> bool:
        return isinstance(epoch, int) and epoch >= 0 and isinstance(batch, int) and 0 <= batch < len(self)

    def _normalise(self, epoch: int, batches: int) -> tuple[int, int]:
        """The position after so many batches of an epoch; after all of them it is the next epoch."""
        return epoch + batches // len(self), batches % len(self)

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """What a position depends on, but for the shards."""
        return {
            "seed": self._order.seed,
            "batch_size": self._order.batch_size,
            "size": self._order.size,
            "ids": fingerprint(self._ids),
            "groups": self._order.groups.fingerprint if self._order.groups else None,
        }

    def _find_needed(
        self, epoch: int, first_batch: int, skip: Callable[[str], bool] | None
    ) -> NDArray[np.int64]:
        """The rows of an epoch whose files have to be fetched, in order."""
        rows = self._order.all_rows(epoch, first_batch)
        if skip is None:
            return rows
        return np.fromiter((row for row in rows if not skip(str(self._ids[int(row)]))), np.int64)

    def _look_ahead(self, epoch: int, skip: Callable[[str], bool] | None) -> Iterator[str]:
        """The ids of the files of an epoch, unless none of its batches will be asked for."""
        if self._epochs is None or epoch >= self._epochs:
            return
        for rows in self._order.rows(epoch):
            yield from (image for image in RowIds(self._ids, rows) if skip is None or not skip(image))


def fingerprint(ids: Iterable[str]) -> str:
    """Hash ids and their order.

    Args:
        ids: any text without zero bytes.

    Returns:
        16 hex digits of a SHA-256.
    """
    digest = hashlib.sha256()
    for image in ids:
        digest.update(f"{image}\0".encode())
    return digest.hexdigest()[:16]
