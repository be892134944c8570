"""Writing to a real service: what a commit holds, when there is one, and when there must be none."""

import io
import itertools
import json
import pickle
import subprocess
import threading
import zipfile

import fsspec
import pandas as pd
import pytest
from fsspec import AbstractFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mayo_kedro.errors import UserError
from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming import sending
from mayo_kedro.streaming.errors import AccessRefusedError, RemoteFileNotFoundError, TransferError
from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.revisions import forget_pins
from mayo_kedro.streaming.upload import check_arrival
from mayo_kedro.streaming.writing import OutgoingFile

NUMBERS = itertools.count()
BINARY = bytes(range(256))


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def service(tmp_path_factory, state):
    """A repository that holds nothing but one text, so that commits are quick."""
    seed = tmp_path_factory.mktemp("seed")
    (seed / "README.md").write_text("A repository to write to.\n")
    buckets = {"s3/slides": seed}
    with pytest.MonkeyPatch.context() as patch, start(state, seed=seed, buckets=buckets) as running:
        # The client loads all certificates for each request, which takes longer than the request.
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("no_certificates")))
        yield running


@pytest.fixture
def options(service, tmp_path):
    service.reset()
    forget_pins()
    yield {
        "host": service.host,
        "token": service.token,
        "cache_folder": str(tmp_path / "cache"),
        "skip_instance_cache": True,
    }
    service.reset()


@pytest.fixture
def filesystem(options):
    return DagsHubFileSystem(**options)


@pytest.fixture
def repository(service):
    return f"/{service.owner}/{service.name}@{service.branch}"


@pytest.fixture
def folder(repository):
    """One that no other test writes to."""
    return f"{repository}/{next(NUMBERS)}"


@pytest.fixture
def read_anew(options):
    """Reads as another run does, which knows nothing of the one that wrote."""

    def read(path):
        forget_pins()
        return DagsHubFileSystem(**options).cat_file(path)

    return read


