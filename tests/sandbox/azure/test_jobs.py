"""What happens to a job: where it runs, how it ends, and what can go wrong."""

from pathlib import Path

import pytest

from mayo_kedro.sandbox.azure.handle import AzureSandbox

from .conftest import Client

LOOK = """
import json, os, sys
import starlette
try:
    import mayo_kedro
    found = mayo_kedro.__file__
except ModuleNotFoundError:
    found = None
print(json.dumps({
    "found": found,
    "variables": dict(os.environ),
    "here": sorted(os.listdir()),
    "home": os.listdir(os.environ["HOME"]),
    "path": sys.path,
    "python": sys.executable,
}))
"""
STEPS = """
import os, pathlib, time
mark = pathlib.Path("outputs/mark.txt")
print("again" if mark.exists() else "first", sorted(os.listdir()), flush=True)
if not mark.exists():
    pathlib.Path("scratch.txt").write_text("gone")
    mark.write_text("1")
    print("come and get me", flush=True)
    time.sleep(60)
"""
FAIL = """
import sys
print("before", flush=True)
raise RuntimeError("the reason")
"""


def look(client: Client, **files: str) -> dict[str, object]:
    told: dict[str, object] = client(
        """
        import json
        run = submit(workspace, {"main.py": LOOK, **files}, variables={"OWN": "yes"})
        wait(run)
        result = json.loads(read_log(run))
        """,
        LOOK=LOOK,
        files=files,
    )
    return told


def test_a_job_sees_nothing_of_the_submitting_checkout(client: Client) -> None:
    told = look(client)
    assert told["found"] is None
    assert told["here"] == ["logs", "main.py", "outputs"]
    assert told["home"] == []
    checkout = Path(__file__).resolve().parents[3]
    assert isinstance(told["path"], list)
    assert not {checkout, checkout / "src"} & {Path(place).resolve() for place in told["path"]}
    variables = told["variables"]
    assert isinstance(variables, dict)
    needed = {
        "HOME",
        "LANG",
        "NO_PROXY",
        "OWN",
        "PATH",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
        "TMPDIR",
        "no_proxy",
    }
    others = {name for name in variables if not name.startswith(("AZUREML_", "MLFLOW_", "ARM_"))}
    # the last two come from Python and the shell
    assert needed <= others <= needed | {"LC_CTYPE", "PWD"}
    assert not [name for name in variables if "PRINCIPAL" in name]
    assert not [name for name, value in variables.items() if str(checkout) in value]


def test_a_job_imports_the_package_from_its_snapshot(client: Client) -> None:
    told = look(client, **{"mayo_kedro/__init__.py": ""})
    assert Path(str(told["found"])).parts[-3:] == ("work", "mayo_kedro", "__init__.py")


def test_a_job_that_fails_says_why_and_keeps_its_files(client: Client) -> None:
    told = client(
        """
        run = submit(workspace, {"main.py": "open('outputs/kept.txt', 'w').write('kept')\\n" + FAIL})
        status = wait(run)
        error = run.get_details()["error"]["error"]
        result = [status, error["code"], error["message"], run.get_file_names()]
        """,
        FAIL=FAIL,
    )
    status, code, message, names = told
    assert (status, code) == ("Failed", "UserError")
    assert "status code 1" in message
    assert message.rstrip().endswith("RuntimeError: the reason")
    assert names == ["outputs/kept.txt", "user_logs/std_log.txt"]


def test_a_command_that_is_not_there(client: Client) -> None:
    told = client(
        """
        run = submit(workspace, {"main.py": ""}, "no-such-program")
        result = [wait(run), run.get_details()["error"]["error"]["message"]]
        """
    )
    assert told[0] == "Failed"
    assert "status code 127" in told[1]
    assert "no-such-program" in told[1]


def test_a_job_can_fail_at_its_start(client: Client, azure: AzureSandbox) -> None:
    azure.set(start_failures=1)
    told = client(
        """
        run = submit(workspace, {"main.py": "print(1)"})
        result = [wait(run), run.get_details()["error"]["error"]["code"],
                  wait(submit(workspace, {"main.py": "print(1)"}))]
        """
    )
    assert told == ["Failed", "ServiceError", "Completed"]


