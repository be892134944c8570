"""The dagshub client's streaming in front of TensorFlow: a generator opens one file after another."""

from collections.abc import Iterator

import tensorflow as tf

from benchmarks.pipelines import orders
from benchmarks.settings import BATCH_SIZE
from benchmarks.task import FOLDER, Task
from benchmarks.ways.stock import mount


class StockBatches:
    """Batches of what the client streams; each pass is the next epoch."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._names = task.names
        self._orders = orders(task.rows)

    def __iter__(self) -> Iterator[tf.Tensor]:
        """Mount, open, decode."""
        files = tf.data.Dataset.from_generator(self._read, output_signature=tf.TensorSpec((), tf.string))
        decoded = files.map(_decode, num_parallel_calls=tf.data.AUTOTUNE)
        return iter(decoded.batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE))

    def _read(self) -> Iterator[bytes]:
        filesystem = mount(self._task)
        for row in next(self._orders):
            with filesystem.open(self._task.target / FOLDER / self._names[row], "rb") as file:
                yield file.read()


def _decode(file: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_png(file, channels=3)


def open_batches(task: Task) -> StockBatches:
    """See `benchmarks.pipelines`."""
    return StockBatches(task)