@pytest.fixture
def git(service, state):
    """Gives the lines that git prints in the service's repository."""

    def ask(*arguments):
        place = state / "repositories" / service.owner / f"{service.name}.git"
        command = ["git", f"--git-dir={place}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    return ask


@pytest.fixture
def messages(git):
    """Gives the messages of the commits since the test began."""
    before = len(git("log", "--format=%s"))
    return lambda: git("log", "--format=%s")[:-before]


@pytest.fixture
def local(tmp_path):
    """A local folder with a file in it and one below."""
    (tmp_path / "local" / "deeper").mkdir(parents=True)
    (tmp_path / "local" / "text.txt").write_text("text")
    (tmp_path / "local" / "deeper" / "binary").write_bytes(BINARY)
    return tmp_path / "local"


def write_with_open(filesystem, path, body):
    with filesystem.open(path, "wb") as file:
        file.write(body)


def write_with_text(filesystem, path, body):
    with filesystem.open(path, "w", encoding="latin-1", newline="") as file:
        file.write(body.decode("latin-1"))


def write_with_compression(filesystem, path, body):
    with filesystem.open(path, "wb", compression="gzip") as file:
        file.write(body)
    with filesystem.open(path, "rb", compression="gzip") as file:
        assert file.read() == body
    filesystem.pipe_file(path, body)


def write_with_pipe(filesystem, path, body):
    filesystem.pipe({path: body})


def write_with_put(filesystem, path, body, local):
    (local / "file").write_bytes(body)
    filesystem.put(str(local / "file"), path)


def write_with_copy(filesystem, path, body):
    filesystem.pipe_file(f"{path}.original", body)
    filesystem.copy(f"{path}.original", path)


def write_with_mapper(filesystem, path, body):
    folder, _, name = path.rpartition("/")
    filesystem.get_mapper(folder)[name] = body


@pytest.mark.parametrize(
    "write",
    [
        write_with_open,
        write_with_text,
        write_with_compression,
        write_with_pipe,
        write_with_put,
        write_with_copy,
        write_with_mapper,
    ],
    ids=lambda write: write.__name__,
)
@pytest.mark.parametrize("body", [b"", b"a text\r\n", BINARY], ids=["empty", "text", "binary"])
def test_what_is_written_is_read_by_the_writer_and_by_others(
    filesystem, folder, read_anew, write, body, local
):
    path = f"{folder}/file"
    write(filesystem, path, body, *([local] if write is write_with_put else []))
    assert filesystem.cat_file(path) == body
    assert path in filesystem.ls(folder, detail=False)
    assert filesystem.info(path)["size"] == len(body)
    assert read_anew(path) == body


def test_a_file_is_overwritten(filesystem, folder, read_anew):
    for body in (b"first", BINARY, b""):
        filesystem.pipe_file(f"{folder}/file", body)
        assert filesystem.cat_file(f"{folder}/file") == body
    assert read_anew(f"{folder}/file") == b""


def test_touch_empties_a_file_or_makes_one(filesystem, folder):
    filesystem.touch(f"{folder}/file")
    assert filesystem.cat_file(f"{folder}/file") == b""


def test_every_file_that_is_closed_is_a_commit(filesystem, folder, messages):
    for name in ("a", "b"):
        write_with_open(filesystem, f"{folder}/{name}", name.encode())
    inner = folder.rpartition("/")[2]
    assert messages() == [f"Write {inner}/b", f"Write {inner}/a"]


def test_every_call_is_one_commit(filesystem, folder, messages, local):
    filesystem.put(f"{local}/", f"{folder}/put", recursive=True, message="Put")
    filesystem.pipe({f"{folder}/pipe/{name}": b"" for name in "abc"}, message="Pipe")
    filesystem.copy(f"{folder}/put", f"{folder}/copy", recursive=True, message="Copy")
    assert messages() == ["Copy", "Pipe", "Put"]
    assert filesystem.cat_file(f"{folder}/copy/deeper/binary") == BINARY
    assert len(filesystem.find(folder)) == 7


def test_a_transaction_is_one_commit_in_which_folders_do_not_matter(filesystem, folder, messages, git, local):
    with filesystem.transaction as commit:
        commit.message = "Labels, pixels and a note"
        filesystem.put_file(local / "deeper" / "binary", f"{folder}/pixels/first")
        filesystem.pipe_file(f"{folder}/labels/train.csv", b"label\n1\n")
        with filesystem.open(f"{folder}/note.txt", "w") as file:
            file.write("note")
        assert not filesystem.exists(f"{folder}/note.txt")
    assert messages() == ["Labels, pixels and a note"]
    assert git("log", "--format=%H")[0] == commit.revision
    assert filesystem.cat(filesystem.find(folder)) == {
        f"{folder}/labels/train.csv": b"label\n1\n",
        f"{folder}/note.txt": b"note",
        f"{folder}/pixels/first": BINARY,
    }


def test_a_transaction_begun_and_ended_by_hand_is_one_too(filesystem, folder, messages):
    filesystem.start_transaction()
    filesystem.pipe_file(f"{folder}/a", b"a")
    filesystem.pipe_file(f"{folder}/b", b"b")
    assert messages() == []
    filesystem.end_transaction()
    assert messages() == [f"Write {folder.rpartition('/')[2]}/a and 1 more"]


def test_the_last_of_several_writes_to_a_path_counts(filesystem, folder, messages):
    with filesystem.transaction:
        filesystem.pipe_file(f"{folder}/file", b"first")
        filesystem.pipe_file(f"{folder}/file", b"second")
    assert filesystem.cat_file(f"{folder}/file") == b"second"
    assert len(messages()) == 1


def test_many_files_are_still_one_commit(filesystem, folder, messages):
    files = {f"{folder}/{number % 7}/{number}": str(number).encode() for number in range(250)}
    filesystem.pipe(files)
    assert len(messages()) == 1
    assert filesystem.cat(list(files)) == files


def test_a_transaction_that_wrote_nothing_makes_no_commit(filesystem, messages):
    with filesystem.transaction as commit:
        pass
    assert commit.revision is None
    assert messages() == []


def test_the_same_content_again_makes_no_commit(filesystem, folder, messages):
    for _ in range(2):
        filesystem.pipe({f"{folder}/text": b"text", f"{folder}/binary": BINARY})
    assert len(messages()) == 1


def test_an_exception_in_a_transaction_leaves_the_branch_as_it_is(filesystem, folder, messages):
    def write_and_fail():
        with filesystem.transaction:
            filesystem.pipe_file(f"{folder}/a", b"a")
            with filesystem.open(f"{folder}/b", "w") as file:
                file.write(str(1 / 0))

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert messages() == []
    filesystem.pipe_file(f"{folder}/c", b"c")
    assert filesystem.find(folder) == [f"{folder}/c"]
    assert len(messages()) == 1


def test_half_a_file_is_not_committed(filesystem, folder, messages, local):
    def write_half():
        with filesystem.open(f"{folder}/file", "wb") as file:
            file.write(b"half")
            file.write(b"%d" % (1 / 0))

    with pytest.raises(ZeroDivisionError):
        write_half()
    with pytest.raises(FileNotFoundError):
        filesystem.put([str(local / "text.txt"), str(local / "none")], [f"{folder}/a", f"{folder}/b"])
    assert messages() == []
    assert not filesystem.exists(folder)


def test_what_was_given_up_inside_a_transaction_is_not_in_its_commit(filesystem, folder):
    with filesystem.transaction:
        with pytest.raises(ZeroDivisionError), filesystem.open(f"{folder}/a", "wb") as file:
            file.write(b"%d" % (1 / 0))
        filesystem.pipe_file(f"{folder}/b", b"b")
    assert filesystem.find(folder) == [f"{folder}/b"]


def test_a_commit_that_is_refused_ends_the_transaction(filesystem, folder, service):
    service.fault(path="*/content/*", kind="status", status=403, method="PUT")
    with pytest.raises(AccessRefusedError), filesystem.transaction:
        filesystem.pipe_file(f"{folder}/a", b"a")
    filesystem.pipe_file(f"{folder}/b", b"b")
    assert filesystem.find(folder) == [f"{folder}/b"]


@pytest.mark.parametrize(
    ("chosen", "text", "binary"), [(None, "git", "dvc"), ("git", "git", "git"), ("dvc", "dvc", "dvc")]
)
def test_versioning_is_chosen_by_the_service_the_call_the_transaction_or_the_filesystem(
    filesystem, options, folder, chosen, text, binary
):
    files = {"text": b"text", "binary": BINARY}

    def write(target, place, **how):
        target.pipe({f"{folder}/{place}/{name}": body for name, body in files.items()}, **how)

    write(filesystem, "call", versioning=chosen)
    with filesystem.transaction as commit:
        commit.versioning = chosen
        write(filesystem, "transaction")
    with_option = DagsHubFileSystem(**options, **({"versioning": chosen} if chosen else {}))
    write(with_option, "filesystem")
    for place in ("call", "transaction", "filesystem"):
        found = with_option if place == "filesystem" else filesystem
        assert found.info(f"{folder}/{place}/text")["versioning"] == text
        assert found.info(f"{folder}/{place}/binary")["versioning"] == binary


def test_a_transaction_has_one_message_and_one_versioning(filesystem, folder, messages):
    def write_in_two_ways():
        with filesystem.transaction:
            filesystem.pipe_file(f"{folder}/a", b"a", versioning="git")
            filesystem.pipe_file(f"{folder}/b", b"b", versioning="dvc")

    with pytest.raises(UserError, match="one versioning: 'git', or 'dvc'"):
        write_in_two_ways()
    with filesystem.transaction:
        filesystem.pipe_file(f"{folder}/a", b"a", message="Both")
        filesystem.put_file(__file__, f"{folder}/b", message="Both")
    assert messages() == ["Both"]


def test_a_transaction_is_in_one_repository(filesystem, folder, messages, service):
    def write_to_two():
        with filesystem.transaction:
            filesystem.pipe_file(f"{folder}/a", b"a")
            filesystem.pipe_file(f"/{service.owner}/{service.name}/b", b"b")

    with pytest.raises(UserError, match="several repositories or branches"):
        write_to_two()
    assert messages() == []


def test_without_a_revision_the_default_branch_is_written(filesystem, service, folder, read_anew):
    name = folder.rpartition("/")[2]
    filesystem.pipe_file(f"dagshub://{service.owner}/{service.name}/{name}/file", b"here")
    assert read_anew(f"{folder}/file") == b"here"


def test_everything_else_stays_where_the_run_began(filesystem, service, repository, folder, read_anew):
    name = folder.rpartition("/")[2]
    service.commit({f"{name}/theirs": b"before", f"{name}/more": b"more"})
    assert filesystem.cat_file(f"{folder}/theirs") == b"before"
    pinned = filesystem.repository(repository)[0].commit
    service.commit({f"{name}/theirs": b"after", f"{name}/new": b"new"})
    filesystem.pipe_file(f"{folder}/ours", b"ours")
    assert filesystem.cat(filesystem.find(folder)) == {
        f"{folder}/more": b"more",
        f"{folder}/ours": b"ours",
        f"{folder}/theirs": b"before",
    }
    assert filesystem.repository(repository)[0].commit == pinned
    assert read_anew(f"{folder}/theirs") == b"after"


def test_writers_at_the_same_moment_all_arrive(options, folder, read_anew, messages):
    def write(number):
        DagsHubFileSystem(**options).pipe_file(f"{folder}/{number}", str(number).encode())

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [read_anew(f"{folder}/{number}") for number in range(4)] == [b"0", b"1", b"2", b"3"]
    assert len(messages()) == 4


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset", "method": "PUT", "times": 2},
        {"kind": "truncate", "method": "PUT"},
        {"kind": "silence", "method": "PUT"},
        {"kind": "status", "status": 503, "method": "PUT", "times": 2},
        {"kind": "status", "status": 429, "retry_after": 1, "method": "PUT"},
    ],
    ids=lambda fault: fault["kind"] + str(fault.get("status", "")),
)
def test_a_passing_fault_is_overcome_with_one_commit(
    filesystem, folder, service, messages, fault, monkeypatch
):
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.5)
    service.fault(path="*/content/*", **fault)
    filesystem.pipe_file(f"{folder}/file", b"body")
    assert filesystem.cat_file(f"{folder}/file") == b"body"
    assert len(messages()) == 1
    assert filesystem.statistics.retries >= 1


