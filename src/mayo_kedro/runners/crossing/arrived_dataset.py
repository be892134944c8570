"""A dataset whose files a job has made: they are in place before Kedro comes to save them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kedro.io import AbstractDataset, DataCatalog


class ArrivedDataset(AbstractDataset[Any, Any]):
    """Stands in the catalog for a dataset that a job makes, so that its files are not written once more.

    Models above all: loading them to save them again would take TensorFlow, and change their bytes.

    Args:
        original: the dataset of the catalog; everything but saving is left to it.

    Attributes:
        tracked: whether the job itself sends to MLflow what it makes.
    """

    def __init__(self, original: AbstractDataset[Any, Any]) -> None:
        self.original = original
        self.tracked = False

    def load(self) -> Any:
        """Load what has arrived."""
        return self.original.load()

    def save(self, data: Any) -> None:
        """Do nothing: the files are there."""

    def _exists(self) -> bool:
        return bool(self.original.exists())

    def _release(self) -> None:
        self.original.release()

    def _describe(self) -> dict[str, Any]:
        return dict(self.original._describe())

    def __getattr__(self, name: str) -> Any:
        # Kedro's plugins read attributes of the dataset, such as its place and its metadata.
        if name == "original":
            raise AttributeError(name)
        return getattr(self.original, name)


@contextmanager
def arrivals(catalog: DataCatalog, names: Iterable[str]) -> Iterator[dict[str, ArrivedDataset]]:
    """Have a catalog take datasets as made elsewhere, within the block.

    Args:
        catalog: of a run.
        names: of the datasets.

    Yields:
        What stands in for each of them.
    """
    before = {name: catalog[name] for name in names}
    arrived = {name: ArrivedDataset(dataset) for name, dataset in before.items()}
    # Not by `catalog[name] = …`, which warns of each.
    catalog._datasets.update(arrived)
    try:
        yield arrived
    finally:
        catalog._datasets.update(before)
