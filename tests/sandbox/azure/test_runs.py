"""Submitting with the real SDK, and what it tells of a run then."""

import pytest

from mayo_kedro.sandbox.azure.handle import AzureSandbox

from .conftest import Client, ClientError

HELLO = """
import os, pathlib
print("hello from", pathlib.Path.cwd().name, flush=True)
pathlib.Path("outputs/deep").mkdir()
pathlib.Path("outputs/deep/a b.txt").write_text("kept")
pathlib.Path("logs/own.txt").write_text("log")
pathlib.Path("elsewhere.txt").write_text("lost")
"""


def test_a_run_from_submission_to_its_files(client: Client) -> None:
    told = client(
        """
        run = submit(workspace, {"main.py": HELLO})
        status = wait(run)
        details = run.get_details()
        import os
        folder = tempfile.mkdtemp()
        run.download_files(prefix="outputs", output_directory=folder)
        run.download_file("logs/own.txt", os.path.join(folder, "own.txt"))
        result = {
            "status": status,
            "log": read_log(run),
            "names": run.get_file_names(),
            "target": details["target"],
            "seconds": details["runDefinition"]["maxRunDurationSeconds"],
            "downloaded": open(os.path.join(folder, "outputs/deep/a b.txt")).read(),
            "own": open(os.path.join(folder, "own.txt")).read(),
        }
        """,
        HELLO=HELLO,
    )
    assert told == {
        "status": "Completed",
        "log": "hello from work\n",
        "names": ["logs/own.txt", "outputs/deep/a b.txt", "user_logs/std_log.txt"],
        "target": "gpu",
        "seconds": 60,
        "downloaded": "kept",
        "own": "log",
    }


def test_only_what_has_changed_is_sent_again(client: Client, azure: AzureSandbox) -> None:
    files = {
        "main.py": "import os; print(sorted(os.listdir('data')))",
        "data/one.txt": "1",
        "data/two.txt": "2",
    }

    def count_sent(files: dict[str, str]) -> tuple[int, str]:
        azure.reset("counts")
        log = client("run = submit(workspace, files); wait(run); result = read_log(run)", files=files)
        paths = azure.counts()["paths"]
        # each file is written and then asked for its size
        return sum(one["requests"] for path, one in paths.items() if "/azureml-snapshots/" in path) // 2, log

    count_sent(files)
    changed = {**files, "data/two.txt": "other"}
    assert count_sent(changed) == (1, "['one.txt', 'two.txt']\n")
    del changed["data/one.txt"]
    assert count_sent(changed) == (0, "['two.txt']\n")


def test_a_run_that_is_submitted_again_is_the_same_run(client: Client) -> None:
    told = client(
        """
        name = f"tries_{uuid.uuid4().hex}"
        files = {"main.py": "import pathlib; print('once')"}
        first, second = [submit(workspace, files, run_id=name) for _ in range(2)]
        wait(first)
        numbers = [run.get_details()["runId"] for run in (first, second)]
        result = [numbers == [name, name], first._run_dto["run_number"] == second._run_dto["run_number"]]
        """
    )
    assert told == [True, True]


def test_a_lost_answer_makes_no_second_run(client: Client, azure: AzureSandbox) -> None:
    azure.reset("counts")
    azure.set(lost_answers=1)
    told = client(
        """
        name = f"lost_{uuid.uuid4().hex}"
        before = len(list(Experiment(workspace, "tries").get_runs()))
        for _ in range(2):
            try:
                run = submit(workspace, {"main.py": "print(1)"}, run_id=name)
                break
            except Exception:
                continue
        result = [wait(run), len(list(Experiment(workspace, "tries").get_runs())) - before]
        """
    )
    assert told == ["Completed", 1]
    asked = [one["requests"] for path, one in azure.counts()["paths"].items() if path.endswith("snapshotrun")]
    assert sum(asked) >= 2


def test_submissions_are_refused_as_often_as_ordered(client: Client, azure: AzureSandbox) -> None:
    azure.set(refuse_submissions="503*9")
    with pytest.raises(ClientError) as refused:
        client('submit(workspace, {"main.py": "print(1)"})')
    assert refused.value.kind == "ExperimentExecutionException"
    azure.reset("faults")
    assert client('result = wait(submit(workspace, {"main.py": "print(1)"}))') == "Completed"


def test_a_target_that_is_not_there_is_refused(client: Client) -> None:
    with pytest.raises(ClientError, match="there is no compute target none"):
        client('submit(workspace, {"main.py": ""}, compute_target="none")')


