"""What the generated pages make of source and models."""

import ast
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from reference_pages.kinds import describe_bounds, describe_default, describe_kind
from reference_pages.mistakes import find_mistakes, name_subject
from reference_pages.settings import Group, list_rules, list_settings
from reference_pages.wording import Words, has_own_words

MODULE = """
import os
from mayo_kedro.errors import UserError
from mayo_kedro.runners.settings import SETTINGS_FILE

LIMIT = 3
REMEDY = f"Set it in {SETTINGS_FILE}."

class LostError(UserError, OSError):
    @classmethod
    def of(cls, what):
        return cls(f"{what} is lost.", "Look for it.")

def fail(paths, error, limit):
    unit = "byte" if limit == 1 else "bytes"
    if paths:
        raise LostError(f"{len(paths)} paths: {', '.join(map(str, paths))}, at most {LIMIT}.", REMEDY)
    raise UserError(
        f"{type(error).__name__}: {limit} {unit}{', or so' if limit else ''}; {str(error).splitlines()[0]}.",
        "Say " + "less.",
    )
"""


def test_mistakes_of_a_module(tmp_path):
    (tmp_path / "streaming").mkdir()
    (tmp_path / "streaming" / "files.py").write_text(MODULE)
    (tmp_path / "streaming" / "other.py").write_text("raise ValueError('no', 'mistake of a user')")
    found = {(mistake.what, mistake.remedy) for mistake in find_mistakes(tmp_path)}
    assert found == {
        ("«what» is lost.", "Look for it."),
        ("«number of paths» paths: «paths», at most 3.", "Set it in conf/azure/azureml.yml."),
        ("«kind of error»: «limit» [byte / bytes][, or so]; «error».", "Say less."),
    }
    assert {mistake.subject for mistake in find_mistakes(tmp_path)} == {"Streaming and publishing"}


@pytest.mark.parametrize(
    ("place", "subject"),
    [
        ("runners/azure/logs.py", "Jobs on Azure ML"),
        ("pipelines/new_things/nodes.py", "New things"),
        ("session.py", "Settings and set-up"),
    ],
)
def test_subjects(place, subject):
    assert name_subject(place) == subject


@given(st.text(st.characters(exclude_characters="«»"), min_size=1))
def test_a_plain_text_is_told_as_it_is(text):
    expression = ast.parse(repr(text), mode="eval").body
    assert Words.of(ast.parse("")).tell(expression) == text


@given(
    st.recursive(
        st.sampled_from(["name", "a.b", "'text'", "1"]),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: f"f({pair[0]}, {pair[1]})"),
            inner.map(lambda value: f"({value})[0]"),
            inner.map(lambda value: f"[x for x in {value}]"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} if {pair[1]} else {pair[0]})"),
        ),
        max_leaves=6,
    )
)
def test_any_expression_becomes_words(source):
    told = Words.of(ast.parse("name = name")).tell(ast.parse(source, mode="eval").body)
    assert told.count("«") == told.count("»")
    assert not set(told) & set("(){}=_")


def test_a_message_that_only_passes_on_others_words():
    assert not has_own_words("«what» («error», «doing».)")
    assert has_own_words("«what» is missing")


class Inner(BaseModel):
    """Part.

    Attributes:
        low: the least.
    """

    low: float = Field(default=0, gt=-1, lt=1)


class Outer(BaseModel):
    """Whole.

    Attributes:
        several: of them.
        names: by name.
        one: of two, None for none.
    """

    several: tuple[Annotated[int, Field(ge=0)], ...] = (1,)
    names: dict[str, Inner] = Field(default_factory=dict)
    one: Literal["a", "b"] | None = None
    inner: Inner = Inner()

    def refuse(self) -> None:
        raise ValueError(f"outer.one is {self.one}")


def test_settings_of_a_model():
    found = {setting.name: setting for setting in list_settings(Group("outer", Outer, "file.yml"))}
    assert list(found) == [
        "outer.several",
        "outer.names",
        "outer.names.NAME.low",
        "outer.one",
        "outer.inner",
        "outer.inner.low",
    ]
    several, one, low = (found[f"outer.{name}"].schema for name in ("several", "one", "inner.low"))
    assert (describe_kind(several), describe_bounds(several)) == ("list of whole number", "≥ 0")
    assert (describe_kind(one), describe_default(one)) == ('`"a"` or `"b"` or null', "`null`")
    assert (describe_bounds(low), describe_default(low)) == ("> -1, < 1", "`0`")
    assert found["outer.inner.low"].meaning == "the least."
    assert list_rules(Outer) == ["outer.one is «one»"]
