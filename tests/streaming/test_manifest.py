import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.streaming import manifest as manifest_module
from mayo_kedro.streaming.manifest import Manifest, sort_manifest

NAME = st.text(
    st.characters(blacklist_characters="/\n\t", blacklist_categories=["Cs"]), min_size=1, max_size=4
)


def md5_of(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


def make(folder, names) -> Manifest:
    rows = [{"md5": md5_of(name), "relpath": name} for name in names]
    (folder / "rows.json").write_text(json.dumps(rows))
    return sort_manifest(folder / "rows.json", folder / "sorted")


@st.composite
def trees(draw):
    """Paths below a folder, none of which is a folder of another."""
    paths = draw(st.lists(st.lists(NAME, min_size=1, max_size=3).map("/".join), unique=True, max_size=30))
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


@given(trees(), st.lists(NAME, max_size=5))
def test_every_file_is_found_and_nothing_else(tmp_path_factory, names, others):
    manifest = make(tmp_path_factory.mktemp("manifest"), names)
    assert {name: manifest.find(name) for name in names} == {name: md5_of(name) for name in names}
    assert all(manifest.find(other) is None for other in others if other not in names)


@given(trees())
def test_folders_are_listed_as_they_are(tmp_path_factory, names):
    manifest = make(tmp_path_factory.mktemp("manifest"), names)
    folders = {
        "",
        *("/".join(name.split("/")[:depth]) for name in names for depth in range(1, name.count("/") + 1)),
    }
    for folder in folders:
        prefix = f"{folder}/" if folder else ""
        inside = [name[len(prefix) :] for name in names if name.startswith(prefix)]
        expected = {part.partition("/")[0]: None if "/" in part else md5_of(prefix + part) for part in inside}
        assert manifest.list_folder(folder) == expected
        assert not folder or manifest.has_folder(folder)
        assert manifest.find(folder) is None


@pytest.mark.parametrize(
    "body", [b"not json", b'{"md5": 1}', b'[{"md5": "abc", "relpath": "a"}]', b'[{"relpath": "a"}]', b"[1]"]
)
@pytest.mark.parametrize("limit", [2**20, 0])
def test_what_is_no_manifest_is_refused_and_leaves_nothing(tmp_path, body, limit, monkeypatch):
    monkeypatch.setattr(manifest_module, "SORTED_HERE", limit)
    (tmp_path / "rows.json").write_bytes(body)
    with pytest.raises(ValueError, match=r"manifest|md5|Expecting"):
        sort_manifest(tmp_path / "rows.json", tmp_path / "folder" / "sorted")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["rows.json"]


def test_a_large_one_is_sorted_by_a_process_of_its_own_to_the_same(tmp_path, monkeypatch):
    names = [f"{number % 7}/{number}.png" for number in range(500)]
    here = make(tmp_path, names)
    before = (tmp_path / "sorted").read_bytes()
    monkeypatch.setattr(manifest_module, "SORTED_HERE", 0)
    aside = make(tmp_path, names)
    assert (tmp_path / "sorted").read_bytes() == before
    assert here.find("3/10.png") == aside.find("3/10.png") == md5_of("3/10.png")
