"""Settings files: what is written, and that Kedro reads it as it was meant."""

import string

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.config import OmegaConfigLoader

from mayo_kedro.commands.setup.files import flatten, make_file
from mayo_kedro.errors import UserError

# OmegaConf takes "${" for a reference, in whatever file.
words = st.text(st.characters(exclude_characters="$", exclude_categories=["Cs"]), max_size=12)
lists = st.lists(words, min_size=1, max_size=3)
values = st.one_of(words, st.none(), st.booleans(), st.integers(), lists)
names = st.text(string.ascii_lowercase, min_size=1, max_size=6)
groups = st.dictionaries(
    names, st.dictionaries(names, values, min_size=1, max_size=4), min_size=1, max_size=3
)


def load(folder):
    merging = {"globals": "soft"}
    return OmegaConfigLoader(str(folder), env="mine", base_env="base", merge_strategy=merging)["globals"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(groups, groups)
def test_kedro_reads_what_was_chosen(tmp_path, base, chosen):
    for environment in ("base", "mine"):
        (tmp_path / environment).mkdir(exist_ok=True)
    (tmp_path / "base" / "globals.yml").write_text(yaml.safe_dump(base, default_style='"'))
    file = tmp_path / "mine" / "globals.yml"
    file.unlink(missing_ok=True)
    read = load(tmp_path)
    made = make_file(file, "heading", chosen, read, {})
    if made is not None:
        made.write()
    assert flatten(load(tmp_path)) == {**flatten(read), **flatten(chosen)}


@pytest.mark.parametrize(
    "value", ["2e37", "1_0", "006388", "no", "null", "~", "a: b", "# c", "0x1f", "ä", "", ".5"]
)
def test_text_stays_text(tmp_path, value):
    for environment in ("base", "mine"):
        (tmp_path / environment).mkdir()
    make_file(tmp_path / "mine" / "globals.yml", "", {"a": value, "b": [value]}, {}, {}).write()
    assert load(tmp_path) == {"a": value, "b": [value]}


def test_only_differences_are_written_with_their_comments(tmp_path):
    base = {"images": {"table": "t.csv", "suffix": ".png"}, "publish": None}
    chosen = {"images": {"table": "t.csv", "suffix": ".jpg"}}
    made = make_file(tmp_path / "new" / "globals.yml", "Made.", chosen, base, {"images.suffix": "of files"})
    assert made.text == "# Made.\n\nimages:\n  suffix: .jpg          # of files\n"
    assert not made.replaces
    made.write()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["globals.yml"]
    assert make_file(tmp_path / "other.yml", "", base, base, {}) is None


def test_other_settings_of_a_file_are_kept(tmp_path):
    file = tmp_path / "globals.yml"
    file.write_text("images: {suffix: .bmp, notice: N.txt}\nmlflow_server: ${oc.env:SERVER}\n")
    made = make_file(file, "", {"images": {"suffix": ".jpg"}}, {"images": {"suffix": ".jpg"}}, {})
    assert made.replaces
    kept = {"images": {"notice": "N.txt"}, "mlflow_server": "${oc.env:SERVER}"}
    assert yaml.safe_load(made.text) == kept
    made.write()
    assert not make_file(
        file, "", {"images": {"suffix": ".jpg"}}, {"images": {"suffix": ".jpg"}}, {}
    ).replaces


@pytest.mark.parametrize("text", ["a: [", "- a list\n"])
def test_a_file_that_is_no_settings_is_not_overwritten(tmp_path, text):
    (tmp_path / "globals.yml").write_text(text)
    with pytest.raises(UserError, match=r"globals\.yml can't be read"):
        make_file(tmp_path / "globals.yml", "", {"a": 1}, {}, {})