def test_a_passing_fault_of_the_clients_own_questions_is_overcome(filesystem, folder, repository, service):
    filesystem.ls(repository)
    service.fault(path="*/branches/*", kind="status", status=502)
    service.fault(path="*/branches/*", kind="reset")
    filesystem.pipe_file(f"{folder}/file", b"body")
    assert filesystem.cat_file(f"{folder}/file") == b"body"


def test_a_service_that_stays_down_is_told_after_bounded_attempts(filesystem, folder, service, messages):
    service.fault(path="*/content/*", kind="reset", method="PUT", times=None)
    with pytest.raises(TransferError, match=r"did not reach .* in 6 attempts(.|\n)*publish_results_node"):
        filesystem.pipe_file(f"{folder}/file", b"body")
    assert messages() == []


def test_a_service_that_takes_nothing_says_why(filesystem, folder, service, repository):
    service.fault(path="*/content/*", kind="status", status=403, method="PUT")
    with pytest.raises(AccessRefusedError, match=r"did not take(.|\n)*publish: false") as refused:
        filesystem.pipe_file(f"{folder}/file", b"body")
    assert service.token not in str(refused.value)
    filesystem.pipe_file(f"{folder}/file", b"body", versioning="git")
    with pytest.raises(UserError, match=r"versioned by git(.|\n)*leave out versioning"):
        filesystem.pipe_file(f"{folder}/file", b"other", versioning="dvc")
    with pytest.raises(UserError, match=r"is there as something else(.|\n)*another path"):
        filesystem.pipe_file(folder, b"not a folder")


