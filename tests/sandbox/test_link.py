import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mayo_kedro.sandbox.faults import Fault, Faults
from mayo_kedro.sandbox.link import LATE_S, Line

from .conftest import Running

PLACE = "raw/main/images/scan_0.png"


def test_counts_by_path(fresh: Running, seed_size: int) -> None:
    fresh.get(PLACE)
    fresh.get(PLACE)
    counts = fresh.counts()
    assert counts["paths"] == {
        f"/api/v1/repos/sandbox/clots/{PLACE}": {"requests": 2, "bytes": 2 * seed_size}
    }
    assert (counts["requests"], counts["bytes"], counts["connections"]) == (2, 2 * seed_size, 2)
    fresh.admin("DELETE", "counts")
    assert fresh.counts()["requests"] == 0


@pytest.fixture
def seed_size(fresh: Running) -> int:
    size = len(fresh.get(PLACE).content)
    fresh.admin("DELETE", "")
    return size


def test_a_status_is_given_as_often_as_asked(fresh: Running) -> None:
    order = {"path": "*/raw/*", "kind": "status", "status": 429, "retry_after": 1.5, "times": 2}
    assert fresh.admin("POST", "faults", [order]).status_code == 204
    assert fresh.get("content/main/").status_code == 200
    answers = [fresh.get(PLACE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1.5"
    assert "retry-after" not in answers[2].headers


def test_a_reset_connection(fresh: Running) -> None:
    fresh.admin("POST", "faults", [{"kind": "reset"}])
    with pytest.raises(httpx.ReadError, match="reset"):
        fresh.get(PLACE)
    assert fresh.get(PLACE).status_code == 200


def test_a_truncated_body(fresh: Running, seed_size: int) -> None:
    fresh.admin("POST", "faults", [{"kind": "truncate"}])
    with pytest.raises(
        httpx.RemoteProtocolError, match=f"received {seed_size // 2} bytes, expected {seed_size}"
    ):
        fresh.get(PLACE)


def test_a_stalled_body(fresh: Running) -> None:
    fresh.admin("POST", "faults", [{"kind": "stall"}])
    with pytest.raises(httpx.ReadTimeout):
        fresh.get(PLACE, timeout=0.3)
    assert fresh.get(PLACE).status_code == 200


def test_silence_sends_nothing_at_all(fresh: Running) -> None:
    fresh.admin("POST", "faults", [{"kind": "silence"}])
    stream = httpx.Client(trust_env=False, timeout=0.3).stream("GET", f"{fresh.api}/{PLACE}")
    with pytest.raises(httpx.ReadTimeout), stream:
        pytest.fail("there was an answer")
    assert fresh.get(PLACE).status_code == 200


def test_a_corrupt_body_differs_in_one_byte(fresh: Running) -> None:
    good = fresh.get(PLACE).content
    fresh.admin("POST", "faults", [{"kind": "corrupt", "times": None}])
    for _ in range(2):
        bad = fresh.get(PLACE).content
        assert len(bad) == len(good)
        assert sum(a != b for a, b in zip(good, bad, strict=True)) == 1
    fresh.admin("DELETE", "faults")
    assert fresh.get(PLACE).content == good


def test_faults_may_be_for_one_method(fresh: Running) -> None:
    fresh.admin("POST", "faults", [{"kind": "status", "method": "HEAD", "times": None}])
    assert fresh.get(PLACE).status_code == 200
    assert fresh.ask("HEAD", f"{fresh.api}/{PLACE}").status_code == 503


def test_a_share_of_the_requests_breaks_and_a_second_time_the_same(fresh: Running) -> None:
    def ask_often() -> list[int]:
        order = {"kind": "status", "share": 0.3, "seed": 7, "times": None}
        assert fresh.admin("POST", "faults", [order]).status_code == 204
        codes = [fresh.get(PLACE).status_code for _ in range(40)]
        fresh.admin("DELETE", "faults")
        return codes

    first = ask_often()
    assert set(first) == {200, 503}
    assert ask_often() == first


@settings(deadline=None)
@given(share=some.floats(0.01, 1), seed=some.integers(), times=some.integers(0, 1000))
def test_a_share_is_drawn_from_the_requests_that_fit(share: float, seed: int, times: int) -> None:
    def count(most: int | None) -> int:
        faults = Faults()
        faults.add(Fault("*.png", share=share, seed=seed, times=most))
        met = [faults.take("GET", path) is not None for path in ("/a.png", "/a.txt") * 1000]
        assert not any(met[1::2])
        return sum(met)

    assert abs(count(None) - share * 1000) < 120  # more than seven standard deviations
    assert count(times) == min(times, count(None))


def test_a_share_leaves_the_rest_to_the_next_fault() -> None:
    faults = Faults()
    faults.add(Fault(kind="reset", share=0.5, times=None))
    faults.add(Fault(kind="silence", times=None))
    kinds = [fault.kind for _ in range(50) if (fault := faults.take("GET", "/"))]
    assert len(kinds) == 50
    assert set(kinds) == {"reset", "silence"}


@pytest.mark.parametrize(
    "order", [{"kind": "explode"}, {"color": "red"}, {"share": 0}, {"share": 1.5}, {"share": "some"}]
)
def test_orders_that_cannot_be_are_refused(running: Running, order: dict[str, object]) -> None:
    assert running.admin("POST", "faults", [order]).status_code == 422
    assert running.admin("POST", "link", {"speed": 1}).status_code == 422
    assert running.admin("DELETE", "everything").status_code == 404
    assert running.get(PLACE).status_code == 200


def test_latency_comes_before_the_first_byte(fresh: Running) -> None:
    fresh.admin("POST", "link", {"latency_ms": 200})
    assert 0.2 <= time_quickest(lambda: fresh.get(PLACE), within=1.5) < 1.5
    fresh.admin("DELETE", "link")
    assert time_quickest(lambda: fresh.get(PLACE), within=0.2) < 0.2


def time_quickest(ask: Callable[[], object], within: float) -> float:
    """The seconds of the quickest of ten times, or of the first one quick enough: others may hold it up."""
    quickest = float("inf")
    for _ in range(10):
        start = time.monotonic()
        ask()
        quickest = min(quickest, time.monotonic() - start)
        if quickest < within:
            break
    return quickest


def test_the_line_is_shared(fresh: Running) -> None:
    body = b"\0" * 500_000
    fresh.ask(
        "PUT", f"{fresh.api}/content/main/", data={"versioning": "dvc"}, files=[("files", ("big", body))]
    )
    fresh.admin("POST", "link", {"mbit_per_s": 20})

    def ask_four_times() -> None:
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: fresh.get("raw/main/big"), range(4)))
        assert all(answer.content == body for answer in answers)

    # 16 Mbit over 20 Mbit/s, less the burst the bucket grants
    assert 0.75 <= time_quickest(ask_four_times, within=2.5) < 2.5


