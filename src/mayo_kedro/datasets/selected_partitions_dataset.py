"""Partitions that other nodes write one by one, among which none of an earlier run may stay."""

from collections.abc import Collection

from kedro_datasets.partitions.partitioned_dataset import PartitionedDataset


class SelectedPartitionsDataset(PartitionedDataset):
    """A `PartitionedDataset` that is saved by naming the partitions that belong to it.

    Saving removes all others; loading gives those that are left, as the base class does. So nodes that run
    apart, here or on a cluster, each save a partition of their own, and a last one says which these were.
    What lies in a folder below belongs to somebody else.

    Example of a catalog entry::

        fold_models:
          type: mayo_kedro.datasets.SelectedPartitionsDataset
          path: data/06_models
          filename_suffix: .keras
          dataset: {type: tensorflow.TensorFlowModelDataset}
    """

    def save(self, data: Collection[str]) -> None:
        """Remove the partitions that are not named.

        Args:
            data: names of the partitions to keep.
        """
        self._invalidate_caches()
        for path in self._list_partitions():
            if self._path_to_partition(path) not in data:
                self._filesystem.rm(path)
        self._invalidate_caches()

    def _list_partitions(self) -> list[str]:
        return [path for path in super()._list_partitions() if "/" not in self._path_to_partition(path)]
