"""Which devices train together: one, the GPUs of a machine, or those of several machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mayo_kedro.errors import UserError


@dataclass(frozen=True)
class Devices:
    """The devices that share every batch, and which of the machines this one is.

    Attributes:
        strategy: TensorFlow's way to keep them in step; with one device it does nothing.
        worker: number of this machine, from 0.
        workers: machines that train together.
    """

    strategy: tf.distribute.Strategy
    worker: int = 0
    workers: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this is the machine that tells and saves."""
        return self.worker == 0

    @property
    def replicas(self) -> int:
        """Devices of this machine."""
        return int(self.strategy.num_replicas_in_sync) // self.workers

    def spread(self, *arrays: npt.ArrayLike) -> Sequence[Any]:
        """Divide the rows of arrays among the devices of this machine.

        Args:
            arrays: each with at least as many rows as there are devices.

        Returns:
            For each array one value that `strategy.run` takes apart.
        """
        if self.replicas == 1:
            return arrays
        parts = [np.array_split(np.asarray(array), self.replicas) for array in arrays]
        return [self._distribute(part) for part in parts]

    def _distribute(self, parts: Sequence[npt.NDArray[Any]]) -> Any:
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group % self.replicas])
        )

    def tell_all(self, message: bytes) -> bytes:
        """Give every machine what the chief says; each of them has to call this."""
        if self.workers == 1:
            return message
        length = self._take_from_chief(np.array([len(message)], np.int32))[0]
        if length == 0:  # TensorFlow dies of adding up nothing.
            return b""
        padded = np.zeros(-(-length // 4), np.int32)
        if self.is_chief:
            padded.view(np.uint8)[:length] = np.frombuffer(message, np.uint8)
        return self._take_from_chief(padded).tobytes()[:length]

    def agree(self, number: float) -> float:
        """Take the chief's number, so that all machines decide alike."""
        return float(np.frombuffer(self.tell_all(np.float64(number).tobytes()))[0])

    def _take_from_chief(self, numbers: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Add up what the chief's first device has and nothing from the others."""
        total = _add_up(self.strategy)(tf.constant(numbers if self.is_chief else np.zeros_like(numbers)))
        return np.asarray(total, np.int32)


@cache
def _add_up(strategy: tf.distribute.Strategy) -> Any:
    def add(numbers: tf.Tensor) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        counts = tf.cast(tf.equal(context.replica_id_in_sync_group, 0), numbers.dtype)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, numbers * counts)

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def add_up(numbers: tf.Tensor) -> tf.Tensor:
        return strategy.experimental_local_results(strategy.run(add, args=(numbers,)))[0]

    return add_up


@cache
def open_devices(wanted: str | int) -> Devices:
    """Find the devices and connect them.

    Once a process: TensorFlow can meet other machines only before it has computed anything.

    Args:
        wanted: how many GPUs of this machine; "auto" takes all.

    Raises:
        UserError: there are not so many.
    """
    cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    workers = cluster.cluster_spec().as_dict().get("worker", [])
    if len(workers) > 1:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        return Devices(strategy, int(cluster.task_id), len(workers))
    names = [device.name.removeprefix("/physical_device:") for device in _find_gpus()]
    if wanted != "auto" and int(wanted) > max(1, len(names)):
        raise UserError(
            f"modelling.devices asks for {wanted} GPUs, but this machine has {len(names)}.",
            "Lower it, or set it to auto.",
        )
    chosen = names if wanted == "auto" else names[: int(wanted)]
    return Devices(
        tf.distribute.MirroredStrategy(chosen) if len(chosen) > 1 else tf.distribute.get_strategy()
    )


def _find_gpus() -> list[Any]:
    return list(tf.config.list_physical_devices("GPU"))