def test_the_first_fault_that_meets_a_request_is_taken() -> None:
    faults = Faults()
    faults.add(Fault("*.png", "reset"))
    faults.add(Fault("*", "status", times=None))
    kinds = [fault.kind for _ in range(3) if (fault := faults.take("GET", "/a/b.png"))]
    assert kinds == ["reset", "status", "status"]


@settings(deadline=None)
@given(
    sizes=some.lists(some.integers(1, 1 << 20), min_size=1, max_size=50),
    bytes_per_s=some.floats(1e4, 1e9),
    lateness=some.floats(0, 0.99 * LATE_S),
)
def test_a_busy_line_takes_its_bytes_by_its_bandwidth(
    sizes: list[int], bytes_per_s: float, lateness: float
) -> None:
    """However late, within bounds, its users wake up: one of them sends slice after slice."""
    line, start = Line(), 100.0
    due = start
    for size in sizes:
        due = line.book(size, bytes_per_s, ready=due, now=due + lateness)
    assert due - start == pytest.approx(sum(sizes) / bytes_per_s)


@settings(deadline=None)
@given(
    sizes=some.lists(some.integers(1, 1 << 20), min_size=1, max_size=50), bytes_per_s=some.floats(1e4, 1e9)
)
def test_bodies_that_are_ready_together_share_the_line(sizes: list[int], bytes_per_s: float) -> None:
    line, start = Line(), 100.0
    dues = [line.book(size, bytes_per_s, ready=start, now=start) for size in sizes]
    assert dues == sorted(dues)
    assert dues[-1] - start == pytest.approx(sum(sizes) / bytes_per_s)


def test_an_idle_line_saves_nothing_up() -> None:
    line = Line()
    line.book(1000, 1000, ready=100, now=100)
    assert line.book(1000, 1000, ready=200, now=200) == 201


def test_a_body_nobody_took_for_long_cannot_make_up_for_all_of_it() -> None:
    assert Line().book(1000, 1000, ready=100, now=150) == pytest.approx(151 - LATE_S)
