"""What is asked of every `JobBackend`, and what Azure ML adds: the real SDK on the sandbox's service."""

import hashlib
import json
import logging
import random
import shutil
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

import mayo_kedro
from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.backend import AzureMLBackend
from mayo_kedro.runners.job import (
    ComputeSpec,
    EnvironmentSpec,
    JobBackend,
    JobServiceError,
    JobSpec,
    JobState,
    JobStatus,
)
from mayo_kedro.runners.settings import AzureMLSettings

CLUSTER = ComputeSpec("gpu-cluster", "Standard_NC4as_T4_v3", max_nodes=4, idle_seconds=60)
CONTAINER = EnvironmentSpec("mayo-kedro-test", "FROM example/image:1\n")
EXPERIMENT = "contract"
PATIENCE_S = 180.0


@pytest.fixture(scope="module")
def backend(azure) -> JobBackend:
    """One for all tests: its cluster and container are made."""
    backend: JobBackend = AzureMLBackend(AzureMLSettings())
    backend.ensure_compute(CLUSTER)
    backend.ensure_environment(CONTAINER)
    return backend


@pytest.fixture(autouse=True)
def _no_knob_stays(azure):
    yield
    calm(azure)


def calm(azure) -> None:
    azure.azure.reset("faults")
    azure.azure.set(preemptions=0, lost_answers=0, queue_seconds=0)


@pytest.fixture
def make_job(tmp_path) -> Callable[..., JobSpec]:
    """Write a program into a folder of its own, and describe the job that runs it."""

    def make(program: str, **fields) -> JobSpec:
        source = tmp_path / uuid.uuid4().hex
        source.mkdir()
        (source / "job.py").write_text(dedent(program))
        return JobSpec(
            run_id=fields.pop("run_id", f"contract_{uuid.uuid4().hex}"),
            experiment=EXPERIMENT,
            command=["python", "job.py"],
            source=source,
            environment=CONTAINER,
            compute=CLUSTER,
            **{"max_seconds": 300, **fields},
        )

    return make


def wait_for(backend: JobBackend, run_id: str, fits: Callable[[JobState], bool]) -> JobState:
    """Poll until a state fits."""
    deadline = time.monotonic() + PATIENCE_S
    while not fits(state := backend.state(run_id)):
        assert time.monotonic() < deadline, state
        time.sleep(0.3)
    return state


def run(backend: JobBackend, spec: JobSpec) -> JobState:
    backend.submit(spec)
    return wait_for(backend, spec.run_id, lambda state: state.status.is_over)


def read_log(backend: JobBackend, run_id: str) -> str:
    return backend.read_log(run_id, 0).content.decode()


