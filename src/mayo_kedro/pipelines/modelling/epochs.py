"""Training epoch by epoch, with a look at how long the network waits for its images."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from mayo_kedro.pipelines.modelling.batches import Batches, Rows


class Waiting:
    """Batches, and the time that was spent waiting for them.

    Args:
        batches: what to iterate over.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.seconds = 0.0
        self.images = 0

    def __iter__(self) -> Iterator[tuple[Rows, tf.Tensor]]:
        """Give the batches."""
        iterator = iter(self._batches)
        while True:
            began = time.perf_counter()
            batch = next(iterator, None)
            self.seconds += time.perf_counter() - began
            if batch is None:
                return
            self.images += len(batch[0])
            yield batch


class Means:
    """Running means over the images of an epoch; Keras gives those of each batch."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self._images = 0

    def add(self, batch: dict[str, float], images: int) -> None:
        """Take the means of a batch of so many images."""
        self._images += images
        for name, value in batch.items():
            before = self.values.get(name, 0.0)
            self.values[name] = before + (float(value) - before) * images / self._images


def fit_epochs(
    trainer: keras.Model,
    training: Batches,
    validation: Batches | None,
    epochs: range,
    callbacks: Sequence[keras.callbacks.Callback],
) -> keras.callbacks.History:
    """Train as `keras.Model.fit` does, and measure what that hides in its graph: the wait for data.

    Args:
        trainer: a compiled network.
        training: what it learns from.
        validation: what is evaluated after each epoch, if anything.
        epochs: their numbers.
        callbacks: Keras' own or the project's.

    Returns:
        Keras' measures of each epoch; `seconds` of its training part, `images_per_second` and
        `data_wait_share`, the part of those seconds in which no image was there to train with; and where
        images are streamed what travelled meanwhile: `bytes_fetched`, `cache_hits` and others.
    """
    history = keras.callbacks.History()
    watchers = keras.callbacks.CallbackList(
        [history, *callbacks], model=trainer, steps=len(training), epochs=epochs.stop
    )
    trainer.stop_training = False
    watchers.on_train_begin()
    for epoch in epochs:
        watchers.on_epoch_begin(epoch)
        logs = _train_epoch(trainer, training, watchers)
        if validation is not None and not trainer.stop_training:
            logs |= _evaluate(trainer, validation)
        watchers.on_epoch_end(epoch, logs)
        if trainer.stop_training:
            break
    watchers.on_train_end()
    return history


def _train_epoch(trainer: keras.Model, batches: Batches, watchers: Any) -> dict[str, float]:
    waiting, before, began = Waiting(batches), batches.statistics, time.perf_counter()
    means, images = Means(), batches.images
    for step, (rows, pixels) in enumerate(waiting):
        watchers.on_train_batch_begin(step)
        labels, weights = images.labels[rows], images.weights[rows]
        means.add(trainer.train_on_batch(pixels, labels, weights, return_dict=True), len(rows))
        watchers.on_train_batch_end(step, means.values)
        if trainer.stop_training:
            break
    seconds = time.perf_counter() - began
    return {
        **means.values,
        "seconds": seconds,
        "images_per_second": waiting.images / seconds,
        "data_wait_share": waiting.seconds / seconds,
        **{name: float(count - before[name]) for name, count in batches.statistics.items()},
    }


def _evaluate(trainer: keras.Model, batches: Batches) -> dict[str, float]:
    means, images = Means(), batches.images
    for rows, pixels in batches:
        labels, weights = images.labels[rows], images.weights[rows]
        means.add(trainer.test_on_batch(pixels, labels, weights, return_dict=True), len(rows))
    return {f"val_{name}": value for name, value in means.values.items()}