def test_what_may_be_too_much_is_said_so(filesystem, folder, service):
    service.fault(path="*/content/*", kind="status", status=413, method="PUT")
    with pytest.raises(UserError, match=r"and 100 more(.|\n)*at most 100 files"):
        filesystem.pipe({f"{folder}/{number}": b"" for number in range(101)})


def test_what_arrived_is_compared_by_its_hash_or_else_by_its_content(filesystem, service, repository):
    read = filesystem.repository(repository)[0]
    body = b"A repository to write to.\n"
    for path in ("README.md", ".dagshub/storage/s3/slides/README.md"):
        check_arrival(read, {path: io.BytesIO(body)})
        with pytest.raises(TransferError, match=r"README\.md .* is not what was sent"):
            check_arrival(read, {path: io.BytesIO(body[::-1])})


def test_a_commit_is_not_written_to(filesystem, repository, folder, local):
    commit = filesystem.repository(repository)[0].commit
    name = repository.rpartition("@")[0]
    with pytest.raises(UserError, match="not a branch"):
        filesystem.open(f"{name}@{commit}/file", "wb")
    with pytest.raises(UserError, match="not a branch"):
        filesystem.upload(f"{name}@{commit}/results", {"file": local / "text.txt"}, "Publish")


def test_a_branch_is_not_made_by_a_slip(filesystem, repository, git):
    name = repository.rpartition("@")[0]
    with pytest.raises(RemoteFileNotFoundError, match="mian"):
        filesystem.pipe_file(f"{name}@mian/file", b"")
    assert git("branch", "--format=%(refname:short)") == ["main"]


