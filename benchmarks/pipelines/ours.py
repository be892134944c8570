"""This project's pipeline, as its training uses it when the images do not fit into memory."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import tensorflow as tf

from benchmarks.pipelines import SEED
from benchmarks.settings import BATCH_SIZE, EPOCHS, IMAGE_SIDE
from benchmarks.task import Task
from benchmarks.ways.ours import open_images
from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.pixels import StreamedPixels
from mayo_kedro.pipelines.modelling.reading import Order


class Pixels:
    """The pixels of the training's batches; each pass is the next epoch."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._epochs = count()

    def __iter__(self) -> Iterator[tf.Tensor]:
        """Give them without their row numbers."""
        return (pixels for _, _, pixels in self._batches.epoch(next(self._epochs)))


def open_batches(task: Task) -> Pixels:
    """See `benchmarks.pipelines`."""
    labels, weights = np.zeros(task.rows, np.int64), np.ones(task.rows, np.float32)
    table = LabelledImages(np.array(task.ids), labels, weights)
    pixels = StreamedPixels(open_images(task), IMAGE_SIDE)
    return Pixels(Batches(pixels, table, Order(BATCH_SIZE, SEED, EPOCHS)))
