"""The loader as a user's own Keras training takes it, with images that a real service streams."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.images import StreamedImages
from mayo_kedro.streaming.loader import BatchLoader

BATCH_SIZE, EPOCHS, SIDE = 16, 2, 16
PATHS = (tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.string))


@pytest.fixture(scope="module")
def table(small_sample):
    return pd.read_csv(small_sample / "train.csv", dtype=str)


@pytest.fixture(scope="module")
def ids(table):
    return table["image_id"].tolist()


@pytest.fixture(scope="module")
def labels(table):
    return (table["label"] == "LAA").to_numpy(np.int64)


@pytest.fixture
def images(sandbox, tmp_path, ids):
    filesystem = DagsHubFileSystem(
        host=sandbox.host, token=sandbox.token, cache_folder=str(tmp_path), skip_instance_cache=True
    )
    root = f"/{sandbox.owner}/{sandbox.name}@{sandbox.branch}"
    return StreamedImages(filesystem, f"{root}/images", ".png", lambda: ids)


@pytest.fixture
def loader(images, ids):
    return BatchLoader(images, ids, BATCH_SIZE, seed=7, epochs=EPOCHS)


@pytest.fixture
def network():
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    made = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *layers])
    made.compile("adam", "sparse_categorical_crossentropy")
    return made


def decode(path):
    pixels = tf.io.decode_png(tf.io.read_file(path), channels=3)
    return tf.cast(tf.image.resize(pixels, (SIDE, SIDE)), tf.uint8)


def decode_batch(rows, paths):
    decoded = tf.map_fn(decode, paths, fn_output_signature=tf.TensorSpec((SIDE, SIDE, 3), tf.uint8))
    return rows, decoded


def as_dataset(loader, epoch, first_batch=0):
    """The rest of an epoch as batches of (row numbers, pixels), a few of them prefetched."""

    def generate():
        return ((batch.rows, batch.paths) for batch in loader.epoch(epoch, first_batch))

    batches = tf.data.Dataset.from_generator(generate, output_signature=PATHS).map(decode_batch)
    remaining = tf.data.experimental.assert_cardinality(len(loader) - first_batch)
    return batches.prefetch(4).apply(remaining)


class Batches(keras.utils.PyDataset):
    """The batches of the epoch that Keras is in, by their number."""

    def __init__(self, loader, labels):
        super().__init__(workers=2, max_queue_size=4)
        self.loader, self.labels = loader, labels
        self.epoch = 0
        self.given = []

    def __len__(self):
        return len(self.loader)

    def __getitem__(self, index):
        batch = self.loader.batch(self.epoch, index)
        self.given.append((batch.epoch, batch.index, batch.rows.tolist()))
        return np.stack([decode(path).numpy() for path in batch.paths]), self.labels[batch.rows]

    def count_epochs(self):
        """`on_epoch_end` is no measure: Keras calls it once more while it builds the network."""
        return keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: setattr(self, "epoch", epoch)
        )


def test_tf_data_trains_whole_epochs(loader, labels, network):
    def labelled(rows, pixels):
        return pixels, tf.gather(labels, rows)

    for epoch in range(EPOCHS):
        fitted = network.fit(as_dataset(loader, epoch).map(labelled), shuffle=False, verbose=0)
        assert np.isfinite(fitted.history["loss"]).all()
    assert network.optimizer.iterations == EPOCHS * len(loader)


def test_tf_data_gives_every_image_once_and_in_order(loader, ids, small_sample):
    batches = list(as_dataset(loader, 1).as_numpy_iterator())
    assert len(batches) == len(loader) == as_dataset(loader, 1).cardinality()
    assert [pixels.shape for _, pixels in batches[:-1]] == [(BATCH_SIZE, SIDE, SIDE, 3)] * (len(loader) - 1)
    rows = np.concatenate([rows for rows, _ in batches])
    assert sorted(rows) == list(range(len(ids)))
    np.testing.assert_array_equal(rows, np.concatenate([batch.rows for batch in loader.epoch(1)]))
    for row, pixels in zip(*batches[2], strict=True):
        file = small_sample / "images" / f"{ids[row]}.png"
        np.testing.assert_array_equal(pixels, decode(str(file)).numpy())


def test_a_training_that_prefetches_goes_on_where_it_was(loader, images, ids):
    whole = [
        rows.tolist() for epoch in range(EPOCHS) for rows, _ in as_dataset(loader, epoch).as_numpy_iterator()
    ]
    for used, _ in enumerate(as_dataset(loader, 0), 1):
        saved = json.dumps(loader.state_after(0, used))
        if used == 3:
            break

    restored = BatchLoader(images, ids, BATCH_SIZE, seed=7, epochs=EPOCHS)
    restored.load_state_dict(json.loads(saved))
    state = restored.state_dict()
    rest = [*as_dataset(restored, state["epoch"], state["batch"]), *as_dataset(restored, state["epoch"] + 1)]
    assert [rows.numpy().tolist() for rows, _ in rest] == whole[3:]


def test_a_keras_dataset_with_workers_trains_whole_epochs(loader, labels, network):
    batches = Batches(loader, labels)
    assert batches[0][0].shape == (BATCH_SIZE, SIDE, SIDE, 3)
    batches.given.clear()
    fitted = network.fit(batches, epochs=EPOCHS, shuffle=False, callbacks=[batches.count_epochs()], verbose=0)
    assert np.isfinite(fitted.history["loss"]).all()
    assert network.optimizer.iterations == EPOCHS * len(loader)
    # Keras looks at some batches twice, to learn their shapes.
    every = [batch for epoch in range(EPOCHS) for batch in loader.epoch(epoch)]
    assert {(epoch, index) for epoch, index, _ in batches.given} == {(b.epoch, b.index) for b in every}
    rows = {(batch.epoch, batch.index): batch.rows.tolist() for batch in every}
    assert all(given == rows[epoch, index] for epoch, index, given in batches.given)


def test_a_file_travels_once_however_many_epochs(sandbox, loader, ids):
    sandbox.reset()
    for epoch in range(EPOCHS):
        assert sum(len(batch.paths) for batch in loader.epoch(epoch)) == len(ids)
    fetched = [path for path in sandbox.counts()["paths"] if "/raw/" in path and path.endswith(".png")]
    assert len(fetched) == len(ids)
    assert {sandbox.counts()["paths"][path]["requests"] for path in fetched} == {1}
