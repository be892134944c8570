"""Checks of this machine and of where runs are tracked, one by one."""

import sqlite3
from contextlib import closing

import pytest

from mayo_kedro.commands.checks.finding import Level
from mayo_kedro.commands.checks.machine import look_at_disk, look_at_memory, look_at_packages
from mayo_kedro.commands.checks.tracking import CHECKS_HERE, look_at_store
from mayo_kedro.commands.connection import Setup

REPOSITORY = {"host": None, "owner": "ann", "name": "slides", "branch": "main"}


@pytest.fixture
def set_up(tmp_path):
    """Make a set-up of settings as the globals hold them."""

    def make(mlflow_server=None, cache_folder=None, **repository):
        settings = {
            "mlflow_server": mlflow_server,
            "streaming": {"cache_folder": cache_folder},
            "repository": {**REPOSITORY, **repository},
        }
        return Setup(tmp_path, {"globals": settings})

    return make


def test_a_cache_that_can_not_be_written_is_wrong(set_up, tmp_path):
    (tmp_path / "file").write_text("")
    cache, results = look_at_disk(set_up(cache_folder=str(tmp_path / "file" / "cache")))
    assert cache[0] is Level.WRONG
    assert "streaming.cache_folder" in cache[2]
    assert results[0] is not Level.WRONG


def test_memory_is_told_in_gigabytes(set_up):
    ((_, said, _),) = look_at_memory(set_up())
    assert said.endswith("GB free")


def test_a_lock_is_only_missed(set_up):
    ((level, said, _),) = look_at_packages(set_up())
    assert level is Level.WARNING
    assert "requirements.lock" in said


def test_packages_for_other_machines_are_not_missed(set_up, tmp_path):
    (tmp_path / "requirements.lock").write_text(
        "pywin32==9 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n"
    )
    ((level, said, _),) = look_at_packages(set_up())
    assert (level, said) == (Level.OK, "all 0 as in requirements.lock")


def test_a_database_that_another_program_holds_is_wrong(set_up, tmp_path):
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE runs (id)")
        ((free, _, _),) = look_at_store(set_up())
        other.execute("BEGIN EXCLUSIVE")
        ((held, said, _),) = look_at_store(set_up())
    assert (free, held) == (Level.OK, Level.WRONG)
    assert "locked" in said


@pytest.mark.parametrize(
    ("server", "level", "told"),
    [
        (None, Level.OK, "will be made"),
        ("workspace", Level.OK, "workspace"),
        ("sqlite:////nowhere/at/all.db", Level.WRONG, "can't be made"),
        ("mlruns", Level.WARNING, "not looked at"),
        ("http://127.0.0.1:1", Level.WRONG, "can't be reached"),
    ],
)
def test_each_kind_of_store_is_judged(set_up, server, level, told):
    (found,) = CHECKS_HERE[0].carry_out(set_up(mlflow_server=server))
    assert found.level is level
    assert told in found.said


def test_a_server_beside_the_stand_in_is_not_started(set_up, monkeypatch):
    monkeypatch.delenv("MAYO_KEDRO_SANDBOX", raising=False)
    ((level, said, _),) = look_at_store(set_up(mlflow_server="dagshub", owner=None, name=None))
    assert level is Level.OK
    assert "stand-in" in said