def test_a_bucket_is_only_read(filesystem, repository):
    with pytest.raises(UserError, match=r"storage bucket(.|\n)*s3fs"):
        filesystem.pipe_file(f"{repository}/.dagshub/storage/s3/slides/file", b"")


def test_offline_nothing_is_written(options, folder, service):
    with pytest.raises(UserError, match=r"offline is on(.|\n)*globals\.yml"):
        DagsHubFileSystem(**options, offline=True).open(f"{folder}/file", "wb")
    assert service.counts()["requests"] == 0


def test_without_a_token_one_is_asked_for_instead_of_a_browser(options, folder, repository, service):
    DagsHubFileSystem(**options).ls(repository)
    without = DagsHubFileSystem(**{**options, "token": None})
    with pytest.raises(AccessRefusedError, match=r"needs a token(.|\n)*DAGSHUB_USER_TOKEN"):
        without.pipe_file(f"{folder}/file", b"")


@pytest.mark.parametrize("name", ['quoted"', "back\\slash", "line\nbreak"])
def test_a_name_that_would_arrive_as_another_is_refused(filesystem, folder, name):
    with pytest.raises(UserError, match="change this name"):
        filesystem.touch(f"{folder}/{name}")


def test_a_token_that_expires_is_told(filesystem, folder, repository, service):
    filesystem.ls(repository)
    service.expire_token()
    with pytest.raises(AccessRefusedError, match=r"token was refused(.|\n)*DAGSHUB_USER_TOKEN"):
        filesystem.pipe_file(f"{folder}/file", b"")


def test_a_versioning_that_does_not_exist_is_refused(filesystem, folder):
    with pytest.raises(UserError, match="'svn', which is none of auto, git, dvc"):
        filesystem.pipe_file(f"{folder}/file", b"", versioning="svn")


def test_a_file_is_not_appended_to_or_changed_in_place(filesystem, folder):
    for mode in ("ab", "r+b"):
        with pytest.raises(NotImplementedError, match="as a whole"):
            filesystem.open(f"{folder}/file", mode)


def test_folders_come_with_their_files_and_nothing_is_removed(filesystem, folder):
    filesystem.mkdir(folder)
    filesystem.makedirs(f"{folder}/deeper")
    assert not filesystem.exists(folder)
    with pytest.raises(RemoteFileNotFoundError, match="nobody"):
        filesystem.mkdir("nobody/nothing@main/folder")
    filesystem.pipe_file(f"{folder}/file", b"")
    for refuse in (
        lambda: filesystem.rm(f"{folder}/file"),
        lambda: filesystem.rm(folder, recursive=True),
        lambda: filesystem.mv(f"{folder}/file", f"{folder}/other"),
    ):
        with pytest.raises(UserError, match="with git") as refused:
            refuse()
        assert isinstance(refused.value, NotImplementedError)
    assert filesystem.find(folder) == [f"{folder}/file"]


def test_pandas_writes_by_url(options, folder, messages):
    options.pop("skip_instance_cache")
    table = pd.DataFrame({"image_id": ["a", "b"], "label": ["CE", "LAA"]})
    storage = {**options, "message": "Two labels", "versioning": "git"}
    table.to_csv(f"dagshub:/{folder}/labels.csv", index=False, storage_options=storage)
    table.to_parquet(f"dagshub:/{folder}/labels.parquet", storage_options=storage)
    assert messages() == ["Two labels", "Two labels"]
    for read, name in ((pd.read_csv, "labels.csv"), (pd.read_parquet, "labels.parquet")):
        pd.testing.assert_frame_equal(read(f"dagshub:/{folder}/{name}", storage_options=storage), table)


