"""The cache on real disks: full ones, read-only ones, one that DVC shares, and one that loses its writer."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.cache import FOLDER_VARIABLE, FileCache, default_folder
from mayo_kedro.streaming.integrity import content_hash

BODY = b"a body of some length" * 100
MD5 = hashlib.md5(BODY).hexdigest()
BLOB = content_hash(BODY, "0" * 40)
NAME = "https://host\nowner/name\ncommit\nsome/path.csv"

every_kind_of_key = pytest.mark.parametrize(
    ("key", "declared"), [(MD5, MD5), (BLOB, BLOB), (NAME, None)], ids=["md5", "blob id", "name"]
)


def keep(cache, key, declared, body=BODY):
    with cache.receive(key, declared) as incoming:
        incoming.restart(len(body))
        incoming.write(body)
        return incoming.keep()


def files_in(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


@every_kind_of_key
def test_what_was_kept_is_found_where_dvc_looks_for_it_and_protected(tmp_path, key, declared):
    cache = FileCache(tmp_path)
    assert cache.find(key) is None
    path = keep(cache, key, declared)
    assert path == tmp_path / "files" / "md5" / MD5[:2] / MD5[2:]
    assert path.read_bytes() == BODY
    assert path.stat().st_mode & 0o777 == 0o444
    assert cache.find(key) == cache.find_checked(key) == path


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), st.lists(st.binary(max_size=30), max_size=4), max_size=5))
def test_every_key_finds_its_own_body_below_the_folder(bodies):
    with tempfile.TemporaryDirectory() as folder:
        cache = FileCache(Path(folder, "cache"))
        for key, chunks in bodies.items():
            with cache.receive(key, None) as incoming:
                for chunk in chunks:
                    incoming.write(chunk)
                incoming.keep()
        assert os.listdir(folder) == ["cache"] * bool(bodies)
        for key, chunks in bodies.items():
            assert FileCache(Path(folder, "cache")).find(key).read_bytes() == b"".join(chunks)


def test_a_key_can_be_kept_again_with_other_content(tmp_path):
    cache = FileCache(tmp_path)
    keep(cache, NAME, None, b"old")
    keep(cache, NAME, None, b"new")
    assert cache.find(NAME).read_bytes() == b"new"


@every_kind_of_key
def test_what_is_not_needed_any_more_goes_unless_it_is_of_dvc(tmp_path, key, declared):
    cache = FileCache(tmp_path)
    cache.discard(key)
    path = keep(cache, key, declared)
    cache.discard(key)
    assert not path.exists()
    assert cache.find(key) is None
    path = keep(cache, key, declared)
    os.utime(path)  # whatever put it there, it was not streaming
    cache.discard(key)
    assert cache.find(key) == path


def test_nothing_is_made_before_the_first_write(tmp_path):
    assert FileCache(tmp_path / "cache", limit_bytes=10).find(MD5) is None
    assert not (tmp_path / "cache").exists()


def test_a_transfer_goes_on_where_it_was_cut_or_begins_anew(tmp_path):
    with FileCache(tmp_path).receive(MD5, MD5) as incoming:
        incoming.restart(None)
        incoming.write(b"something longer than the body" * 1000)
        assert not incoming.is_intact()
        incoming.restart(len(BODY))
        assert incoming.size == 0
        incoming.write(BODY[:700])
        assert incoming.size == 700
        incoming.write(memoryview(bytearray(BODY[700:])))
        assert incoming.is_intact()
        assert incoming.keep().read_bytes() == BODY


@pytest.mark.parametrize("size", [None, 5], ids=["unknown", "wrong"])
def test_a_blob_id_is_checked_whatever_size_was_told(tmp_path, size):
    cache = FileCache(tmp_path)
    with cache.receive(BLOB, BLOB) as incoming:
        incoming.restart(size)
        incoming.write(BODY)
        assert incoming.is_intact()
        assert incoming.keep().read_bytes() == BODY
    with cache.receive(BLOB, BLOB) as incoming:
        incoming.restart(size)
        incoming.write(BODY[:-1] + b"?")
        assert not incoming.is_intact()


@pytest.mark.parametrize(("key", "declared"), [(MD5, MD5), (BLOB, BLOB), (NAME, None)])
def test_which_file_it_is_may_be_learnt_after_it_came(tmp_path, key, declared):
    cache = FileCache(tmp_path)
    with cache.receive("", None) as incoming:
        incoming.restart(len(BODY))
        incoming.write(BODY)
        incoming.expect("another key", "0" * 40)
        assert not incoming.is_intact()
        incoming.expect(key, declared)
        assert incoming.is_intact()
        assert incoming.keep() == cache.find(key)


def test_the_manifest_of_a_folder_lies_where_dvc_looks_for_it(tmp_path):
    path = keep(FileCache(tmp_path), f"{MD5}.dir", MD5)
    assert path == tmp_path / "files" / "md5" / MD5[:2] / f"{MD5[2:]}.dir"
    assert FileCache(tmp_path).find(f"{MD5}.dir") == path
    assert FileCache(tmp_path).find(MD5) is None


@pytest.mark.parametrize("declared", [MD5, BLOB])
def test_a_body_that_is_not_intact_cannot_be_kept(tmp_path, declared):
    with FileCache(tmp_path).receive(declared, declared) as incoming:
        incoming.write(b"something else")
        with pytest.raises(ValueError, match="not what was declared"):
            incoming.keep()
    assert files_in(tmp_path) == []


def test_what_was_not_kept_leaves_nothing(tmp_path):
    cache = FileCache(tmp_path)
    with cache.receive(MD5, MD5) as incoming:
        incoming.write(BODY)
    with pytest.raises(ZeroDivisionError), cache.receive(MD5, MD5) as incoming:
        incoming.write(BODY[: 1 // 0])
    assert files_in(tmp_path) == []
    assert cache.find(MD5) is None


def test_only_what_this_process_verified_is_found_without_hashing(tmp_path):
    path = keep(FileCache(tmp_path), BLOB, BLOB)
    another = FileCache(tmp_path)
    assert another.find_checked(BLOB) is None
    assert another.find(BLOB) == path
    assert another.find_checked(BLOB) == path


def flip(path):
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


DAMAGES = {
    "a flipped byte": flip,
    "cut": lambda path: os.truncate(path, 10),
    "emptied": lambda path: os.truncate(path, 0),
    "longer": lambda path: path.write_bytes(BODY + b"more"),
}


@every_kind_of_key
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "next process"])
def test_a_damaged_file_is_never_found_and_makes_room_for_a_new_one(
    tmp_path, key, declared, damage, restarted
):
    cache = FileCache(tmp_path)
    path = keep(cache, key, declared)
    times = path.stat()
    path.chmod(0o644)
    damage(path)
    if restarted:  # as after a crash, which leaves no trace in the times
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        cache = FileCache(tmp_path)
    assert cache.find(key) is None
    assert not path.exists()
    keep(cache, key, declared)
    assert cache.find(key).read_bytes() == BODY


def test_threads_share_a_cache(tmp_path):
    cache = FileCache(tmp_path, limit_bytes=300_000)
    bodies = [bytes([number]) * 20_000 for number in range(20)]

    def use(number):
        body = bodies[number % len(bodies)]
        key = hashlib.md5(body).hexdigest()
        path = cache.find(key) or keep(cache, key, key, body)
        try:
            return path.read_bytes() == body
        except FileNotFoundError:  # evicted by another thread
            return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(400)))


def test_a_real_dvc_finds_what_was_streamed_and_streaming_finds_what_dvc_added(tmp_path):
    project, folder = tmp_path / "project", tmp_path / "cache"
    (project / ".dvc").mkdir(parents=True)
    (project / ".dvc" / "config").write_text(f"[core]\n    no_scm = true\n[cache]\n    dir = {folder}\n")
    streamed = keep(FileCache(folder), BLOB, BLOB)
    (project / "streamed.bin.dvc").write_text(
        f"outs:\n- md5: {MD5}\n  size: {len(BODY)}\n  hash: md5\n  path: streamed.bin\n"
    )
    (project / "added.bin").write_bytes(b"added with DVC")

    for command in (["add", "added.bin"], ["checkout"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=project, check=True, capture_output=True)

    assert (project / "streamed.bin").read_bytes() == BODY
    assert FileCache(folder).find(BLOB) == streamed
    added = FileCache(folder).find(hashlib.md5(b"added with DVC").hexdigest())
    assert added.read_bytes() == b"added with DVC"


def python(script, *arguments, **options):
    """Run a script that sees the names of this module."""
    prefix = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom test_cache import *\n"
    return subprocess.Popen(
        [*options.pop("wrapper", []), sys.executable, "-c", prefix + script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def succeed(process):
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, output + errors


@pytest.fixture
def mounted(tmp_path):
    """Gives what runs a command where `tmp_path / "disk"` is a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def wrapper(options):
        mount = f'mount -t tmpfs -o {options} none "{folder}" && exec "$@"'
        return ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]

    if not shutil.which("unshare") or subprocess.run([*wrapper("size=1m"), "true"], check=False).returncode:
        pytest.skip("This user may not mount.")
    return wrapper


