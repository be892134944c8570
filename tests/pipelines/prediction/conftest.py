"""A predictor of small networks, and images for it."""

import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem
from PIL import Image

from mayo_kedro.predictor import Predictor
from mayo_kedro.streaming.new_images import NewImages, list_images

SIDE, WIDTH = 32, 6
CLASSES = ("CE", "LAA")


def build(seed, side=SIDE, classes=2):
    """A network of the layers that the modelling's have, but for the backbone."""
    import keras

    keras.utils.set_random_seed(seed)
    images = keras.Input((side, side, 3), dtype="uint8", name="image")
    pixels = keras.layers.Rescaling(1 / 64, dtype="float32")(images)
    features = keras.layers.Conv2D(WIDTH, 8, strides=8, activation="relu")(pixels)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    head = keras.layers.Dense(classes, activation="softmax", name="probabilities")
    return keras.Model(images, head(pooled), name="classifier")


@pytest.fixture
def build_network():
    """Makes a small network from a seed."""
    return build


def draw(generator, side=40):
    """A light picture with a dark spot."""
    picture = generator.normal(220, 8, (side, side, 3))
    picture[10:20, 10:25] = generator.normal((150, 60, 90), 15, (10, 15, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture
def new_images(tmp_path):
    """Five good images of three patients, one that is cut short, and one of another colour."""
    folder = tmp_path / "new"
    folder.mkdir()
    generator = np.random.default_rng(4)
    for name in ("006388_0", "006388_1", "2e3749_0", "2e3749_1", "aa_0"):
        Image.fromarray(draw(generator)).save(folder / f"{name}.png")
    content = (folder / "aa_0.png").read_bytes()
    (folder / "cut_0.png").write_bytes(content[: len(content) // 2])
    Image.fromarray(255 - draw(generator)).save(folder / "inverted_0.png")
    return open_folder(folder)


def open_folder(folder):
    filesystem, files = LocalFileSystem(), list_images(LocalFileSystem(), str(folder))
    return NewImages(filesystem, str(folder), files, pd.DataFrame({"image": list(files)}))


@pytest.fixture(scope="session")
def networks():
    """Two networks a fold, averaged."""
    from mayo_kedro.pipelines.modelling.ensemble import average_networks

    return {f"fold_{fold}": average_networks([build(fold), build(10 + fold)]) for fold in range(2)}


@pytest.fixture(scope="session")
def predictor(networks, tmp_path_factory):
    from mayo_kedro.pipelines.modelling.pixels import StreamedPixels
    from mayo_kedro.pipelines.modelling.predicting import predict, tabulate_embeddings

    folder = tmp_path_factory.mktemp("predictor")
    generator = np.random.default_rng(1)
    held_out, files = [], {}
    for number, (name, network) in enumerate(networks.items()):
        files[name] = folder / f"{name}.keras"
        network.save(files[name])
        (folder / name).mkdir()
        for patient in range(25):
            Image.fromarray(draw(generator)).save(folder / name / f"p{number}{patient}_0.png")
        images = open_folder(folder / name)
        table = images.table.assign(patient=images.table["image"], fold=number)
        held_out.append(tabulate_embeddings(table, predict(network, StreamedPixels(images, SIDE), table, 8)))
    embeddings = pd.concat(held_out, ignore_index=True)
    return Predictor(files, embeddings, CLASSES, {"nearest": 1, "quantile": 0.98})
