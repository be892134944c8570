"""Random numbers of a training that follow from seed, epoch and batch alone."""

import keras
import numpy as np


class Randomness:
    """The random layers of a network: augmentation and dropout.

    Keras' generators count on from call to call. Here each is set anew before every batch, so that a
    training that is taken up again at any batch draws what it would have drawn.

    Args:
        network: whose layers draw.
        seed: of the training.
        worker: number of this machine; each changes its images in its own way.
    """

    def __init__(self, network: keras.Model, seed: int, worker: int = 0) -> None:
        self._states = [variable for variable in network.variables if variable.name == "seed_generator_state"]
        self._seed = seed
        self._worker = worker

    def move_to(self, epoch: int, batch: int) -> None:
        """Make the generators draw the numbers of a batch next.

        Args:
            epoch: from 0, over all stages.
            batch: of the epoch, from 0.
        """
        numbers = np.random.SeedSequence([self._seed, self._worker, epoch, batch])
        for state, first in zip(self._states, numbers.generate_state(len(self._states)), strict=True):
            state.assign([int(first), 0])
