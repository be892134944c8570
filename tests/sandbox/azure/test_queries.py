import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.sandbox.azure.queries import parse_filter

TAGS = {"fold": "1", "kind": "it is so"}
RUN = {"status": "Running", "parentRunId": None, "tags": TAGS, "properties": {}}
VALUES = st.text("abc 01_.-:/", min_size=1).map(str.strip).filter(bool)
NAMES = st.text("abcXYZ019_.-", min_size=1)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("(Status eq Running)", True),
        ("(Status eq 'Running')", True),
        ("(Status eq Failed) or (Status eq Running)", True),
        ("(Status eq Failed) or (Status eq Running) and (Tags/fold eq 2)", False),
        ("((Status eq Failed) or (Status eq Running)) and (Tags/fold eq 1)", True),
        ("(ParentRunId eq null)", True),
        ("(ParentRunId ne null)", False),
        ("(Tags/fold ne null or Tags/fold eq null)", True),
        ("(Tags/other ne null or Tags/other eq null)", False),
        ("(Tags/kind eq it is so)", True),
        ("(Tags/fold gt 0) and (Tags/fold le 1)", True),
        ("(Properties/lock eq 1)", False),
    ],
)
def test_filters(text: str, fits: bool) -> None:
    assert parse_filter(text)(RUN) is fits


@pytest.mark.parametrize(
    "text",
    ["(", "Status", "(Status eq Running", "Status eq Running)", "and", "Status like x"],
)
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ValueError, match="filter"):
        parse_filter(text)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_a_run_is_found_by_its_own_tags_and_by_no_other(tags: dict[str, str]) -> None:
    text = " and ".join(f"(Tags/{name} eq {value})" for name, value in tags.items())
    assert parse_filter(text)({"tags": tags})
    name = next(iter(tags))
    assert not parse_filter(text)({"tags": {**tags, name: tags[name] + "x"}})
    assert not parse_filter(text)({"tags": {other: tags[other] for other in tags if other != name}})