class TestJob:
    def test_a_job_runs_in_its_source_and_leaves_files(self, backend, make_job, tmp_path):
        spec = make_job(
            """
            import os, pathlib
            print("folder:", *sorted(os.listdir()))
            print("given:", os.environ["GIVEN"])
            pathlib.Path("outputs/deep").mkdir(parents=True, exist_ok=True)
            pathlib.Path("outputs/deep/result.bin").write_bytes(bytes(range(256)) * 5000)
            """,
            environment_variables={"GIVEN": "a value"},
            tags={"group": "one", "code": "abc"},
        )
        (spec.source / ".git").mkdir()
        (spec.source / ".git" / "config").write_text("password = hunter2")
        state = run(backend, spec)
        log = read_log(backend, spec.run_id)
        assert state.status is JobStatus.COMPLETED, log
        assert (state.run_id, state.attempt, state.error) == (spec.run_id, 1, "")
        assert state.seconds_running is not None
        assert state.seconds_running >= 0
        assert {"group": "one", "code": "abc"}.items() <= state.tags.items()
        assert spec.run_id in state.page
        assert "job.py" in log
        assert ".git" not in log
        assert "given: a value" in log
        assert "outputs/deep/result.bin" in backend.files(spec.run_id)
        backend.download(spec.run_id, "outputs/deep/result.bin", tmp_path / "here" / "result.bin")
        assert (tmp_path / "here" / "result.bin").read_bytes() == bytes(range(256)) * 5000

    def test_a_job_that_fails_says_why(self, backend, make_job):
        state = run(backend, make_job("raise SystemExit('the reason')"))
        assert state.status is JobStatus.FAILED
        assert state.error
        assert "the reason" in read_log(backend, state.run_id)

    def test_the_log_comes_while_the_job_runs(self, backend, make_job):
        spec = make_job(
            """
            import pathlib, time
            for number in range(1000):
                print("line", number, flush=True)
                time.sleep(0.05)
            """
        )
        backend.submit(spec)
        got = b""
        deadline = time.monotonic() + PATIENCE_S
        while got.count(b"\n") < 40:
            assert time.monotonic() < deadline, got
            part = backend.read_log(spec.run_id, len(got), got[:64])
            assert not part.restarted
            got += part.content
            time.sleep(0.2)
        backend.cancel(spec.run_id)
        wait_for(backend, spec.run_id, lambda state: state.status.is_over)
        lines = [line for line in got.decode().splitlines() if line.startswith("line")]
        assert lines[:40] == [f"line {number}" for number in range(40)]

    def test_cancelling_ends_a_job_and_may_be_repeated(self, backend, make_job):
        spec = make_job("import time; time.sleep(300)")
        backend.submit(spec)
        wait_for(backend, spec.run_id, lambda state: state.status is JobStatus.RUNNING)
        backend.cancel(spec.run_id)
        state = wait_for(backend, spec.run_id, lambda state: state.status.is_over)
        assert state.status is JobStatus.CANCELLED
        backend.cancel(spec.run_id)
        assert backend.state(spec.run_id).status is JobStatus.CANCELLED

    def test_a_job_in_the_queue_can_be_cancelled(self, backend, make_job, azure):
        azure.azure.set(queue_seconds=120)
        spec = make_job("print('never')")
        backend.submit(spec)
        state = backend.state(spec.run_id)
        assert (state.status, state.seconds_running) == (JobStatus.WAITING, None)
        assert backend.read_log(spec.run_id, 0).content == b""
        backend.cancel(spec.run_id)
        state = wait_for(backend, spec.run_id, lambda state: state.status.is_over)
        assert state.status is JobStatus.CANCELLED

    def test_a_refused_cancellation_is_repeated(self, backend, make_job, azure):
        spec = make_job("import time; time.sleep(300)")
        backend.submit(spec)
        azure.azure.fault("*/cancel", status=403, method="POST")
        backend.cancel(spec.run_id)
        state = wait_for(backend, spec.run_id, lambda state: state.status.is_over)
        assert state.status is JobStatus.CANCELLED

    def test_the_service_ends_a_job_that_takes_too_long(self, backend, make_job):
        state = run(backend, make_job("import time; time.sleep(300)", max_seconds=2))
        assert state.status in (JobStatus.CANCELLED, JobStatus.FAILED)

    def test_jobs_are_found_by_their_tags(self, backend, make_job):
        mark = uuid.uuid4().hex
        first = make_job("print(1)", tags={"mark": mark, "number": "1"})
        second = make_job("print(2)", tags={"mark": mark, "number": "2"})
        run(backend, first)
        run(backend, second)
        assert [state.run_id for state in backend.find(EXPERIMENT, {"mark": mark})] == [
            second.run_id,
            first.run_id,
        ]
        only = backend.find(EXPERIMENT, {"mark": mark, "number": "1"})
        assert [state.run_id for state in only] == [first.run_id]
        assert backend.find(EXPERIMENT, {"mark": "another"}) == []

    def test_metrics_come_by_name(self, backend, make_job):
        state = run(
            backend,
            make_job(
                """
                from azureml.core import Run
                run = Run.get_context(allow_offline=False)
                run.log("auc", 0.75)
                for loss in (3, 2, 1):
                    run.log("loss", loss)
                run.log_table("table", {"a": [1, 2]})
                run.flush()
                """
            ),
        )
        assert state.status is JobStatus.COMPLETED, read_log(backend, state.run_id)
        assert backend.metrics(state.run_id) == {"auc": 0.75, "loss": [3.0, 2.0, 1.0]}

    def test_what_is_unknown_is_told(self, backend, make_job, tmp_path):
        for ask in (backend.state, backend.cancel, backend.files, lambda run_id: backend.read_log(run_id, 0)):
            with pytest.raises(UserError, match="no job 'contract_missing'"):
                ask("contract_missing")
        state = run(backend, make_job("print(1)"))
        with pytest.raises(UserError, match=r"no file 'outputs/missing\.txt'"):
            backend.download(state.run_id, "outputs/missing.txt", tmp_path / "file")
        assert list(tmp_path.glob("file*")) == []

    def test_several_threads_send_and_follow_at_once(self, backend, make_job):
        specs = [make_job(f"print('number', {number})") for number in range(3)]
        states: dict[str, JobState] = {}
        threads = [
            threading.Thread(target=lambda spec=spec: states.update({spec.run_id: run(backend, spec)}))
            for spec in specs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [states[spec.run_id].status for spec in specs] == [JobStatus.COMPLETED] * 3
        for number, spec in enumerate(specs):
            assert f"number {number}" in read_log(backend, spec.run_id)


class TestFiles:
    @pytest.mark.parametrize(
        "kind",
        [
            "truncate",
            pytest.param("reset", marks=pytest.mark.slow),
            pytest.param("status", marks=pytest.mark.slow),
        ],
    )
    def test_a_download_that_is_cut_is_completed(self, backend, make_job, azure, tmp_path, kind):
        size = 3_000_000
        spec = make_job(
            f"""
            import pathlib, random
            pathlib.Path("outputs").mkdir(exist_ok=True)
            pathlib.Path("outputs/model").write_bytes(random.Random(1).randbytes({size}))
            """
        )
        run(backend, spec)
        status = {"status": 503} if kind == "status" else {}
        azure.azure.fault("*outputs/model*", kind, times=2, method="GET", **status)
        backend.download(spec.run_id, "outputs/model", tmp_path / "model")
        assert (tmp_path / "model").read_bytes() == random.Random(1).randbytes(size)


class TestSubmission:
    def test_the_same_job_is_never_started_twice(self, backend, make_job):
        spec = make_job("print('once')", tags={"mark": "x"})
        backend.submit(spec)
        backend.submit(spec)
        wait_for(backend, spec.run_id, lambda state: state.status.is_over)
        backend.submit(spec)
        assert read_log(backend, spec.run_id).count("once") == 1
        assert backend.state(spec.run_id).attempt == 1

    def test_a_lost_answer_makes_no_second_job(self, backend, make_job, azure):
        spec = make_job("print('once')", tags={"mark": uuid.uuid4().hex})
        azure.azure.set(lost_answers=1)
        assert run(backend, spec).status is JobStatus.COMPLETED
        assert [state.run_id for state in backend.find(EXPERIMENT, spec.tags)] == [spec.run_id]
        assert read_log(backend, spec.run_id).count("once") == 1

    def test_an_overloaded_service_is_asked_again(self, backend, make_job, azure):
        azure.azure.set(refuse_submissions="503*2")
        assert run(backend, make_job("print(1)")).status is JobStatus.COMPLETED

    def test_what_stumbles_after_the_job_was_taken_is_no_failure(self, backend, make_job, azure, caplog):
        azure.azure.fault("*/runs/*", status=400, method="PATCH")
        spec = make_job("print('once')", tags={"mark": uuid.uuid4().hex})
        with caplog.at_level(logging.WARNING, "mayo_kedro"):
            assert run(backend, spec).status is JobStatus.COMPLETED
        assert "the job is there" in caplog.text
        assert [state.run_id for state in backend.find(EXPERIMENT, spec.tags)] == [spec.run_id]

    @pytest.mark.slow
    def test_a_service_that_refuses_to_the_end_is_told(self, backend, make_job, azure):
        azure.azure.set(refuse_submissions="503*100")
        spec = make_job("print(1)")
        with pytest.raises(JobServiceError, match="submitting"):
            backend.submit(spec)
        calm(azure)
        with pytest.raises(UserError):
            backend.state(spec.run_id)

    def test_too_many_files_are_refused_by_name_of_the_limit(self, backend, make_job):
        spec = make_job("print(1)")
        for number in range(2100):
            (spec.source / f"{number}.txt").write_text(str(number))
        with pytest.raises(UserError, match="300 MiB and 2,000 files"):
            backend.submit(spec)


class TestPreemption:
    @pytest.mark.parametrize("queue_seconds", [pytest.param(0, marks=pytest.mark.slow), 2])
    def test_a_job_that_began_anew_is_seen(self, backend, make_job, azure, queue_seconds):
        azure.azure.set(queue_seconds=queue_seconds)
        spec = make_job(
            """
            import pathlib, time
            again = pathlib.Path("outputs/first").exists()
            print("start", 2 if again else 1, "x" * (10 if again else 5000), flush=True)
            pathlib.Path("outputs").mkdir(exist_ok=True)
            pathlib.Path("outputs/first").touch()
            time.sleep(2 if again else 300)
            """
        )
        backend.submit(spec)
        got, restarts, is_over, is_preempted = b"", 0, False, False
        deadline = time.monotonic() + PATIENCE_S
        while not is_over:
            assert time.monotonic() < deadline, got
            state = backend.state(spec.run_id)
            part = backend.read_log(spec.run_id, len(got), got[:64])
            restarts += part.restarted
            got = part.content if part.restarted else got + part.content
            if b"start 1" in got and not is_preempted:
                azure.azure.set(preemptions=1)
                is_preempted = True
            is_over = state.status.is_over
            time.sleep(0.2)
        assert state.status is JobStatus.COMPLETED
        assert state.attempt == 2
        assert restarts == 1
        assert got.decode().count("start") == 1
        assert "start 2" in got.decode()


class TestSecrets:
    def test_a_secret_reaches_the_job_and_nothing_shows_it(self, backend, make_job, azure):
        value, name = f"secret-{uuid.uuid4().hex}", f"dagshub_{uuid.uuid4().hex}"
        backend.put_secret(name, value)
        spec = make_job(
            f"""
            import hashlib, os, sys
            sys.path.insert(0, "src")
            from mayo_kedro.runners.azure.context import AzureJobContext
            context = AzureJobContext()
            print("run:", context.run_id)
            print("digest:", hashlib.sha256(context.secret({name!r}).encode()).hexdigest())
            print("environment:", any({value[:12]!r} in value for value in os.environ.values()))
            """
        )
        copy_package(spec.source / "src")
        state = run(backend, spec)
        log = read_log(backend, spec.run_id)
        assert state.status is JobStatus.COMPLETED, log
        assert f"run: {spec.run_id}" in log
        assert hashlib.sha256(value.encode()).hexdigest() in log
        assert value not in log
        from azureml.core import Run, Workspace

        details = Run.get(Workspace.get(**workspace_of(azure)), spec.run_id).get_details()
        assert value not in json.dumps(details, default=str)
        backend.delete_secret(name)
        backend.delete_secret(name)
        state = run(backend, JobSpec(**{**vars(spec), "run_id": f"{spec.run_id}_again"}))
        assert state.status is JobStatus.FAILED
        assert "has no secret" in read_log(backend, state.run_id)

    def test_a_secret_that_cannot_be_put_is_not_quoted(self, backend, azure, caplog):
        value = uuid.uuid4().hex
        azure.azure.fault("*/secrets*", status=400, method="PUT")
        with caplog.at_level(logging.DEBUG), pytest.raises(JobServiceError) as caught:
            backend.put_secret("name", value)
        assert value not in "".join(traceback.format_exception(caught.value))
        assert value not in caplog.text


def copy_package(target: Path) -> None:
    """What a job needs of the project to ask for a secret."""
    package = Path(mayo_kedro.__file__).parent
    shutil.copytree(package / "runners", target / "mayo_kedro" / "runners")
    for name in ("__init__.py", "errors.py"):
        shutil.copy(package / name, target / "mayo_kedro")


def workspace_of(azure) -> dict[str, object]:
    from azureml.core.authentication import ServicePrincipalAuthentication

    given = azure.azure.variables
    login = [given[f"AZUREML_SERVICE_PRINCIPAL_{part}"] for part in ("TENANT_ID", "ID", "PASSWORD")]
    return {
        "name": given["AZUREML_ARM_WORKSPACE_NAME"],
        "subscription_id": given["AZUREML_ARM_SUBSCRIPTION"],
        "resource_group": given["AZUREML_ARM_RESOURCEGROUP"],
        "auth": ServicePrincipalAuthentication(*login),
    }


class TestWorkspace:
    def test_the_workspace_is_described(self, backend, azure):
        assert azure.azure.variables["AZUREML_ARM_WORKSPACE_NAME"] in backend.describe()
        assert backend.tracking_uri().startswith("azureml://")

    def test_an_existing_cluster_stays_as_it_is(self, backend, caplog):
        other = ComputeSpec(CLUSTER.name, "Standard_ND96", "dedicated", 9, 60)
        with caplog.at_level(logging.WARNING, "mayo_kedro"):
            state = backend.ensure_compute(other)
        assert (state.size, state.priority, state.max_nodes) == (CLUSTER.size, "low", 4)
        for setting in ("compute.size", "compute.priority", "compute.max_nodes"):
            assert setting in caplog.text
        assert backend.compute_state(CLUSTER.name) == state

    def test_dedicated_machines_are_not_taken_for_cheap_ones(self, backend):
        dear = ComputeSpec("dear-cluster", CLUSTER.size, "dedicated")
        backend.ensure_compute(dear)
        with pytest.raises(UserError, match="would cost several times as much") as caught:
            backend.ensure_compute(ComputeSpec(dear.name, dear.size, "low"))
        assert "compute.priority" in caught.value.remedy

    def test_a_cluster_that_is_missing_is_named(self, backend):
        assert backend.find_compute("missing") is None
        with pytest.raises(UserError, match="no cluster 'missing'"):
            backend.compute_state("missing")

    def test_a_job_for_a_missing_cluster_is_refused(self, backend, make_job):
        spec = make_job("print(1)")
        elsewhere = JobSpec(**{**vars(spec), "compute": ComputeSpec("missing", "x")})
        with pytest.raises(UserError) as caught:
            backend.submit(elsewhere)
        assert "compute.name" in caught.value.remedy

    def test_a_container_is_registered_once(self, backend):
        spec = EnvironmentSpec(f"mayo-kedro-{uuid.uuid4().hex}", "FROM example/image:2\n")
        assert not backend.knows_environment(spec)
        backend.ensure_environment(spec)
        assert backend.knows_environment(spec)
        backend.ensure_environment(spec)

    @pytest.mark.parametrize("setting", ["subscription_id", "resource_group", "workspace_name"])
    def test_a_wrong_address_names_the_setting(self, azure, setting):
        wrong = "00000000-1111-0000-0000-000000000000" if setting == "subscription_id" else "missing"
        backend = AzureMLBackend(AzureMLSettings(workspace={setting: wrong}))
        with pytest.raises(UserError) as caught:
            backend.describe()
        assert f"workspace.{setting}" in caught.value.remedy
        assert "conf/azure/azureml.yml" in caught.value.remedy

    @pytest.mark.parametrize(
        ("field", "variable"),
        [("client_id", "ID"), ("client_secret", "PASSWORD")],
    )
    def test_a_wrong_login_names_the_field(self, azure, field, variable):
        given = azure.azure.variables
        login = {
            "kind": "service_principal",
            "tenant_id": given["AZUREML_SERVICE_PRINCIPAL_TENANT_ID"],
            "client_id": given["AZUREML_SERVICE_PRINCIPAL_ID"],
            "client_secret": given["AZUREML_SERVICE_PRINCIPAL_PASSWORD"],
        }
        AzureMLBackend(AzureMLSettings(), login).describe()
        with pytest.raises(UserError) as caught:
            AzureMLBackend(AzureMLSettings(), {**login, field: "hunter2"}).describe()
        assert f"{variable} in the environment" in caught.value.remedy
        assert "conf/azure/credentials.yml" in caught.value.remedy
        assert given["AZUREML_SERVICE_PRINCIPAL_PASSWORD"] not in str(caught.value)

    def test_half_a_login_names_what_is_missing(self, azure, monkeypatch):
        monkeypatch.delenv("AZUREML_SERVICE_PRINCIPAL_PASSWORD")
        with pytest.raises(UserError, match="AZUREML_SERVICE_PRINCIPAL_PASSWORD is not set"):
            AzureMLBackend(AzureMLSettings()).describe()

    def test_without_a_login_the_user_is_sent_to_log_in(self, azure, monkeypatch):
        for name in ("TENANT_ID", "ID", "PASSWORD"):
            monkeypatch.delenv(f"AZUREML_SERVICE_PRINCIPAL_{name}")
        with pytest.raises(UserError, match="Nobody is logged in") as caught:
            AzureMLBackend(AzureMLSettings()).describe()
        assert "az login" in caught.value.remedy

    def test_half_an_address_names_what_is_missing(self, azure, monkeypatch):
        monkeypatch.delenv("AZUREML_ARM_RESOURCEGROUP")
        with pytest.raises(UserError, match=r"workspace\.resource_group \(AZUREML_ARM_RESOURCEGROUP\)"):
            AzureMLBackend(AzureMLSettings()).describe()

    def test_config_json_names_the_workspace(self, azure, monkeypatch, tmp_path):
        given = azure.azure.variables
        for name in ("SUBSCRIPTION", "RESOURCEGROUP", "WORKSPACE_NAME"):
            monkeypatch.delenv(f"AZUREML_ARM_{name}")
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UserError) as caught:
            AzureMLBackend(AzureMLSettings()).describe()
        assert "config.json" in caught.value.remedy
        address = {
            "subscription_id": given["AZUREML_ARM_SUBSCRIPTION"],
            "resource_group": given["AZUREML_ARM_RESOURCEGROUP"],
            "workspace_name": given["AZUREML_ARM_WORKSPACE_NAME"],
        }
        (tmp_path / "config.json").write_text(json.dumps(address))
        assert address["workspace_name"] in AzureMLBackend(AzureMLSettings()).describe()

    def test_a_token_that_expires_on_the_way_is_renewed(self, backend, make_job, azure):
        spec = make_job("import time; time.sleep(3); print('done')")
        backend.submit(spec)
        azure.azure.set(token_requests=0)
        assert backend.state(spec.run_id).run_id == spec.run_id
        azure.azure.set(token_requests=0)
        assert backend.compute_state(CLUSTER.name).max_nodes == 4
        azure.azure.set(token_requests=0)
        assert backend.knows_environment(CONTAINER)
        azure.azure.set(token_requests=0)
        assert run(backend, make_job("print(1)")).status is JobStatus.COMPLETED
        wait_for(backend, spec.run_id, lambda state: state.status.is_over)

    @pytest.mark.slow
    @pytest.mark.parametrize("requests", range(16))
    def test_a_token_may_expire_at_any_point_of_a_submission(self, backend, make_job, azure, requests):
        spec = make_job("print('once')", tags={"mark": uuid.uuid4().hex})
        azure.azure.set(token_requests=requests)
        assert run(backend, spec).status is JobStatus.COMPLETED
        assert [state.run_id for state in backend.find(EXPERIMENT, spec.tags)] == [spec.run_id]
        assert read_log(backend, spec.run_id).count("once") == 1


class TestMachines:
    def test_several_machines_know_of_one_another(self, backend, make_job):
        spec = make_job(
            """
            import json, os
            config = json.loads(os.environ["TF_CONFIG"])
            print(config["task"], sorted(config["cluster"]), len(config["cluster"]["worker"]))
            """,
            node_count=2,
        )
        state = run(backend, spec)
        log = read_log(backend, spec.run_id)
        assert state.status is JobStatus.COMPLETED, log
        assert "'index': 0" in log
        assert "['worker'] 2" in log


def test_importing_the_backend_imports_no_azureml():
    code = """
import sys, mayo_kedro.runners.azure.backend
heavy = {"azureml", "azure", "msrest", "tensorflow", "mlflow", "pyvips", "dagshub"}
print(sorted(heavy.intersection(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
