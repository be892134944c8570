"""One step of training or evaluation, the same on one device as on many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mayo_kedro.pipelines.modelling.devices import Devices


@dataclass(frozen=True)
class Outcome:
    """Means over the images of a batch, those of all devices.

    Attributes:
        images: how many.
        loss: weighted cross-entropy.
        accuracy: share of the images whose likeliest class is right.
    """

    images: int
    loss: float
    accuracy: float


class Steps:
    """Trains and evaluates a network batch by batch.

    Keras' own `fit` and `train_on_batch` fail where several machines train together
    (github.com/keras-team/keras/issues/20585); this is what they do otherwise.

    Args:
        trainer: from uint8 images (batch, size, size, 3) to probabilities.
        optimizer: its variables are made here, for what is trainable now.
        devices: share every batch.
    """

    def __init__(self, trainer: keras.Model, optimizer: keras.optimizers.Optimizer, devices: Devices) -> None:
        self.trainer = trainer
        self.optimizer = optimizer
        self._devices = devices
        with devices.strategy.scope():
            optimizer.build(trainer.trainable_variables)
        signature = _describe_batch(trainer) if devices.replicas == 1 else None
        # XLA compiles for long and only pays on a GPU; it knows no exchange between devices.
        compiles = devices.strategy.num_replicas_in_sync == 1 and bool(tf.config.list_physical_devices("GPU"))
        self._train = tf.function(self._train_everywhere, input_signature=signature, jit_compile=compiles)
        self._test = tf.function(self._test_here, input_signature=_describe_batch(trainer))

    def train(self, pixels: tf.Tensor, labels: npt.ArrayLike, weights: npt.ArrayLike) -> Outcome:
        """Change the network by one batch, of which each machine has a part.

        Args:
            pixels: uint8, (images, size, size, 3).
            labels: classes, (images,).
            weights: of the images in the loss, (images,).

        Returns:
            Means over the whole batch as it was before the step.
        """
        batch = _pad(self._devices.replicas, pixels, labels, weights)
        return _read(self._train(*self._devices.spread(*batch)))

    def test(self, pixels: tf.Tensor, labels: npt.ArrayLike, weights: npt.ArrayLike) -> Outcome:
        """Evaluate a batch, on one device of this machine; for the arguments see `train`."""
        return _read(self._test(*_pad(1, pixels, labels, weights)))

    def _train_everywhere(self, *batch: tf.Tensor) -> tf.Tensor:
        sums = self._devices.strategy.run(self._train_replica, args=batch)
        return self._devices.strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    def _train_replica(
        self, pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, counts: tf.Tensor
    ) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        images = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(counts))
        with tf.GradientTape() as tape:
            probabilities = self.trainer(pixels, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
            # Gradients are added up over the devices, so that each divides by the images of all.
            loss = tf.reduce_sum(losses * weights) / images
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainer.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        return _sum_up(probabilities, labels, losses * weights, counts)

    def _test_here(
        self, pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, counts: tf.Tensor
    ) -> tf.Tensor:
        probabilities = self.trainer(pixels, training=False)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        return _sum_up(probabilities, labels, losses * weights, counts)


def _describe_batch(trainer: keras.Model) -> list[tf.TensorSpec]:
    """Any number of images, so that a smaller last batch needs no graph of its own."""
    rows = (None,)
    return [
        tf.TensorSpec((*rows, *trainer.input_shape[1:]), tf.uint8),
        tf.TensorSpec(rows, tf.int64),
        tf.TensorSpec(rows, tf.float32),
        tf.TensorSpec(rows, tf.float32),
    ]


def _pad(
    replicas: int, pixels: tf.Tensor, labels: npt.ArrayLike, weights: npt.ArrayLike
) -> Sequence[npt.ArrayLike]:
    """Repeat the first image, without weight, where there are fewer images than devices."""
    labels, weights = np.asarray(labels, np.int64), np.asarray(weights, np.float32)
    missing = max(0, replicas - len(labels))
    counts = np.ones(len(labels), np.float32)
    if missing == 0:
        return pixels, labels, weights, counts
    nothing = np.zeros(missing, np.float32)
    return (
        np.concatenate([pixels, *[pixels[:1]] * missing]),
        np.concatenate([labels, *[labels[:1]] * missing]),
        np.concatenate([weights, nothing]),
        np.concatenate([counts, nothing]),
    )


def _sum_up(probabilities: tf.Tensor, labels: tf.Tensor, losses: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    right = tf.cast(tf.equal(tf.argmax(probabilities, axis=1), labels), tf.float32)
    return tf.stack([tf.reduce_sum(counts), tf.reduce_sum(losses), tf.reduce_sum(right * counts)])


def _read(sums: Any) -> Outcome:
    images, loss, right = (float(number) for number in sums)
    return Outcome(int(images), loss / images, right / images)