def test_a_log_can_be_read_while_it_grows_and_from_any_byte_on(client: Client) -> None:
    told = client(
        """
        run = submit(workspace, {"main.py":
            "import os, time; print('first', flush=True)\\n"
            "while not os.path.exists('logs/go'): time.sleep(0.02)\\n"
            "print('second')"}, "python", "main.py")
        wait(run, "Running")
        while not (log := run.get_details()["logFiles"]) or not (text := read_log(run)):
            pass
        address = log["user_logs/std_log.txt"]
        ranged = requests.get(address, headers={"Range": "bytes=2-"})
        beyond = requests.get(address, headers={"Range": "bytes=6-"})
        unsigned = requests.get(address.replace("sig=", "sig=x"))
        result = [text, ranged.status_code, ranged.text, beyond.status_code, unsigned.status_code]
        run.cancel()
        wait(run)
        """
    )
    assert told == ["first\n", 206, "rst\n", 416, 403]


def test_slow_logs(client: Client, azure: AzureSandbox) -> None:
    azure.set(log_delay=0.2, log_bytes=1000)
    told = client(
        """
        run = submit(workspace, {"main.py": "print('x' * 199)"})
        wait(run)
        before = time.monotonic()
        result = [read_log(run), time.monotonic() - before]
        """
    )
    assert told[0] == "x" * 199 + "\n"
    assert told[1] >= 0.4


def test_a_job_is_cancelled_with_its_children(client: Client) -> None:
    told = client(
        """
        import os
        run = submit(workspace, {"main.py":
            "import subprocess, sys, os\\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\\n"
            "print(os.getpid(), child.pid, flush=True); child.wait()"})
        wait(run, "Running")
        while not run.get_details()["logFiles"] or not (text := read_log(run)):
            pass
        run.cancel()
        status = wait(run)
        alive = []
        for process in map(int, text.split()):
            try:
                alive += [process] if "Z" not in open(f"/proc/{process}/stat").read().split(")")[1] else []
            except FileNotFoundError:
                pass
        result = [status, alive]
        """
    )
    assert told == ["Canceled", []]


def test_a_job_that_takes_too_long_is_ended(client: Client) -> None:
    told = client(
        """
        run = submit(workspace, {"main.py": "import time; time.sleep(60)"}, max_run_duration_seconds=1)
        result = [wait(run), run.get_details()["error"]["error"]["message"]]
        """
    )
    assert told[0] == "Canceled"
    assert "longer than the 1 seconds" in told[1]


def test_a_preempted_job_starts_anew_with_its_outputs_only(client: Client, azure: AzureSandbox) -> None:
    azure.set(preemptions=1, preempt_on="come and get me")
    told = client(
        """
        run = submit(workspace, {"main.py": STEPS})
        result = [wait(run), read_log(run), run.get_file_names()]
        """,
        STEPS=STEPS,
    )
    assert told == [
        "Completed",
        "again ['logs', 'main.py', 'outputs']\n",
        ["outputs/mark.txt", "user_logs/std_log.txt"],
    ]


def test_two_preemptions_are_seen_in_the_status(client: Client, azure: AzureSandbox) -> None:
    azure.set(preemptions=2, preempt_on="ready", queue_seconds=1)
    told = client(
        """
        gates = tempfile.mkdtemp()
        run = submit(workspace, {"main.py":
            "import os, pathlib, time\\n"
            "with open('outputs/starts.txt', 'a') as file: file.write('x')\\n"
            "start = len(open('outputs/starts.txt').read())\\n"
            "while not os.path.exists(os.environ['GATES'] + f'/{start}'): time.sleep(0.02)\\n"
            "if start < 3:\\n"
            "    pathlib.Path('ready').write_text(''); time.sleep(60)"}, variables={"GATES": gates})
        seen = []
        while not seen or seen[-1] not in ENDED:
            status = run.get_status()
            if seen[-1:] != [status]:
                seen.append(status)
            if status == "Running":
                open(f"{gates}/{seen.count('Running')}", "w").close()
        folder = tempfile.mkdtemp()
        run.download_file("outputs/starts.txt", folder + "/starts.txt")
        result = [seen.count("Queued"), seen[-1], open(folder + "/starts.txt").read()]
        """
    )
    assert told == [3, "Completed", "xxx"]


