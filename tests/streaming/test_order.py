import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mayo_kedro.streaming.order import GROUPS_AT_ONCE, BatchOrder, Groups

sizes = st.integers(1, 300)
batch_sizes = st.integers(1, 40)
seeds = st.none() | st.integers(0, 2**40)
epochs = st.integers(0, 1000)
groupings = st.none() | st.integers(1, 60)


def group_rows(size, count):
    """Rows in at most so many groups of different sizes, one here and one there; None without a number."""
    if count is None:
        return None
    return Groups(np.random.default_rng(count).integers(0, count, size))


def possible_order(size, batch_size, seed=None, shard=0, shards=1, grouping=None):
    """An order; the example is passed over if there are too few rows for the shards."""
    try:
        return BatchOrder(size, batch_size, seed, shard, shards, group_rows(size, grouping))
    except ValueError:
        assume(False)


def batches_of_shards(size, batch_size, seed, shards, epoch, grouping=None):
    """Batch by batch, the rows of every shard."""
    orders = [possible_order(size, batch_size, seed, shard, shards, grouping) for shard in range(shards)]
    return list(zip(*(order.rows(epoch) for order in orders), strict=True))


def deal_back(of_shards):
    """The global batch that was dealt out to the shards."""
    whole = np.empty(sum(map(len, of_shards)), np.int64)
    for shard, rows in enumerate(of_shards):
        whole[shard :: len(of_shards)] = rows
    return whole


@given(sizes, batch_sizes, seeds, epochs, groupings)
def test_every_epoch_has_every_row_once_in_full_batches(size, batch_size, seed, epoch, grouping):
    order = BatchOrder(size, batch_size, seed, groups=group_rows(size, grouping))
    batches = list(order.rows(epoch))
    assert sorted(np.concatenate(batches)) == list(range(size))
    assert [len(rows) for rows in batches[:-1]] == [batch_size] * (len(order) - 1)
    assert len(batches) == len(order)
    assert all(rows.dtype == np.int64 for rows in batches)


@given(sizes, batch_sizes, seeds, epochs, st.integers(1, 8), groupings)
def test_shards_divide_every_batch_evenly_and_none_goes_without(
    size, batch_size, seed, epoch, shards, grouping
):
    batches = batches_of_shards(size, batch_size, seed, shards, epoch, grouping)
    for of_shards in batches:
        lengths = [len(rows) for rows in of_shards]
        assert min(lengths) >= 1
        assert max(lengths) - min(lengths) <= 1
        assert sum(lengths) <= batch_size
    assert sorted(np.concatenate([rows for of_shards in batches for rows in of_shards])) == list(range(size))


@given(st.integers(4, 300), st.integers(7, 40), seeds, epochs, st.integers(2, 4), groupings)
def test_global_batches_are_the_same_for_any_number_of_shards(
    size, batch_size, seed, epoch, shards, grouping
):
    alone = list(BatchOrder(size, batch_size, seed, groups=group_rows(size, grouping)).rows(epoch))
    dealt = batches_of_shards(size, batch_size, seed, shards, epoch, grouping)
    batches = [deal_back(parts) for parts in dealt]
    np.testing.assert_array_equal(np.concatenate(batches), np.concatenate(alone))
    # Only a last batch with fewer rows than shards begins earlier.
    same = len(alone) if len(alone[-1]) >= shards else len(alone) - 2
    assert [rows.tolist() for rows in batches[:same]] == [rows.tolist() for rows in alone[:same]]
    assert len(batches) == len(alone)


@given(sizes, batch_sizes, seeds, epochs, st.integers(1, 4), groupings, st.data())
def test_all_rows_are_those_of_the_batches_one_behind_the_other(
    size, batch_size, seed, epoch, shards, grouping, data
):
    shard = data.draw(st.integers(0, shards - 1))
    order = possible_order(size, batch_size, seed, shard, shards, grouping)
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


@given(sizes, batch_sizes, seeds, epochs, groupings, st.data())
def test_any_tail_and_any_single_batch_are_those_of_the_whole_epoch(
    size, batch_size, seed, epoch, grouping, data
):
    shards = data.draw(st.integers(1, 4))
    shard = data.draw(st.integers(0, shards - 1))
    order = possible_order(size, batch_size, seed, shard, shards, grouping)
    whole = list(order.rows(epoch))
    first = data.draw(st.integers(0, len(order)))
    tail = list(order.rows(epoch, first))
    assert [rows.tolist() for rows in tail] == [rows.tolist() for rows in whole[first:]]
    index = data.draw(st.integers(0, len(order) - 1))
    np.testing.assert_array_equal(order.batch(epoch, index), whole[index])


@given(st.integers(20, 300), st.integers(0, 2**40), epochs, epochs, groupings)
def test_epochs_differ_and_seeds_differ(size, seed, epoch, other, grouping):
    def rows(seed, epoch):
        return next(BatchOrder(size, size, seed, groups=group_rows(size, grouping)).rows(epoch)).tolist()

    assume(epoch != other)
    assert rows(seed, epoch) != rows(seed, other)
    assert rows(seed, epoch) != rows(seed + 1, epoch)


def test_without_a_seed_every_epoch_has_the_order_of_the_table():
    order = BatchOrder(5, 2)
    assert [rows.tolist() for rows in order.rows(0)] == [[0, 1], [2, 3], [4]]
    assert [rows.tolist() for rows in order.rows(7)] == [[0, 1], [2, 3], [4]]


@given(sizes, st.integers(0, 2**40), epochs, st.integers(1, 60))
def test_few_groups_are_in_use_at_once(size, seed, epoch, grouping):
    groups = group_rows(size, grouping)
    of_rows = groups.numbers[BatchOrder(size, 7, seed, groups=groups).all_rows(epoch)]
    ends = {group: place for place, group in enumerate(of_rows)}
    in_use = set()
    for place, group in enumerate(of_rows):
        in_use.add(group)
        assert len(in_use) <= GROUPS_AT_ONCE
        in_use -= {one for one in in_use if ends[one] == place}
    # rows of several groups are mixed: a group is not used up before the next is begun
    if groups.count > 1 and np.bincount(groups.numbers).min() > 30:
        assert (np.diff(of_rows) != 0).sum() >= groups.count


def test_groups_are_known_by_their_rows_and_not_by_their_names():
    one, other = Groups(["b", "b", "a", "c", "a"]), Groups([7, 7, 9, 1, 9])
    assert one.fingerprint == other.fingerprint != Groups([7, 7, 9, 1, 1]).fingerprint
    assert one.numbers.tolist() == [0, 0, 1, 2, 1]
    orders = [BatchOrder(5, 2, 3, groups=groups).all_rows(4).tolist() for groups in (one, other)]
    assert orders[0] == orders[1]


def test_another_process_finds_the_same_order():
    code = (
        "import json; from mayo_kedro.streaming.order import BatchOrder, Groups; "
        "orders = [BatchOrder(100, 16, 7, 1, 3, groups) for groups in (None, Groups([*range(20)] * 5))];"
        "print(json.dumps([r.tolist() for o in orders for e in (0, 1) for r in o.rows(e)]))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    orders = [BatchOrder(100, 16, 7, 1, 3, groups) for groups in (None, Groups([*range(20)] * 5))]
    here = [rows.tolist() for order in orders for epoch in (0, 1) for rows in order.rows(epoch)]
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
