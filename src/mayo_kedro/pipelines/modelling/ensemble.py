"""Several networks as one."""

from collections.abc import Sequence

import keras

MEMBER = "network_"


def average_networks(networks: Sequence[keras.Model]) -> keras.Model:
    """Make a network whose probabilities are the means of those of others.

    Args:
        networks: from the same kind of images to the same classes; one alone stays as it is.

    Returns:
        A model of Keras' own layers that holds the others as `network_0`, `network_1`, ….
    """
    if len(networks) == 1:
        return networks[0]
    images = keras.Input(networks[0].input_shape[1:], dtype="uint8", name="image")
    named = [
        keras.Model(network.input, network.output, name=f"{MEMBER}{number}")
        for number, network in enumerate(networks)
    ]
    mean = keras.layers.Average(name="mean", dtype="float32")([network(images) for network in named])
    return keras.Model(images, mean, name="classifier")


def find_members(network: keras.Model) -> list[keras.Model]:
    """The networks that `average_networks` averaged; none of a network that stands alone."""
    return [layer for layer in network.layers if layer.name.startswith(MEMBER)]