def test_more_jobs_than_nodes_wait_in_the_queue(client: Client) -> None:
    told = client(
        """
        code = ("import os, time\\nwhile not os.path.exists(os.environ['GATE']): time.sleep(0.02)")
        gate = tempfile.mkdtemp() + "/open"
        runs = [submit(workspace, {"main.py": code}, variables={"GATE": gate}) for _ in range(3)]
        for run in runs[:2]:
            wait(run, "Running")
        cluster.refresh_state()
        busy = cluster.get_status().serialize()
        waiting = runs[2].get_status()
        listed = len(list(Run.list_by_compute(cluster)))
        open(gate, "w").close()
        ended = [wait(run) for run in runs]
        cluster.refresh_state()
        after = cluster.get_status().serialize()["nodeStateCounts"]
        result = [busy["nodeStateCounts"]["runningNodeCount"], busy["currentNodeCount"], waiting, listed,
                  ended, after["runningNodeCount"], after["idleNodeCount"]]
        """
    )
    assert told == [2, 2, "Queued", 3, ["Completed"] * 3, 0, 2]


def test_nodes_go_down_when_they_have_been_idle(client: Client) -> None:
    told = client(
        """
        brief = make_cluster(workspace, "brief", nodes=1, idle_seconds=1)
        submit(workspace, {"main.py": "import time; time.sleep(1)"}, compute_target="brief")
        seen = [0]
        deadline = time.monotonic() + 60
        while (seen[-1] or 1 not in seen) and time.monotonic() < deadline:
            brief.refresh_state()
            seen.append(brief.get_status().serialize()["currentNodeCount"])
            time.sleep(0.1)
        result = [max(seen), seen[-1]]
        """
    )
    assert told == [1, 0]


def test_a_queued_job_is_cancelled_at_once(client: Client, azure: AzureSandbox) -> None:
    azure.set(queue_seconds=60)
    assert client(
        """
            run = submit(workspace, {"main.py": "print(1)"})
            before = run.get_status()
            run.cancel()
            result = [before, wait(run)]
            """
    ) == ["Queued", "Canceled"]


def test_an_artifact_can_be_corrupted(client: Client, azure: AzureSandbox) -> None:
    azure.set(corrupt="*/outputs/x.txt")
    told = client(
        """
        run = submit(workspace, {"main.py": "open('outputs/x.txt', 'w').write('x' * 100)"})
        wait(run)
        folder = tempfile.mkdtemp()
        contents = []
        for _ in range(2):
            run.download_file("outputs/x.txt", folder + "/x.txt")
            contents.append(open(folder + "/x.txt", "rb").read().count(b"x"))
        result = contents
        """
    )
    assert told == [99, 100]


def test_two_nodes_are_two_processes_that_know_each_other(client: Client) -> None:
    told = client(
        """
        import json
        from azureml.core.runconfig import TensorflowConfiguration
        code = "import os; print(os.environ['TF_CONFIG'], flush=True)"
        run = submit(workspace, {"main.py": code}, distributed_job_config=TensorflowConfiguration(2, 0))
        wait(run)
        logs = sorted(run.get_details()["logFiles"])
        result = [logs, [json.loads(read_log(run, name)) for name in logs]]
        """
    )
    logs, (first, second) = told
    assert logs == ["user_logs/std_log_process_0.txt", "user_logs/std_log_process_1.txt"]
    assert first["cluster"] == second["cluster"]
    assert len(set(first["cluster"]["worker"])) == 2
    assert [one["task"] for one in (first, second)] == [
        {"type": "worker", "index": index} for index in (0, 1)
    ]


WORKER = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
@tf.function
def add():
    def step():
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        return tf.distribute.get_replica_context().all_reduce("sum", tf.cast(index, tf.float32) + 1.0)
    return strategy.run(step)
print("sum", float(strategy.experimental_local_results(add())[0]), flush=True)
"""


@pytest.mark.slow
def test_two_nodes_reduce_together_in_tensorflow(client: Client) -> None:
    told = client(
        """
        from azureml.core.runconfig import TensorflowConfiguration
        run = submit(workspace, {"main.py": WORKER}, distributed_job_config=TensorflowConfiguration(2, 0),
                     max_run_duration_seconds=200)
        run.wait_for_completion(raise_on_error=False)
        logs = [read_log(run, name) for name in sorted(run.get_details()["logFiles"])]
        result = [run.get_status(), *(log.splitlines()[-1] for log in logs)]
        """,
        WORKER=WORKER,
    )
    assert told == ["Completed", "sum 3.0", "sum 3.0"]
