from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.sandbox.azure.records import Records

NAMES = st.text(min_size=1, max_size=40).filter(lambda name: len(name.encode("utf-8", "replace")) < 60)
NAMES = NAMES.filter(lambda name: name.isprintable())


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(NAMES, st.dictionaries(st.text(), st.integers() | st.text() | st.none())))
def test_what_is_kept_is_there_after_a_restart(given_records: dict[str, dict[str, object]]) -> None:
    with TemporaryDirectory() as folder:
        records = Records(Path(folder))
        for name, value in given_records.items():
            records.put(name, value)
        again = Records(Path(folder))
        assert {name: again.get(name) for name in given_records} == given_records
        assert len(list(again)) == len(given_records)


def test_what_another_service_has_written_is_found(tmp_path: Path) -> None:
    first, second = Records(tmp_path), Records(tmp_path)
    first.put("a", {"x": 1})
    assert second.get("a") == {"x": 1}
    assert second.get("b") is None


def test_what_is_deleted_is_gone(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.put("a/b", {"x": 1})
    records.delete("a/b")
    records.delete("never there")
    assert records.get("a/b") is None
    assert list(Records(tmp_path)) == []
