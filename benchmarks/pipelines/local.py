"""The limit: the same files on this machine, read and decoded by TensorFlow alone."""

from collections.abc import Iterator

import tensorflow as tf

from benchmarks.pipelines import orders
from benchmarks.settings import BATCH_SIZE
from benchmarks.task import Task


class LocalBatches:
    """Batches of the files in `task.options["local"]`; each pass is the next epoch."""

    def __init__(self, task: Task) -> None:
        self._paths = [f"{task.options['local']}/{name}" for name in task.names]
        self._orders = orders(task.rows)

    def __iter__(self) -> Iterator[tf.Tensor]:
        """Read and decode them."""
        paths = tf.data.Dataset.from_tensor_slices([self._paths[row] for row in next(self._orders)])
        decoded = paths.map(_read, num_parallel_calls=tf.data.AUTOTUNE)
        return iter(decoded.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE))


def _read(path: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_png(tf.io.read_file(path), channels=3)


def open_batches(task: Task) -> LocalBatches:
    """See `benchmarks.pipelines`."""
    return LocalBatches(task)
