import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mayo_kedro.sandbox.faults import Fault, Faults

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


@pytest.mark.parametrize("order", [{"kind": "explode"}, {"color": "red"}])
def test_orders_that_cannot_be_are_refused(running: Running, order: dict[str, str]) -> None:
    assert running.admin("POST", "faults", [order]).status_code == 422
    assert running.admin("POST", "link", {"speed": 1}).status_code == 422
    assert running.admin("DELETE", "everything").status_code == 404
    assert running.get(PLACE).status_code == 200


def test_latency_comes_before_the_first_byte(fresh: Running) -> None:
    fresh.admin("POST", "link", {"latency_ms": 200})
    start = time.monotonic()
    fresh.get(PLACE)
    assert 0.2 <= time.monotonic() - start < 1.5
    fresh.admin("DELETE", "link")
    start = time.monotonic()
    fresh.get(PLACE)
    assert time.monotonic() - start < 0.2


def test_the_line_is_shared(fresh: Running) -> None:
    body = b"\0" * 500_000
    fresh.ask(
        "PUT", f"{fresh.api}/content/main/", data={"versioning": "dvc"}, files=[("files", ("big", body))]
    )
    fresh.admin("POST", "link", {"mbit_per_s": 20})
    start = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: fresh.get("raw/main/big"), range(4)))
    took = time.monotonic() - start
    assert all(answer.content == body for answer in answers)
    assert 0.75 <= took < 2.5  # 16 Mbit over 20 Mbit/s, less the burst the bucket grants


def test_the_first_fault_that_meets_a_request_is_taken() -> None:
    faults = Faults()
    faults.add(Fault("*.png", "reset"))
    faults.add(Fault("*", "status", times=None))
    kinds = [fault.kind for _ in range(3) if (fault := faults.take("GET", "/a/b.png"))]
    assert kinds == ["reset", "status", "status"]
