"""Read the tensors of a PyTorch checkpoint without PyTorch.

The layout is the one `torch.save` wrote before version 1.6: five pickles (magic number, protocol,
system facts, the object, the keys of the storages), then for every key the number of elements as
int64 and the elements themselves. See `_legacy_load` in PyTorch's torch/serialization.py.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
DTYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage(NamedTuple):
    """A block of elements that lies further down in the file."""

    key: str
    dtype: np.dtype[Any]


class _View(NamedTuple):
    """A tensor as a window on a storage; strides count elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _View:
    return _View(storage, offset, shape, strides)


ALLOWED: dict[tuple[str, str], Callable[..., object] | str] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): "FloatStorage",
    ("torch", "LongStorage"): "LongStorage",
}


class _TensorUnpickler(pickle.Unpickler):
    """Unpickles tensors and dictionaries; refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return ALLOWED[module, name]

    def persistent_load(self, identifier: tuple[Any, ...]) -> _Storage:
        _, kind, key, *_ = identifier
        return _Storage(key, DTYPES[kind])


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read a state dictionary.

    Args:
        path: a checkpoint in PyTorch's format from before 1.6.

    Returns:
        The tensors by name, in the file's order, with PyTorch's axes.

    Raises:
        pickle.UnpicklingError: the file asks for a class that weights do not need.
        ValueError: the file has another layout or ends early.
    """
    with path.open("rb") as file:
        if not file.peek(1).startswith(b"\x80") or _unpickle(file) != MAGIC_NUMBER:
            raise ValueError(f"{path.name} is not a PyTorch checkpoint from before version 1.6")
        _protocol, _system = _unpickle(file), _unpickle(file)
        views: dict[str, _View] = _unpickle(file)
        dtypes = {view.storage.key: view.storage.dtype for view in views.values()}
        storages = {key: _read_storage(file, dtypes[key]) for key in _unpickle(file)}
    return {name: _view_array(view, storages) for name, view in views.items()}


def _unpickle(file: BinaryIO) -> Any:
    return _TensorUnpickler(file).load()


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    content = file.read(count * dtype.itemsize)
    if not content or len(content) < count * dtype.itemsize:
        raise ValueError("The checkpoint ends in the middle of a tensor")
    return np.frombuffer(content, dtype)


def _view_array(view: _View, storages: dict[str, np.ndarray]) -> np.ndarray:
    elements = storages[view.storage.key][view.offset :]
    _check_bounds(view, elements.size)
    strides = [stride * elements.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(elements, view.shape, strides, writeable=False)


def _check_bounds(view: _View, available: int) -> None:
    last = sum((length - 1) * stride for length, stride in zip(view.shape, view.strides, strict=True))
    if min((view.offset, *view.strides)) < 0 or last >= available:
        raise ValueError(f"A tensor of shape {view.shape} reaches beyond its storage")
