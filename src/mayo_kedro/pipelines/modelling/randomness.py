"""Random numbers of a training that follow from its seed, and from epoch and batch, alone."""

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


def draw_weights(network: keras.Model, seed: int) -> None:
    """Draw the kernels of a network's own layers anew, not those of a network among them.

    Keras seeds initializers from Python's global random numbers. Any thread may draw one of those while a
    network is built, such as a retry of the streaming, and all later layers would begin otherwise.

    Args:
        network: whose layers have one kernel each, or none.
        seed: of the training.
    """
    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    numbers = np.random.SeedSequence(seed).generate_state(len(layers))
    for layer, number in zip(layers, numbers, strict=True):
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        initializer = layer.depthwise_initializer if is_depthwise else layer.kernel_initializer
        seeded = initializer.from_config(initializer.get_config() | {"seed": int(number)})
        layer.kernel.assign(seeded(layer.kernel.shape))
