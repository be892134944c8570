import httpx
import pytest

from mayo_kedro.sandbox.service import open_state

from .conftest import Running

PLACES = (
    "/api/v1/user",
    "/api/v1/repos/sandbox/clots",
    "/sandbox/clots.git/info/refs?service=git-upload-pack",
    "/sandbox/clots.dvc/files/md5/00/112233445566778899aabbccddeeff",
    "/sandbox/clots.mlflow/health",
    "/nowhere",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic %%%"}])
def test_every_route_refuses_without_the_token(running: Running, place: str, headers: dict[str, str]) -> None:
    answer = httpx.get(running.host + place, headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("user", ["anyone", "sandbox", ""])
def test_basic_takes_the_token_as_password(running: Running, user: str) -> None:
    answer = httpx.get(f"{running.host}/api/v1/user", auth=(user, running.token), trust_env=False)
    assert answer.json()["login"] == "sandbox"


def test_basic_with_a_wrong_password_is_refused(running: Running) -> None:
    answer = httpx.get(f"{running.host}/api/v1/user", auth=("sandbox", "wrong"), trust_env=False)
    assert answer.status_code == 401


def test_the_front_page_says_what_this_is(running: Running) -> None:
    assert "stands in for DagsHub" in httpx.get(running.host, trust_env=False).text


def test_the_token_outlives_a_start_and_is_for_its_owner_only(running: Running) -> None:
    state = running.repository.git_folder.parents[2]
    assert open_state(state, login="sandbox").token == running.token
    assert (state / "token").stat().st_mode & 0o077 == 0
    assert (state / ".gitignore").read_text() == "*\n"


def ask(running: Running, place: str = "api/v1/user") -> int:
    return running.ask("GET", f"{running.host}/{place}").status_code


def test_the_token_works_for_as_many_requests_as_ordered(fresh: Running) -> None:
    raw = f"api/v1/repos/sandbox/clots/raw/{fresh.tip}/images/scan_0.png"
    assert fresh.admin("POST", "token", {"after": 2}).status_code == 204
    assert [ask(fresh, raw) for _ in range(4)] == [200, 200, 401, 401]
    assert ask(fresh) == 401
    fresh.admin("DELETE", "faults")
    assert ask(fresh) == 401
    fresh.admin("DELETE", "token")
    assert [ask(fresh), ask(fresh, raw), ask(fresh)] == [200, 200, 200]


def test_requests_without_the_token_do_not_use_it_up(fresh: Running) -> None:
    fresh.admin("POST", "token", {"after": 1})
    assert httpx.get(f"{fresh.host}/api/v1/user", trust_env=False).status_code == 401
    assert [ask(fresh), ask(fresh)] == [200, 401]


def test_a_full_reset_restores_the_token(fresh: Running) -> None:
    fresh.admin("POST", "token", {"after": 0})
    assert ask(fresh) == 401
    fresh.admin("DELETE", "")
    assert ask(fresh) == 200


@pytest.mark.parametrize("order", [{"after": -1}, {"after": "soon"}, {"before": 1}])
def test_the_token_cannot_expire_just_anyhow(running: Running, order: dict[str, object]) -> None:
    assert running.admin("POST", "token", order).status_code == 422
    assert ask(running) == 200
