import pytest

from mayo_kedro.streaming.revisions import (
    COMMITS_VARIABLE,
    forget_pins,
    is_commit,
    pin,
    recall_tip,
    remember_tip,
    resolve,
)

A, B = "a" * 40, "b" * 40
HOST = "https://dagshub.example"


@pytest.fixture(autouse=True)
def _no_pins():
    forget_pins()
    yield
    forget_pins()


def test_a_branch_is_asked_for_once_until_the_next_run_begins():
    answers = iter([A, B])
    assert [resolve(HOST, "ann/leaves", "main", lambda: next(answers)) for _ in range(3)] == [A, A, A]
    forget_pins()
    assert resolve(HOST, "ann/leaves", "main", lambda: next(answers)) == B


def test_a_commit_is_never_asked_for():
    assert resolve(HOST, "ann/leaves", A, lambda: pytest.fail("asked")) == A


def test_a_pin_takes_the_place_of_its_branch_only():
    pin(HOST, "ann/leaves", "main", A)
    assert resolve(HOST, "ann/leaves", "main", lambda: B) == A
    assert resolve(HOST, "ann/leaves", "other", lambda: B) == B
    assert resolve(HOST, "bob/leaves", "main", lambda: B) == B
    assert resolve("https://other.example", "ann/leaves", "main", lambda: B) == B
    pin(HOST, "ann/leaves", None, A)
    assert resolve(HOST, "ann/leaves", None, lambda: B) == A


def test_the_sender_of_a_job_decides_for_its_repositories(monkeypatch):
    monkeypatch.setenv(COMMITS_VARIABLE, f"ann/leaves@{A} bob/roots@not-a-commit")
    assert resolve(HOST, "ann/leaves", "main", lambda: B) == A
    assert resolve(HOST, "bob/roots", "main", lambda: B) == B
    assert resolve(HOST, "carl/stems", "main", lambda: B) == B


def test_tips_are_recalled_and_a_damaged_note_is_no_note(tmp_path):
    note = tmp_path / "repository" / "tips.json"
    assert recall_tip(note, "main") is None
    remember_tip(note, "main", A)
    remember_tip(note, None, B)
    assert (recall_tip(note, "main"), recall_tip(note, None), recall_tip(note, "other")) == (A, B, None)
    note.write_text("{")
    assert recall_tip(note, "main") is None
    remember_tip(tmp_path / "repository" / "tips.json" / "no-folder", "main", A)


@pytest.mark.parametrize(
    ("text", "expected"), [(A, True), ("A" * 40, False), ("a" * 39, False), (None, False), ("", False)]
)
def test_a_commit_is_forty_hex_digits(text, expected):
    assert is_commit(text) is expected
