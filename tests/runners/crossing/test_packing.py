"""Values that go away and come back: the same in type and content, or refused."""

import datetime
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra import pandas as hpd

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.packing import pack, unpack

unhurried = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def round_trip(value):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "values"
        return unpack(folder, pack(value, folder, "a:value/with@odd.name"))


def assert_same(read, value):
    assert type(read) is type(value)
    if isinstance(value, dict):
        assert list(read) == list(value)
        for name in value:
            assert_same(read[name], value[name])
    elif isinstance(value, list):
        assert len(read) == len(value)
        for left, right in zip(read, value, strict=True):
            assert_same(left, right)
    elif isinstance(value, float) and math.isnan(value):
        assert math.isnan(read)
    elif isinstance(value, float):
        assert (read, math.copysign(1, read)) == (value, math.copysign(1, value))
    else:
        assert read == value


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain_values)
@unhurried
def test_plain_values(value):
    assert_same(round_trip(value), value)


@given(st.binary())
@unhurried
def test_bytes(value):
    assert round_trip(value) == value


array_kinds = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes()
    | hnp.floating_dtypes()
    | hnp.complex_number_dtypes()
    | hnp.datetime64_dtypes()
    | hnp.unicode_string_dtypes(max_len=5)
    | hnp.byte_string_dtypes(max_len=5)
)
arrays = hnp.arrays(array_kinds, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))


def assert_same_array(read, value):
    assert type(read) is np.ndarray
    assert (read.dtype, read.shape) == (value.dtype, value.shape)
    assert read.tobytes() == value.tobytes()


@given(arrays)
@unhurried
def test_arrays(value):
    assert_same_array(round_trip(value), value)


@given(
    st.dictionaries(st.text() | st.sampled_from(["file", "arr_0", "../x"]), arrays, min_size=1, max_size=3)
)
@unhurried
def test_named_arrays(value):
    read = round_trip(value)
    assert list(read) == list(value)
    for name, array in value.items():
        assert_same_array(read[name], array)


@pytest.mark.parametrize(
    "value",
    [
        np.float32(0.1),
        np.float64("nan"),
        np.int64(2**62),
        np.bool_(True),
        np.datetime64("2024-02-29T12", "s"),
    ],
)
def test_scalars(value):
    read = round_trip(value)
    assert type(read) is type(value)
    assert read.dtype == value.dtype
    assert read.tobytes() == value.tobytes()


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["006388", "2e3749", ""]
)
tables = hpd.data_frames(
    [
        hpd.column("text", elements=cells, dtype=object),
        hpd.column("number", dtype=np.float64),
        hpd.column("small", dtype=np.int16),
        hpd.column("yes", dtype=bool),
        hpd.column(
            "when", elements=st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1))
        ),
    ],
    index=hpd.range_indexes(max_size=6) | hpd.indexes(elements=cells, dtype=object, max_size=6, unique=False),
)


@given(tables)
@unhurried
def test_tables(value):
    value.index.name = "row"
    read = round_trip(value)
    pd.testing.assert_frame_equal(read, value, check_exact=True)
    assert read["text"].tolist() == value["text"].tolist()


def awkward_tables():
    ids = pd.DataFrame({"image": ["006388", "2e3749", "00a0", None], "share": [0.1, np.nan, np.inf, -0.0]})
    yield "ids that look like numbers", ids
    yield "no rows", ids.iloc[:0]
    yield (
        "categories in order",
        pd.DataFrame({"label": pd.Categorical(["LAA", "CE", None], ["LAA", "CE", "other"], ordered=True)}),
    )
    yield (
        "times with a zone",
        pd.DataFrame(
            {
                "at": pd.to_datetime(["2024-03-31 01:30", "2024-10-27 02:30"])
                .tz_localize("UTC")
                .tz_convert("Europe/Berlin")
            }
        ),
    )
    yield "levels of the index", ids.set_index(["image", "share"])
    yield "an index with gaps", ids.iloc[[3, 1]]
    yield "missing whole numbers", pd.DataFrame({"count": pd.array([1, None], dtype="Int64")})
    yield "text of its own dtype", pd.DataFrame({"text": pd.array(["a", None], dtype="string")})
    yield "numbers as names of columns", pd.DataFrame(np.eye(2), columns=[0, 1])
    yield "days", pd.DataFrame({"day": [datetime.date(2024, 2, 29), None]})
    yield "durations", pd.DataFrame({"took": pd.to_timedelta([1, 2**40], unit="us")})
    yield "bytes", pd.DataFrame({"raw": [b"\x00\xff", b""]})


