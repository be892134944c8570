import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.streaming.concurrency import FEWEST, AdaptiveLimit


def fill(limit: AdaptiveLimit, first_byte: float, rest: float, requests: int) -> None:
    """Requests that all run at once, then all succeed."""
    slots = [limit.slot() for _ in range(min(limit.current, requests))]
    entered = [slot.__enter__() for slot in slots]
    for slot in entered:
        limit.succeeded(slot, first_byte, rest)
    for slot in slots:
        slot.__exit__(None, None, None)


def test_grows_while_latency_is_what_costs_and_not_beyond_the_most():
    limit = AdaptiveLimit(first=8, most=12)
    for _ in range(50):
        fill(limit, first_byte=0.05, rest=0.01, requests=100)
    assert limit.current == 12


def test_does_not_grow_while_the_line_is_what_costs():
    limit = AdaptiveLimit(first=8, most=64)
    for _ in range(20):
        fill(limit, first_byte=0.05, rest=0.2, requests=100)
    assert limit.current == 8


def test_does_not_grow_when_requests_queue():
    limit = AdaptiveLimit(first=8, most=64)
    fill(limit, first_byte=0.05, rest=0.01, requests=1)
    for _ in range(20):
        fill(limit, first_byte=0.2, rest=0.01, requests=100)
    assert limit.current == 8


def test_does_not_grow_while_it_is_not_reached():
    limit = AdaptiveLimit(first=8, most=64)
    for _ in range(20):
        fill(limit, first_byte=0.05, rest=0.01, requests=3)
    assert limit.current == 8


def test_an_overloaded_service_halves_it_once_for_all_that_were_under_way():
    limit = AdaptiveLimit(first=32)
    slots = [limit.slot() for _ in range(20)]
    entered = [slot.__enter__() for slot in slots]
    for slot in entered:
        limit.overloaded(slot)
    for slot in slots:
        slot.__exit__(None, None, None)
    assert limit.current == 16
    with limit.slot() as later:
        limit.overloaded(later)
    assert limit.current == 8


@given(st.integers(1, 40))
def test_it_never_falls_below_the_fewest(times):
    limit = AdaptiveLimit(first=32)
    for _ in range(times):
        with limit.slot() as slot:
            limit.overloaded(slot)
    assert limit.current >= FEWEST


def test_no_more_run_at_once_than_it_says():
    limit = AdaptiveLimit(first=3, most=3)
    running, most, lock = 0, 0, threading.Lock()

    def request(_):
        nonlocal running, most
        with limit.slot():
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.005)
            with lock:
                running -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(request, range(40)))
    assert most == 3


def test_retry_after_holds_everybody_back():
    limit = AdaptiveLimit(first=4)
    with limit.slot() as slot:
        limit.overloaded(slot, retry_after=0.3)
    began = time.monotonic()
    with limit.slot():
        assert time.monotonic() - began >= 0.25
