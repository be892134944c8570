"""What a job is asked, written and read: by us, and by `kedro run --config`."""

import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from mayo_kedro.runners.crossing.crossings import Crossing, Way
from mayo_kedro.runners.crossing.packing import PackedValue
from mayo_kedro.runners.in_job.job_folder import RUN
from mayo_kedro.runners.sending.request import Fingerprints, JobRequest, Tracking, read_request, write_request

MARKS = Fingerprints(python="3.11", lock="ab", code="cd")
tricky = [
    "2e3749",
    "006388",
    "1e-5",
    "null",
    "on",
    "~",
    "0x1f",
    "1_000",
    "12:30",
    "2024-02-29",
    "${a}",
    "- a",
    "NaN",
    "é😀",
    "\x7f",
]
plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(tricky),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(tricky), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), plain_values, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_parameters_arrive_as_they_were(params):
    request = JobRequest(nodes=("a", "b"), params=params, fingerprints=MARKS, files={})
    with tempfile.TemporaryDirectory() as name:
        write_request(request, Path(name))
        assert read_request(Path(name)) == request
        run = OmegaConf.to_container(OmegaConf.load(Path(name) / RUN))["run"]
    assert repr(run["params"]) == repr(params)
    assert run["node_names"] == "a,b"


def test_a_number_that_is_not_finite_arrives(tmp_path):
    params = {"nan": float("nan"), "most": float("inf")}
    write_request(JobRequest(nodes=("a",), params=params, fingerprints=MARKS, files={}), tmp_path)
    assert math.isnan(read_request(tmp_path).params["nan"])
    run = OmegaConf.to_container(OmegaConf.load(tmp_path / RUN))["run"]
    assert (math.isnan(run["params"]["nan"]), run["params"]["most"]) == (True, math.inf)


def test_everything_else_arrives_too(tmp_path):
    request = JobRequest(
        env="azure",
        pipelines=("modelling", "reporting"),
        nodes=("train",),
        fingerprints=MARKS,
        files={"src/a.py": "ab"},
        inputs=(
            PackedValue("table", "series", "table.parquet", "ab", 3, 5),
            PackedValue("arrays", "arrays", "arrays.npz", "ab", 3, ["a", "b"]),
        ),
        outputs=(Crossing("model", Way.FILE, "data/06_models", ".keras"), Crossing("seen", Way.PACKED)),
        secrets={"DAGSHUB_USER_TOKEN": "name"},
        environment={"A": "b"},
        context="package.module.Context",
        tracking=Tracking(uri="https://x", run_id="1"),
    )
    write_request(request, tmp_path)
    assert read_request(tmp_path) == request
    run = OmegaConf.to_container(OmegaConf.load(tmp_path / RUN))["run"]
    assert (run["env"], run["pipelines"]) == ("azure", "modelling,reporting")