FILLS = """
cache = FileCache(Path(sys.argv[1]) / "cache")
kept = keep(cache, MD5, MD5)
for attempt in range(3):
    with pytest.raises(UserError, match=r"no space is left(.|\\n)*cache_gigabytes(.|\\n)*MAYO_") as error:
        with cache.receive(NAME, None) as incoming:
            for part in range(64):
                incoming.write(bytes(65536))
    assert str(cache.folder) in str(error.value)
    assert files_in(cache.folder) == [kept]
keep(cache, NAME, None, bytes(500_000))
"""

HAS_NO_INODES = """
cache = FileCache(Path(sys.argv[1]) / "cache")
with pytest.raises(UserError, match="no space is left"):
    keep(cache, NAME, None)
assert files_in(cache.folder) == []
assert cache.find(NAME) is None
"""

BECOMES_READ_ONLY = """
import threading
cache = FileCache(Path(sys.argv[1]) / "cache", limit_bytes=10**6)
path, other = keep(cache, BLOB, BLOB), keep(cache, NAME, None, b"other")
other.chmod(0o644)
flip(other)
for thread in set(threading.enumerate()) - {threading.current_thread()}:
    thread.join()  # a file that is open keeps the disk from becoming read-only
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
assert cache.find(BLOB) == FileCache(cache.folder).find(BLOB) == path
assert cache.find(NAME) is None
with pytest.raises(UserError, match=r"can't be written \\(Read-only file system(.|\\n)*MAYO_CACHE_DIR"):
    keep(cache, NAME, None)
"""