@pytest.mark.parametrize("name", dict(awkward_tables()))
def test_awkward_tables(name):
    value = dict(awkward_tables())[name]
    pd.testing.assert_frame_equal(round_trip(value), value, check_exact=True)


@pytest.mark.parametrize(
    "value",
    [
        pd.Series(["006388", "2e3749"], name="image"),
        pd.Series([1.5, np.nan], index=["a", "b"]),
        pd.Series([], dtype="float32", name=3),
        pd.Series(["CE", "LAA"], dtype="category", name=""),
    ],
)
def test_series(value):
    pd.testing.assert_series_equal(round_trip(value), value, check_exact=True)


def holds_itself():
    value = []
    value.append(value)
    return value


class Unknown:
    pass


REFUSED = {
    "an object": Unknown(),
    "an object in a list": {"a": [Unknown()]},
    "a function": test_series,
    "a tuple": {"shape": (1, 2)},
    "a set": {1, 2},
    "a key that is a number": {1: "a"},
    "a numpy number in a dictionary": {"auc": np.float64(0.5)},
    "an array among other values": {"auc": 0.5, "curve": np.zeros(2)},
    "a list that holds itself": holds_itself(),
    "a bytearray": bytearray(b"a"),
    "a day": datetime.date(2024, 1, 1),
    "a number of too many digits": 10**5000,
    "an array of objects": np.array([Unknown()], dtype=object),
    "a masked array": np.ma.masked_array([1, 2], [True, False]),
    "a table of objects": pd.DataFrame({"a": [Unknown()]}),
    "a table of mixed cells": pd.DataFrame({"a": [1, "a"]}),
    "a table of whole numbers as objects": pd.DataFrame({"a": pd.Series([1, 2], dtype=object)}),
    "a table of lists": pd.DataFrame({"a": [[1], [2]]}),
    "a table of None and nan": pd.DataFrame({"a": pd.Series(["x", None, float("nan")], dtype=object)}),
    "a table with a column twice": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "a table with a regular index": pd.DataFrame(
        {"a": [1, 2]}, index=pd.date_range("2024", periods=2, freq="D")
    ),
    "a table of complex numbers": pd.DataFrame({"a": [1j]}),
    "a table of times with an offset but no zone": pd.DataFrame(
        {"at": pd.to_datetime(["2024-03-31 01:30+02:00"])}
    ),
    "a table without columns": pd.DataFrame(index=["a", "b"]),
    "a series named by an object": pd.Series([1], name=("a", 1)),
    "a subclass of a table": type("Mine", (pd.DataFrame,), {})({"a": [1]}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_an_open_format_would_change_is_refused_with_the_datasets_name(kind, tmp_path):
    with pytest.raises(UserError) as refused:
        pack(REFUSED[kind], tmp_path, "history")
    assert "'history'" in refused.value.what
    assert "conf/base/catalog_" in refused.value.remedy


def test_the_place_of_the_trouble_is_told(tmp_path):
    with pytest.raises(UserError, match=r"tuple at \['a'\]\[1\] has no open format"):
        pack({"a": [1, (2,)]}, tmp_path, "x")


def test_no_file_holds_a_pickle(tmp_path):
    values = [pd.DataFrame({"a": ["x"]}), np.zeros(3), {"a": np.ones(2)}, [1], b"raw"]
    packed = [pack(value, tmp_path, f"value{index}") for index, value in enumerate(values)]
    assert [Path(one.file).suffix for one in packed] == [".parquet", ".npz", ".npz", ".json", ".bin"]
    with np.load(tmp_path / packed[2].file, allow_pickle=False) as arrays:
        assert arrays["arr_0"].tolist() == [1, 1]
    assert json.loads((tmp_path / packed[3].file).read_text()) == [1]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"other"), Path.unlink])
def test_a_damaged_or_missing_file_is_not_used(damage, tmp_path):
    packed = pack({"a": 1}, tmp_path, "history")
    damage(tmp_path / packed.file)
    with pytest.raises(UserError, match="'history'"):
        unpack(tmp_path, packed)


def test_a_file_outside_of_the_folder_is_never_read(tmp_path):
    inside = tmp_path / "inside"
    packed = pack(b"secret", tmp_path, "x")
    moved = type(packed)(**{**vars(packed), "file": f"../{packed.file}"})
    with pytest.raises(UserError, match="missing"):
        unpack(inside, moved)
