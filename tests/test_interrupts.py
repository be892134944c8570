"""Ctrl-C ends a run as one that the user has ended, also where it falls into a library's hands."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from sqlalchemy import Engine, create_engine, event, text

from mayo_kedro import interrupts
from mayo_kedro.hooks import InterruptHooks
from mayo_kedro.interrupts import noticed_interrupts, was_interrupted


def press():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


@pytest.fixture(autouse=True)
def _ctrl_c_counts():
    """Background jobs, such as a CI may run the tests as, ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def engine(tmp_path):
    made = create_engine(f"sqlite:///{tmp_path}/store.db")
    with made.begin() as connection:
        connection.execute(text("create table numbers (number)"))
    yield made
    made.dispose()


def press_within_the_next_statement(engine: Engine) -> None:
    event.listen(engine, "after_cursor_execute", lambda *_: press(), once=True)


def insert(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("insert into numbers values (1)"))


def test_a_statement_comes_to_its_end_before_ctrl_c_counts(engine):
    def insert_and_go_on():
        with noticed_interrupts():
            insert(engine)
            threading.Event().wait(60)

    press_within_the_next_statement(engine)
    with pytest.raises(KeyboardInterrupt):
        insert_and_go_on()
    with engine.begin() as connection:
        assert connection.execute(text("select number from numbers")).all() == [(1,)]


def test_a_statement_that_takes_too_long_is_interrupted(engine, monkeypatch):
    monkeypatch.setattr(interrupts, "PATIENCE_SECONDS", 0.2)

    @event.listens_for(engine, "after_cursor_execute")
    def _(*_):
        press()
        time.sleep(60)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), noticed_interrupts():
        insert(engine)
    assert time.monotonic() - began < 30


def test_a_run_that_is_over_is_not_interrupted_afterwards(engine):
    press_within_the_next_statement(engine)
    with noticed_interrupts():
        insert(engine)
    time.sleep(3 * interrupts.ASKING_AGAIN_SECONDS)
    assert not was_interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_known_where_a_library_makes_an_error_of_it():
    store = sqlite3.connect(":memory:")
    store.create_function("press", 0, press)
    with noticed_interrupts():
        with pytest.raises(sqlite3.OperationalError):
            store.execute("select press()")
        assert was_interrupted()
        with pytest.raises(KeyboardInterrupt):
            InterruptHooks().on_pipeline_error()
    store.close()


def test_an_error_without_ctrl_c_stays_what_it_is():
    with noticed_interrupts():
        InterruptHooks().on_pipeline_error()


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None])
def test_who_handles_ctrl_c_otherwise_goes_on_doing_so(handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        with noticed_interrupts():
            press()
            assert not was_interrupted()
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_in_a_thread_changes_nothing():
    def run():
        with noticed_interrupts():
            handlers.append(signal.getsignal(signal.SIGINT))

    handlers = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


PROJECT = {
    "pyproject.toml": """
        [tool.kedro]
        package_name = "asking"
        project_name = "Asking"
        kedro_init_version = "1.0.0"
    """,
    "conf/base/mlflow.yml": """
        server:
          mlflow_tracking_uri: sqlite:///mlflow.db
    """,
    "conf/base/catalog.yml": "answer: {type: MemoryDataset}",
    "conf/base/parameters.yml": "number: 1",
    "conf/base/runner.yml": "type: SequentialRunner",
    "conf/local/.gitkeep": "",
    "src/asking/__init__.py": "",
    "src/asking/settings.py": """
        from mayo_kedro.hooks import InterruptHooks
        from mayo_kedro.session import MayoSession

        HOOKS = (InterruptHooks(),)
        SESSION_CLASS = MayoSession
        CONFIG_LOADER_ARGS = {
            "base_env": "base",
            "default_run_env": "local",
            "config_patterns": {"mlflow": ["mlflow*"], "runner": ["runner*"]},
        }
        DISABLE_HOOKS_FOR_PLUGINS = ("kedro_viz", "kedro_telemetry")
    """,
    "src/asking/pipeline_registry.py": """
        import os, signal, sqlite3, time
        from kedro.pipeline import Node, Pipeline

        def ask(_):
            def press():
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)

            store = sqlite3.connect(":memory:")
            store.create_function("press", 0, press)
            try:
                return store.execute("select press()").fetchall()
            except sqlite3.OperationalError:
                print("SQLite made an error of it")
                raise

        def register_pipelines():
            return {"__default__": Pipeline([Node(ask, "params:number", "answer", name="ask_node")])}
    """,
}


def test_the_tracked_run_was_ended_by_its_user_also_where_a_library_made_an_error_of_it(tmp_path):
    for name, content in PROJECT.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(content))
    # The children of who ignores Ctrl-C ignore it, too.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "kedro", "run"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    told = result.stdout + result.stderr
    assert result.returncode == 1, told
    assert "SQLite made an error of it" in told
    assert told.strip().endswith("Aborted!")
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        assert store.execute("select status from runs").fetchall() == [("KILLED",)]
