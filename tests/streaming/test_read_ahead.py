import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.streaming.read_ahead import read_ahead


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers()), st.integers(1, 8), st.integers(1, 8))
def test_values_come_in_the_order_of_the_names(names, threads, window):
    assert list(read_ahead(lambda name: name * 2, names, threads, window)) == [name * 2 for name in names]


def test_reads_run_at_the_same_time():
    barrier = threading.Barrier(4, timeout=5)
    assert len(list(read_ahead(lambda _: barrier.wait(), range(4), threads=4, window=4))) == 4


def test_no_more_is_read_ahead_than_the_window():
    started = []
    values = read_ahead(lambda name: started.append(name) or name, range(100), threads=4, window=5)
    assert next(values) == 0
    time.sleep(0.05)
    assert len(started) <= 5
    values.close()


def test_an_error_is_raised_in_its_turn_and_stops_the_rest():
    started = []

    def read(name):
        started.append(name)
        if name == 3:
            raise ValueError("third")
        return name

    values = read_ahead(read, range(1000), threads=2, window=4)
    assert [next(values), next(values), next(values)] == [0, 1, 2]
    with pytest.raises(ValueError, match="third"):
        next(values)
    assert len(started) < 20
