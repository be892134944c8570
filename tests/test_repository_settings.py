import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from mayo_kedro import repository_settings as settings
from mayo_kedro.errors import UserError
from mayo_kedro.sandbox import process
from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming.errors import RemoteFileNotFoundError

UNSET = {"host": None, "owner": None, "name": None, "branch": "main"}
REAL = {"host": "https://hub.example", "owner": "ann", "name": "clots", "branch": "feature/new"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("DAGSHUB_CLIENT_HOST", "DAGSHUB_USER_TOKEN", settings.SANDBOX_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_a_configured_repository_is_addressed_with_its_branch():
    assert settings.repository_address(REAL) == "dagshub:///ann/clots@feature%2Fnew"
    assert settings.repository_host(REAL) == "https://hub.example"


def test_a_repository_without_a_branch_is_read_at_its_default_branch():
    assert settings.repository_address({**REAL, "branch": None}) == "dagshub:///ann/clots"


def test_the_clients_host_variable_wins_over_the_configured_host(monkeypatch):
    monkeypatch.setenv("DAGSHUB_CLIENT_HOST", "https://own.example")
    assert settings.repository_host(REAL) == "https://own.example"


def test_without_a_repository_it_is_the_sandbox_on_this_machine():
    assert settings.repository_host(UNSET) == settings.SANDBOX
    assert settings.repository_address(UNSET) == "dagshub:///sandbox/clots@main"


def test_below_a_running_sandbox_that_one_is_used_and_no_other_is_started(monkeypatch):
    monkeypatch.setenv(settings.SANDBOX_VARIABLE, "sandbox/lungs")
    assert settings.repository_host(UNSET) is None
    assert settings.repository_address(UNSET) == "dagshub:///sandbox/lungs@main"
    assert settings.repository_address(REAL).startswith("dagshub:///ann/clots")


@pytest.mark.parametrize("half", [{"owner": "ann"}, {"name": "clots"}])
def test_half_a_repository_is_refused(half):
    with pytest.raises(UserError, match=r"one is missing(.|\n)*globals\.yml of conf/base"):
        settings.repository_address({**UNSET, **half})


@pytest.mark.parametrize(
    ("repository", "publish", "expected"),
    [(UNSET, None, True), (REAL, None, False), (REAL, True, True), (UNSET, False, False)],
)
def test_publishing_is_on_for_the_sandbox_and_off_for_a_real_repository(repository, publish, expected):
    assert settings.publishes(repository, publish) is expected


def test_threads_that_need_the_sandbox_together_start_one(tmp_path, small_sample, monkeypatch):
    """The first start draws the full sample, so this one finds a state folder that holds the small one."""
    monkeypatch.setenv("DAGSHUB_CLIENT_HOST", "")
    monkeypatch.setenv("DAGSHUB_USER_TOKEN", "")
    started = []

    def start_small(state):
        started.append(start(tmp_path / "state", seed=small_sample))
        return started[-1]

    monkeypatch.setattr(process, "start", start_small)
    with ThreadPoolExecutor(8) as pool:
        services = list(pool.map(settings.start_sandbox, [tmp_path] * 8))
    assert len(started) == 1
    assert {service.host for service in services} == {started[0].host}
    assert os.environ["DAGSHUB_CLIENT_HOST"] == started[0].host
    assert started[0].token not in repr(services)
    absent = RemoteFileNotFoundError("'slides.csv' is not in sandbox/clots.", "Check images.table.")
    assert re.search(
        r"'slides\.csv' is not in .* no repository is configured\.\n.*--seed FOLDER",
        str(settings.mention_sample(absent)),
    )
    another = UserError("The table has no rows.", "Add some.")
    assert settings.mention_sample(another) is another
    started[0].stop()