def test_fsspec_opens_by_url(options, folder):
    options.pop("skip_instance_cache")
    with fsspec.open(f"dagshub:/{folder}/file.txt.gz", "wt", compression="infer", **options) as file:
        file.write("compressed")
    with fsspec.open(f"dagshub:/{folder}/file.txt.gz", "rt", compression="infer", **options) as file:
        assert file.read() == "compressed"


def test_a_format_that_goes_back_in_the_file_is_written(filesystem, folder):
    body = bytes(3_000_000)
    with filesystem.open(f"{folder}/archive.zip", "wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("zeros", body)
    with filesystem.open(f"{folder}/archive.zip") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("zeros") == body
    assert filesystem.info(f"{folder}/archive.zip")["versioning"] == "dvc"


def test_results_are_uploaded_in_one_commit_and_tracked_as_one_folder(
    filesystem, repository, folder, local, messages, git
):
    before = filesystem.repository(repository)[0].commit
    files = {"text.txt": local / "text.txt", "deeper/binary": local / "deeper" / "binary"}
    commit = filesystem.upload(f"{folder}/results", files, "Publish a test")
    assert filesystem.upload(f"{folder}/results", files, "Publish it again") == commit
    assert messages() == ["Publish a test"]
    name = folder.rpartition("/")[2]
    assert git("ls-tree", "--name-only", f"{commit}:{name}") == [".gitignore", "results.dvc"]
    assert filesystem.cat_file(f"{folder}/results/text.txt") == b"text"
    assert filesystem.repository(repository)[0].commit == before
    at_commit = folder.replace(f"@{folder.partition('@')[2].partition('/')[0]}", f"@{commit}")
    assert filesystem.info(f"{at_commit}/results/deeper/binary")["versioning"] == "dvc"


characters = st.characters(exclude_categories=["C"], exclude_characters='/\\"')
names = st.text(characters, min_size=1, max_size=20).filter(
    lambda name: name.casefold() not in (".", "..", ".git", ".gitignore") and not name.endswith(".dvc")
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, st.binary(max_size=50), min_size=1, max_size=8))
def test_any_name_and_content_comes_back(filesystem, repository, files):
    folder = f"{repository}/{next(NUMBERS)}"
    filesystem.pipe({f"{folder}/{name}": body for name, body in files.items()})
    assert {path.rpartition("/")[2] for path in filesystem.find(folder)} == set(files)
    assert all(filesystem.cat_file(f"{folder}/{name}") == body for name, body in files.items())


steps = st.one_of(
    st.tuples(st.just("write"), st.binary(max_size=40)),
    st.tuples(st.just("seek"), st.integers(0, 60)),
    st.tuples(st.just("truncate"), st.integers(0, 60)),
    st.tuples(st.just("tell")),
)


@given(st.lists(steps))
def test_a_file_that_is_written_behaves_as_one_in_memory(steps):
    published, expected = [], io.BytesIO()
    file = OutgoingFile("file", lambda file: published.append(file.body.seek(0) or file.body.read()))
    for name, *arguments in steps:
        assert getattr(file, name)(*arguments) == getattr(expected, name)(*arguments)
    file.close()
    file.close()
    assert published == [expected.getvalue()]
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")


def test_a_filesystem_is_pickled_with_its_token_but_does_not_show_it(options, service, folder):
    filesystem = DagsHubFileSystem(**options, versioning="git")
    filesystem.pipe_file(f"{folder}/file", b"body")
    forget_pins()
    again = pickle.loads(pickle.dumps(filesystem))
    assert again.storage_options == filesystem.storage_options
    assert again.cat_file(f"{folder}/file") == b"body"
    shown = [repr(filesystem), str(filesystem), filesystem.to_json(), str(filesystem.to_dict())]
    assert not any(service.token in text for text in shown)
    assert json.loads(filesystem.to_json())["versioning"] == "git"


def test_a_filesystem_from_json_takes_the_token_from_the_environment(
    filesystem, service, repository, monkeypatch
):
    monkeypatch.setenv("DAGSHUB_USER_TOKEN", service.token)
    again = AbstractFileSystem.from_json(filesystem.to_json())
    assert isinstance(again, DagsHubFileSystem)
    assert again.exists(f"{repository}/README.md")