@pytest.mark.parametrize(
    ("options", "script"),
    [
        ("size=1m", FILLS),
        ("nr_inodes=4", HAS_NO_INODES),
        ("nr_inodes=6", HAS_NO_INODES),
        ("nr_inodes=8", HAS_NO_INODES),
        ("size=1m", BECOMES_READ_ONLY),
    ],
    ids=["full", "no inode for a link", "none for its folder", "none for the body's", "read-only"],
)
def test_a_disk_that_cannot_be_written_is_told_and_nothing_half_written_stays(
    tmp_path, mounted, options, script
):
    succeed(python(script, tmp_path / "disk", wrapper=mounted(options)))


def test_a_file_larger_than_the_system_allows_is_told_and_leaves_nothing(tmp_path):
    script = """
import resource
allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, allowed[1]))
cache = FileCache(Path(sys.argv[1]))
with pytest.raises(UserError, match="larger than the system allows"):
    keep(cache, NAME, None, bytes(200_000))
resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
assert files_in(cache.folder) == []
"""
    succeed(python(script, tmp_path / "cache"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file, can't be written \(Not a directory\)"):
        keep(FileCache(tmp_path / "file"), MD5, MD5)


def test_a_process_killed_while_it_writes_leaves_whole_files_only(tmp_path):
    script = """
cache = FileCache(Path(sys.argv[1]))
for number in range(10**6):
    body = number.to_bytes(4, "big") * 50_000
    with cache.receive(str(number), None) as incoming:
        incoming.write(body[:100_000])
        print(number, flush=True)
        incoming.write(body[100_000:])
        incoming.keep()
"""
    process = python(script, tmp_path)
    last = [int(process.stdout.readline()) for _ in range(20)][-1]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)

    cache = FileCache(tmp_path)
    for number in range(last):
        assert cache.find(str(number)).read_bytes() == number.to_bytes(4, "big") * 50_000
    for path in (tmp_path / "files" / "md5").rglob("??????*"):
        assert hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.name
    keep(cache, MD5, MD5)
    assert cache.find(MD5).read_bytes() == BODY


def test_the_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    assert default_folder() == tmp_path / "kept"
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert default_folder().name == "mayo-kedro"
