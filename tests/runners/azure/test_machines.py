"""Machine sizes and quota, looked at before money is spent: the real SDK on the sandbox's service."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.backend import AzureMLBackend
from mayo_kedro.runners.azure.machines import find_limits
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.azure.workspace import Connection
from mayo_kedro.runners.job import ComputeSpec, JobBackend, JobServiceError
from mayo_kedro.runners.settings import AzureMLSettings, read_credentials

T4 = "Standard NCASv3_T4 Family"
SPEC = ComputeSpec("not-made", "Standard_NC4as_T4_v3", max_nodes=4)
CORES = 4
DEDICATED_ONLY = "Standard_ND96asr_v4"


@pytest.fixture(scope="module")
def backend(azure) -> JobBackend:
    return AzureMLBackend(AzureMLSettings())


@pytest.fixture(autouse=True)
def _calm(azure) -> Iterator[None]:
    yield
    azure.azure.reset("faults")
    azure.azure.set(quota_cores=10_000)


@pytest.mark.parametrize("priority", ["low", "dedicated"])
@pytest.mark.parametrize("size", ["Standard_NC4as_T4_v3", "STANDARD_NC4AS_T4_V3"])
def test_nothing_is_said_where_all_is_well(backend, priority, size):
    assert backend.check_machines(replace(SPEC, size=size, priority=priority)) == []


def test_the_sdks_own_list_agrees_with_the_service(azure):
    connection = Connection(AzureMLSettings().workspace, read_credentials(None))
    listed = connection.ask("listing sizes", load_sdk("core.compute").AmlCompute.supported_vmsizes)
    assert {"name": SPEC.size, "vCPUs": CORES, "gpus": 1}.items() <= {
        name: value for size in listed if size["name"] == SPEC.size for name, value in size.items()
    }.items()


def test_a_size_that_is_not_offered_is_told_with_some_that_are(backend):
    (told,) = backend.check_machines(replace(SPEC, size="Standard_NC4as_T4"))
    assert "Standard_NC4as_T4 is not offered in loopback" in told
    assert "Standard_NC4as_T4_v3" in told


def test_a_size_that_is_not_to_be_had_at_low_priority_is_told(backend):
    spec = replace(SPEC, size=DEDICATED_ONLY)
    (told,) = backend.check_machines(spec)
    assert DEDICATED_ONLY in told
    assert "low priority" in told
    assert backend.check_machines(replace(spec, priority="dedicated")) == []


@given(quota=st.integers(0, 40), nodes=st.integers(1, 10))
@settings(max_examples=20, deadline=None)
def test_a_quota_is_told_where_it_is_too_small_and_only_there(azure, backend, quota, nodes):
    azure.azure.set(quota_cores=quota)
    told = backend.check_machines(replace(SPEC, max_nodes=nodes, priority="dedicated"))
    assert len(told) == (nodes * CORES > quota)
    for line in told:
        assert f"takes {nodes * CORES} cores" in line
        assert f"{quota} of {quota} are left" in line
        assert T4 in line


def test_low_priority_has_one_quota_for_all_families(azure, backend):
    azure.azure.set(quota_cores=4 * CORES - 1)
    (told,) = backend.check_machines(SPEC)
    assert "takes 16 cores" in told
    assert "TotalLowPriorityCores" in told
    assert "of 15 are left" in told  # how many depends on the machines that other tests have left up


def test_machines_of_the_cluster_itself_are_not_held_against_it(azure, backend):
    spec = ComputeSpec("holding", "Standard_NC6s_v3", "dedicated", max_nodes=4)
    backend.ensure_compute(spec)
    connection = Connection(AzureMLSettings().workspace, read_credentials(None))
    connection.ask("keeping two machines up", lambda found: _keep_two_up(found, spec.name))
    assert backend.compute_state(spec.name).nodes == 2
    azure.azure.set(quota_cores=4 * 6)
    assert backend.check_machines(spec) == []
    (told,) = backend.check_machines(replace(spec, name="not-made"))
    assert "12 of 24 are left" in told


def _keep_two_up(workspace, name: str) -> None:
    load_sdk("core.compute").AmlCompute(workspace, name).update(min_nodes=2)


@pytest.mark.parametrize("path", ["*/vmSizes", "*/usages"])
def test_a_login_that_may_not_look_claims_nothing(azure, backend, caplog, path):
    azure.azure.set(quota_cores=0)
    azure.azure.fault(path, status=403, times=None)
    with caplog.at_level(logging.WARNING, "mayo_kedro"):
        assert backend.check_machines(SPEC) == []
    assert "not checked" in caplog.text


@pytest.mark.parametrize("path", ["*/vmSizes", "*/usages"])
def test_a_login_that_is_refused_is_an_error(azure, backend, path):
    azure.azure.fault(path, status=401, times=None)
    with pytest.raises((UserError, JobServiceError), match="refuses the login"):
        backend.check_machines(SPEC)


def test_only_quotas_that_say_something_of_the_family_count():
    def usage(name, kind, used, limit):
        return {"name": {"value": name}, "type": f"a/{kind}/usages", "currentValue": used, "limit": limit}

    usages = [
        usage(T4, "vmFamily/dedicatedCores", 1, 2),
        usage(T4.upper(), "vmFamily/lowPriorityCores", 3, 4),
        usage(T4, "vmFamily/lowPriorityCores", 0, -1),
        usage(T4, "vmFamily/lowPriorityCores", None, 8),
        usage("standardDSv2Family", "vmFamily/lowPriorityCores", 5, 6),
        usage("TotalLowPriorityCores", "lowPriorityCores", 7, 8),
        usage("TotalDedicatedCores", "totalCores", 9, 10),
        {"name": None},
    ]
    assert list(find_limits(usages, T4, "low")) == [(T4.upper(), 3, 4), ("TotalLowPriorityCores", 7, 8)]
    assert list(find_limits(usages, T4, "dedicated")) == [(T4, 1, 2), ("TotalDedicatedCores", 9, 10)]
    assert list(find_limits([], T4, "low")) == []
