import json
import tracemalloc
from itertools import islice

import numpy as np
import pytest
from fsspec.implementations.local import LocalFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.images import StreamedImages
from mayo_kedro.streaming.loader import BatchLoader, RowIds, fingerprint
from mayo_kedro.streaming.order import Groups

IDS = [f"image_{number:02}" for number in range(23)]


class Folder:
    """Files of a folder as a stream that remembers what was asked for."""

    def __init__(self, path):
        self.path = path
        self.asked, self.ahead = [], []
        self.ended = False

    def stream(self, ids, ahead=()):
        for image in ids:
            self.asked.append(image)
            yield self.path / f"{image}.txt"
        self.ahead.extend(ahead)
        self.ended = True


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file for each id, which holds its id."""
    path = tmp_path_factory.mktemp("files")
    for image in IDS:
        (path / f"{image}.txt").write_text(image)
    return path


@pytest.fixture
def folder(files):
    return Folder(files)


def read(batches):
    """What the files of batches hold, and which rows they are said to be."""
    return [
        (batch.epoch, batch.index, batch.rows.tolist(), [open(path).read() for path in batch.paths])
        for batch in batches
    ]


@pytest.mark.parametrize("ids", [IDS, np.array(IDS)], ids=["list", "array"])
def test_a_batch_holds_the_files_of_its_rows(folder, ids):
    loader = BatchLoader(folder, ids, 5, seed=1)
    batches = list(loader.epoch(2))
    assert len(batches) == len(loader) == 5
    assert [batch.index for batch in batches] == [0, 1, 2, 3, 4]
    for _, _, rows, contents in read(batches):
        assert contents == [IDS[row] for row in rows]
    assert sorted(folder.asked) == IDS
    assert all(type(image) is str for image in folder.asked)


def test_streamed_images_are_such_a_stream(files):
    """Files that lie here are streamed like those of a repository."""
    images = StreamedImages(LocalFileSystem(), str(files), ".txt", lambda: IDS)
    loader = BatchLoader(images, IDS, 5, seed=1, epochs=2)
    assert read(loader.epoch(0)) == read(BatchLoader(Folder(files), IDS, 5, seed=1).epoch(0))


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 30), st.none() | st.integers(0, 99), st.integers(1, 3), st.data())
def test_a_loader_goes_on_at_any_batch_exactly(files, batch_size, seed, shards, data):
    batch_size = max(batch_size, 2 * shards)
    shard = data.draw(st.integers(0, shards - 1))

    def make():
        return BatchLoader(
            Folder(files), IDS, batch_size, seed=seed, shard=shard, shards=shards, groups=groups
        )

    labels = st.lists(st.integers(0, 9), min_size=len(IDS), max_size=len(IDS))
    groups = data.draw(st.none() | labels.map(Groups))
    whole = make()
    everything = read([*whole, *whole, *whole])
    used = data.draw(st.integers(0, len(everything)))

    interrupted, taken = make(), []
    while len(taken) < used:
        taken += read(islice(interrupted, used - len(taken)))
    restored = make()
    restored.load_state_dict(json.loads(json.dumps(interrupted.state_dict())))
    rest = []
    while len(rest) < len(everything) - used:
        rest += read(restored)
    assert taken + rest == everything
    assert restored.state_dict() == whole.state_dict()


def test_a_position_is_that_of_the_training_and_not_of_a_prefetching_consumer(folder):
    loader = BatchLoader(folder, IDS, 5, seed=1)
    everything = read([*loader.epoch(0), *loader.epoch(1)])
    fetched_too_early = iter(loader)
    list(islice(fetched_too_early, 4))
    restored = BatchLoader(folder, IDS, 5, seed=1)
    restored.load_state_dict(loader.state_after(0, 2))
    assert read([*restored, *restored]) == everything[2:]


def test_an_epoch_that_is_used_up_is_followed_by_the_next(folder):
    loader = BatchLoader(folder, IDS, 5, seed=1)
    assert loader.state_after(3, len(loader)) == loader.state_after(4, 0)
    assert loader.state_after(0, 2 * len(loader) + 1) == loader.state_after(2, 1)


def test_asking_for_an_epoch_leaves_the_position(folder):
    loader = BatchLoader(folder, IDS, 5, seed=1)
    before = loader.state_dict()
    list(loader.epoch(3))
    loader.batch(4, 1)
    assert loader.state_dict() == before


def test_any_batch_can_be_asked_for_alone(folder):
    loader = BatchLoader(folder, IDS, 5, seed=1, epochs=3)
    epoch = read(loader.epoch(1))
    assert read(loader.batch(1, index) for index in (3, 0, 4)) == [epoch[3], epoch[0], epoch[4]]
    with pytest.raises(IndexError, match="no batch 5"):
        loader.batch(1, 5)


@pytest.mark.parametrize("shards", [1, 3])
def test_the_next_epoch_is_looked_ahead_at_in_its_order(files, shards):
    folder = Folder(files)
    loader = BatchLoader(folder, IDS, 6, seed=1, epochs=2, shards=shards)
    list(loader.epoch(0))
    ahead = folder.ahead
    folder.asked = []
    list(loader.epoch(1))
    assert ahead == folder.asked


@pytest.mark.parametrize("epochs", [None, 1])
def test_nothing_is_fetched_that_nobody_will_ask_for(folder, epochs):
    loader = BatchLoader(folder, IDS, 5, seed=1, epochs=epochs)
    list(loader.epoch(0))
    assert folder.ended
    assert folder.ahead == []


def test_a_batch_waits_for_no_file_but_its_own(folder):
    loader = BatchLoader(folder, IDS, 5, seed=1, epochs=2)
    next(loader.epoch(0))
    assert len(folder.asked) == 5


def test_a_million_rows_are_numbers_until_they_are_used(folder):
    ids = np.arange(1_000_000).astype(str)
    loader = BatchLoader(folder, ids, 16, seed=1, epochs=2)
    tracemalloc.start()
    next(loader.epoch(0))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 3 * 8 * len(ids)


def test_files_that_are_not_needed_are_not_fetched(folder):
    in_memory = set(IDS[::2])
    loader = BatchLoader(folder, IDS, 5, seed=1, epochs=2)
    batches = list(loader.epoch(0, 1, skip=in_memory.__contains__))
    for batch in batches:
        assert batch.rows.tolist() == loader.batch(0, batch.index).rows.tolist()
        for row, path in zip(batch.rows, batch.paths, strict=True):
            assert path == ("" if IDS[row] in in_memory else str(folder.path / f"{IDS[row]}.txt"))
    assert in_memory.isdisjoint(folder.ahead)
    assert set(folder.ahead) == set(IDS) - in_memory


def test_what_is_in_memory_is_asked_once_when_the_epoch_begins(folder):
    in_memory = set(IDS[:3])
    loader = BatchLoader(folder, IDS, 5, seed=1)
    batches = loader.epoch(0, skip=in_memory.__contains__)
    given_paths = list(next(batches).paths)
    in_memory.update(IDS)
    for batch in batches:
        given_paths += batch.paths
    assert given_paths.count("") == 3


def test_an_epoch_in_memory_asks_for_nothing(folder):
    batches = list(BatchLoader(folder, IDS, 5).epoch(0, skip=lambda image: True))
    assert [path for batch in batches for path in batch.paths] == [""] * len(IDS)
    assert folder.asked == []


def test_an_epoch_begun_behind_its_last_batch_is_empty(folder):
    assert list(BatchLoader(folder, IDS, 5).epoch(0, 5)) == []
    with pytest.raises(ValueError, match="no batch 6"):
        list(BatchLoader(folder, IDS, 5).epoch(0, 6))


def test_what_the_files_raise_arrives_in_its_turn(tmp_path):
    for image in IDS[:12]:
        (tmp_path / f"{image}.png").touch()
    images = StreamedImages(LocalFileSystem(), str(tmp_path), ".png", lambda: IDS)
    loader = BatchLoader(images, IDS, 5)
    batches = iter(loader)
    assert [batch.index for batch in islice(batches, 2)] == [0, 1]
    with pytest.raises(FileNotFoundError):
        next(batches)
    assert (loader.state_dict()["epoch"], loader.state_dict()["batch"]) == (0, 2)


@pytest.mark.parametrize(
    ("ids", "settings", "message"),
    [
        (IDS, {"batch_size": 6, "seed": 1}, "batch_size is 5 there and 6 here"),
        (IDS, {"batch_size": 5, "seed": 2}, "seed is 1 there and 2 here"),
        (IDS, {"batch_size": 5}, "seed is 1 there and None here"),
        (IDS[:-1], {"batch_size": 5, "seed": 1}, "size is 23 there and 22 here; ids is '"),
        (IDS, {"batch_size": 5, "seed": 1, "groups": Groups([0] * 23)}, "groups is None there and '[0-9a-f]"),
        (IDS[::-1], {"batch_size": 5, "seed": 1}, "fit: ids is '[0-9a-f]{16}' there and '[0-9a-f]{16}' here"),
    ],
)
def test_a_position_in_other_data_is_refused(folder, ids, settings, message):
    state = BatchLoader(folder, IDS, 5, seed=1).state_after(1, 2)
    loader = BatchLoader(folder, ids, **settings)
    with pytest.raises(UserError, match=message):
        loader.load_state_dict(state)
    assert (loader.state_dict()["epoch"], loader.state_dict()["batch"]) == (0, 0)


@pytest.mark.parametrize(
    "damage",
    [
        {"batch": 5},
        {"batch": -1},
        {"batch": None},
        {"batch": "2"},
        {"epoch": -1},
        {"epoch": None},
        {"epoch": 1.5},
    ],
)
def test_a_position_that_is_none_is_refused(folder, damage):
    loader = BatchLoader(folder, IDS, 5, seed=1)
    with pytest.raises(UserError, match=r"there is no batch .* of epoch"):
        loader.load_state_dict({**loader.state_dict(), **damage})


def test_something_else_than_a_position_is_refused(folder):
    with pytest.raises(UserError, match="seed is None there and 1 here"):
        BatchLoader(folder, IDS, 5, seed=1).load_state_dict({})


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_training_goes_on_with_another_number_of_shards(folder, shards):
    state = BatchLoader(folder, IDS, 8, seed=1).state_after(0, 1)
    alone = BatchLoader(folder, IDS, 8, seed=1)
    alone.load_state_dict(state)
    expected = {row for batch in alone for row in batch.rows.tolist()}
    rows = []
    for shard in range(shards):
        loader = BatchLoader(folder, IDS, 8, seed=1, shard=shard, shards=shards)
        loader.load_state_dict(state)
        rows += [row for batch in loader for row in batch.rows.tolist()]
    assert len(rows) == len(expected)
    assert set(rows) == expected


def test_the_fingerprint_tells_ids_and_their_order_and_not_their_container():
    assert fingerprint(IDS) == fingerprint(np.array(IDS)) == fingerprint(tuple(IDS))
    others = [IDS[::-1], IDS[1:], ["ab", "c"], ["a", "bc"], ["abc"], []]
    assert len({fingerprint(ids) for ids in (IDS, *others)}) == 7


def test_ids_of_rows_are_a_sequence():
    ids = RowIds(np.array(IDS), np.array([4, 2, 9]))
    assert list(ids) == [IDS[4], IDS[2], IDS[9]]
    assert len(ids) == 3
    assert ids[-1] == IDS[9]
    assert list(ids[1:]) == [IDS[2], IDS[9]]
    assert IDS[2] in ids


def test_fewer_rows_than_shards_are_refused(folder):
    with pytest.raises(ValueError, match="too few for 4 shards"):
        BatchLoader(folder, IDS[:3], 8, shards=4)
