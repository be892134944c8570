"""When a stage ends early, and the weights of its best epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy.typing as npt

Weights = Sequence[npt.NDArray[Any]]


@dataclass
class Best:
    """The lowest validation loss so far, and the weights that gave it.

    Attributes:
        loss: infinite before any.
        weights: in Keras' order; None before any.
        waited: epochs since then.
    """

    loss: float = math.inf
    weights: Weights | None = field(default=None, repr=False)
    waited: int = 0

    def look_at(self, loss: float, network: keras.Model) -> None:
        """Take note of an epoch.

        Args:
            loss: its validation loss.
            network: as it is after the epoch.
        """
        if loss < self.loss:
            self.loss, self.weights, self.waited = loss, network.get_weights(), 0
        else:
            self.waited += 1

    def restore(self, network: keras.Model) -> None:
        """Give the network the weights of the best epoch, if there was any."""
        if self.weights is not None:
            network.set_weights(self.weights)
