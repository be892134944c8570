import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mayo_kedro.streaming.order import BatchOrder

sizes = st.integers(1, 300)
batch_sizes = st.integers(1, 40)
seeds = st.none() | st.integers(0, 2**40)
epochs = st.integers(0, 1000)


def possible_order(size, batch_size, seed=None, shard=0, shards=1):
    """An order; the example is passed over if there are too few rows for the shards."""
    try:
        return BatchOrder(size, batch_size, seed, shard, shards)
    except ValueError:
        assume(False)


def batches_of_shards(size, batch_size, seed, shards, epoch):
    """Batch by batch, the rows of every shard."""
    orders = [possible_order(size, batch_size, seed, shard, shards) for shard in range(shards)]
    return list(zip(*(order.rows(epoch) for order in orders), strict=True))


def deal_back(of_shards):
    """The global batch that was dealt out to the shards."""
    whole = np.empty(sum(map(len, of_shards)), np.int64)
    for shard, rows in enumerate(of_shards):
        whole[shard :: len(of_shards)] = rows
    return whole


@given(sizes, batch_sizes, seeds, epochs)
def test_every_epoch_has_every_row_once_in_full_batches(size, batch_size, seed, epoch):
    order = BatchOrder(size, batch_size, seed)
    batches = list(order.rows(epoch))
    assert sorted(np.concatenate(batches)) == list(range(size))
    assert [len(rows) for rows in batches[:-1]] == [batch_size] * (len(order) - 1)
    assert len(batches) == len(order)
    assert all(rows.dtype == np.int64 for rows in batches)


@given(sizes, batch_sizes, seeds, epochs, st.integers(1, 8))
def test_shards_divide_every_batch_evenly_and_none_goes_without(size, batch_size, seed, epoch, shards):
    batches = batches_of_shards(size, batch_size, seed, shards, epoch)
    for of_shards in batches:
        lengths = [len(rows) for rows in of_shards]
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1
        assert sum(lengths) <= batch_size
    assert sorted(np.concatenate([rows for of_shards in batches for rows in of_shards])) == list(range(size))


@given(st.integers(4, 300), st.integers(7, 40), seeds, epochs, st.integers(2, 4))
def test_global_batches_are_the_same_for_any_number_of_shards(size, batch_size, seed, epoch, shards):
    alone = list(BatchOrder(size, batch_size, seed).rows(epoch))
    batches = [deal_back(parts) for parts in batches_of_shards(size, batch_size, seed, shards, epoch)]
    np.testing.assert_array_equal(np.concatenate(batches), np.concatenate(alone))
    # Only a last batch with fewer rows than shards begins earlier.
    same = len(alone) if len(alone[-1]) >= shards else len(alone) - 2
    assert [rows.tolist() for rows in batches[:same]] == [rows.tolist() for rows in alone[:same]]
    assert len(batches) == len(alone)


@given(sizes, batch_sizes, seeds, epochs, st.integers(1, 4), st.data())
def test_all_rows_are_those_of_the_batches_one_behind_the_other(size, batch_size, seed, epoch, shards, data):
    order = possible_order(size, batch_size, seed, data.draw(st.integers(0, shards - 1)), shards)
    first = data.draw(st.integers(0, len(order)))
    expected = [row for batch in order.rows(epoch, first) for row in batch]
    assert order.all_rows(epoch, first).tolist() == expected


def test_a_last_batch_too_small_for_the_shards_takes_rows_from_the_one_before():
    batches = [deal_back(parts).tolist() for parts in batches_of_shards(21, 10, None, 4, 0)]
    assert batches == [[*range(10)], [*range(10, 17)], [*range(17, 21)]]


@given(st.integers(1, 20), st.integers(0, 300), st.integers(0, 40))
def test_whatever_has_room_for_two_rows_a_shard_can_be_divided(shards, more_rows, larger):
    order = BatchOrder(shards + more_rows, 2 * shards + larger, shards=shards)
    assert len(order) == -(-order.size // order.batch_size)


@given(sizes, batch_sizes, seeds, epochs, st.data())
def test_any_tail_and_any_single_batch_are_those_of_the_whole_epoch(size, batch_size, seed, epoch, data):
    shards = data.draw(st.integers(1, 4))
    order = possible_order(size, batch_size, seed, data.draw(st.integers(0, shards - 1)), shards)
    whole = list(order.rows(epoch))
    first = data.draw(st.integers(0, len(order)))
    tail = list(order.rows(epoch, first))
    assert [rows.tolist() for rows in tail] == [rows.tolist() for rows in whole[first:]]
    index = data.draw(st.integers(0, len(order) - 1))
    np.testing.assert_array_equal(order.batch(epoch, index), whole[index])


@given(st.integers(20, 300), st.integers(0, 2**40), epochs, epochs)
def test_epochs_differ_and_seeds_differ(size, seed, epoch, other):
    def rows(seed, epoch):
        return next(BatchOrder(size, size, seed).rows(epoch)).tolist()

    assume(epoch != other)
    assert rows(seed, epoch) != rows(seed, other)
    assert rows(seed, epoch) != rows(seed + 1, epoch)


def test_without_a_seed_every_epoch_has_the_order_of_the_table():
    order = BatchOrder(5, 2)
    assert [rows.tolist() for rows in order.rows(0)] == [[0, 1], [2, 3], [4]]
    assert [rows.tolist() for rows in order.rows(7)] == [[0, 1], [2, 3], [4]]


def test_another_process_finds_the_same_order():
    code = (
        "import json; from mayo_kedro.streaming.order import BatchOrder; "
        "print(json.dumps([r.tolist() for e in (0, 1) for r in BatchOrder(100, 16, 7, 1, 3).rows(e)]))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    here = [rows.tolist() for epoch in (0, 1) for rows in BatchOrder(100, 16, 7, 1, 3).rows(epoch)]
    assert json.loads(printed) == here


def test_the_order_of_a_seed_never_changes():
    """A saved position is worth nothing after an update of NumPy that permutes otherwise."""
    assert [rows.tolist() for rows in BatchOrder(10, 4, 7).rows(3)] == [[3, 5, 4, 7], [8, 0, 9, 2], [1, 6]]


def test_a_batch_may_be_changed_without_changing_the_order():
    order = BatchOrder(10, 4, 7)
    order.batch(0, 0)[:] = 99
    assert order.batch(0, 0).max() < 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 3, "batch_size": 8, "shards": 4}, "3 rows in batches of 8 are too few for 4 shards"),
        ({"size": 0, "batch_size": 8}, "0 rows .* too few"),
        ({"size": 9, "batch_size": 2, "shards": 3}, "too few for 3 shards"),
        ({"size": 7, "batch_size": 3, "shards": 3}, "too few for 3 shards"),
        ({"size": 9, "batch_size": 0}, "at least one row"),
        ({"size": 9, "batch_size": 3, "shard": 2, "shards": 2}, "no shard 2 of 2"),
        ({"size": 9, "batch_size": 3, "shard": -1}, "no shard -1"),
        ({"size": 9, "batch_size": 3, "shards": 0}, "no shard 0 of 0"),
    ],
)
def test_what_cannot_be_divided_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BatchOrder(**settings)


def test_a_batch_that_is_not_there_is_refused():
    order = BatchOrder(10, 4)
    with pytest.raises(IndexError, match="no batch 3; an epoch has 3"):
        order.batch(0, 3)
    with pytest.raises(IndexError, match="no batch -1"):
        order.batch(0, -1)
    with pytest.raises(ValueError, match="no batch 4"):
        order.rows(0, 4)
    assert list(order.rows(0, 3)) == []
