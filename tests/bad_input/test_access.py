"""Mistakes about the repository, the token and the machine."""

import pytest

from tests.bad_input.cases import one_of_a_kind

CASES = {
    "missing token": ({}, (), {"DAGSHUB_USER_TOKEN": ""}, r"no token was sent.*\n.*DAGSHUB_USER_TOKEN"),
    "wrong token": (
        {},
        (),
        {"DAGSHUB_USER_TOKEN": "hunter2hunter2"},
        r"the token was refused.*\n.*DAGSHUB_USER_TOKEN",
    ),
    "unknown repository": (
        {"repository": {"name": "nothing"}},
        (),
        {},
        r"sandbox/nothing.*\n?.*404.*\n.*repository\.owner",
    ),
    "unknown branch": (
        {"repository": {"branch": "no-such"}},
        (),
        {},
        r"Branch 'no-such'.*404.*\n.*globals\.yml",
    ),
    "half a repository": (
        {"repository": {"owner": None}},
        (),
        {},
        r"repository\.owner is None.*\n.*globals\.yml",
    ),
    "a cache that can't be written": ({}, (), {"MAYO_CACHE_DIR": "/dev/null/cache"}, r"MAYO_CACHE_DIR"),
}


@pytest.mark.parametrize(
    ("settings", "arguments", "variables", "expected"), one_of_a_kind(CASES, "wrong token")
)
def test_a_mistake_is_told_in_words(assert_told, settings, arguments, variables, expected):
    assert_told(settings, arguments, variables, expected)