def test_tags_properties_and_queries(client: Client) -> None:
    told = client(
        """
        run = submit(workspace, {"main.py": "print(1)"})
        run.set_tags({"fold": "3", "kind": "it is so"})
        run.add_properties({"lock": "abc"})
        wait(run)
        experiment = Experiment(workspace, "tries")
        again = Run.get(workspace, run.id)
        result = {
            "by tag": [one.id == run.id for one in experiment.get_runs(tags={"fold": "3"})],
            "by two": len(list(experiment.get_runs(tags={"fold": "3", "kind": "it is so"}))),
            "by name of tag": len(list(experiment.get_runs(tags="fold"))),
            "by other": len(list(experiment.get_runs(tags={"fold": "4"}))),
            "by property": len(list(experiment.get_runs(properties={"lock": "abc"}))),
            "by type": run.id in [one.id for one in experiment.get_runs(type="azureml.scriptrun")],
            "with children": run.id in [one.id for one in experiment.get_runs(include_children=True)],
            "tags": again.get_tags(),
            "property": again.get_properties()["lock"],
            "type": again.type,
        }
        """
    )
    assert told == {
        "by tag": [True],
        "by two": 1,
        "by name of tag": 1,
        "by other": 0,
        "by property": 1,
        "by type": True,
        "with children": True,
        "tags": {"fold": "3", "kind": "it is so"},
        "property": "abc",
        "type": "azureml.scriptrun",
    }


def test_a_run_of_ones_own_its_children_metrics_and_files(client: Client) -> None:
    told = client(
        """
        import os
        run = Experiment(workspace, "own").start_logging(snapshot_directory=None)
        run.log("loss", 0.5)
        run.log("loss", 0.25)
        run.log("broken", float("nan"))
        run.log_list("list", [1, 2])
        run.log_row("row", a=1, b=2)
        child = run.child_run("inner")
        child.log("loss", 3)
        child.complete()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.txt")
            open(path, "w").write("sent")
            run.upload_file("files/x.txt", path)
            run.flush()
            run.complete()
            run.download_file("files/x.txt", path)
            sent = open(path).read()
        result = [run.get_metrics(), [one.get_metrics() for one in run.get_children()], sent,
                  run.get_file_names(), run.get_status()]
        """
    )
    metrics, children, sent, names, status = told
    assert metrics.pop("broken") not in (0, None)
    assert metrics == {"loss": [0.5, 0.25], "list": [1, 2], "row": {"a": 1, "b": 2}}
    assert children == [{"loss": 3}]
    assert (sent, names, status) == ("sent", ["files/x.txt"], "Completed")


def test_runs_of_ones_own_that_end_otherwise(client: Client) -> None:
    told = client(
        """
        experiment = Experiment(workspace, "own")
        failed, cancelled = [experiment.start_logging(snapshot_directory=None) for _ in range(2)]
        failed.fail("the reason", "mine")
        cancelled.tag("kind", "x")
        cancelled.remove_tags(["kind"])
        cancelled.cancel()
        result = [failed.get_status(), failed.get_details()["error"]["error"]["message"],
                  cancelled.get_status(), cancelled.get_tags(),
                  {"own", "tries"} <= {one.name for one in Experiment.list(workspace)}]
        """
    )
    assert told == ["Failed", "the reason", "Canceled", {}, True]


def test_the_snapshot_of_a_run_can_be_fetched(client: Client) -> None:
    told = client(
        """
        import zipfile
        run = submit(workspace, {"main.py": "print(1)", "deep/x.txt": "seen"})
        wait(run)
        with zipfile.ZipFile(run.restore_snapshot(path=tempfile.mkdtemp())) as archive:
            result = [sorted(archive.namelist()), archive.read("deep/x.txt").decode()]
        """
    )
    assert told == [["deep/x.txt", "main.py"], "seen"]


@pytest.mark.slow
def test_a_large_file_is_sent_in_blocks_and_comes_back(client: Client, azure: AzureSandbox) -> None:
    azure.reset("counts")
    told = client(
        """
        import hashlib, os
        folder = tempfile.mkdtemp()
        content = os.urandom(66 << 20)
        with open(folder + "/large.bin", "wb") as file:
            file.write(content)
        run = Experiment(workspace, "own").start_logging(snapshot_directory=None)
        run.upload_file("large.bin", folder + "/large.bin")
        run.complete()
        run.download_file("large.bin", folder + "/back.bin")
        back = open(folder + "/back.bin", "rb").read()
        result = hashlib.sha256(back).digest() == hashlib.sha256(content).digest()
        """
    )
    assert told is True
    sent = [one["requests"] for path, one in azure.counts()["paths"].items() if path.endswith("large.bin")]
    assert max(sent) > 16  # blocks of 4 MiB


def test_nothing_but_loopback_was_asked_for(client: Client) -> None:
    assert client("result = sorted(CONNECTED)") == ["127.0.0.1"]
