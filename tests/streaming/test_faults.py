"""Streaming while things break: right bytes or a clear error, and nothing partial.

All of it is real: client, cache, service, processes, disks. Scripts that run in a process of their own see
the names of this module.
"""

import hashlib
import json
import logging
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
import zlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming import filesystem as filesystem_module
from mayo_kedro.streaming.errors import (
    AccessRefusedError,
    OfflineError,
    RemoteFileNotFoundError,
    TransferError,
)
from mayo_kedro.streaming.images import StreamedImages
from mayo_kedro.streaming.revisions import forget_pins

_draws = random.Random(7)
IMAGES = {f"image_{number:03}": _draws.randbytes(_draws.randrange(1, 60_000)) for number in range(120)}
IDS = list(IMAGES)
BYTES = sum(map(len, IMAGES.values()))
SLIDE = _draws.randbytes(3_000_000)

ROOT = "/owner/name@main"
STALL_SECONDS = 0.5


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seed")
    for name in ("images", "slides"):
        (folder / name).mkdir()
    (folder / "train.csv").write_text("image_id\n")
    (folder / "slides" / "slide.bin").write_bytes(SLIDE)
    for image, body in IMAGES.items():
        (folder / "images" / f"{image}.png").write_bytes(body)
    return folder


def serve(seed, state, ranges):
    return start(state, seed=seed, repository="owner/name", ranges=ranges)


@pytest.fixture(scope="module")
def with_ranges(seed, tmp_path_factory):
    with serve(seed, tmp_path_factory.mktemp("state"), ranges=True) as running:
        yield running


@pytest.fixture(scope="module")
def without_ranges(seed, tmp_path_factory):
    with serve(seed, tmp_path_factory.mktemp("state"), ranges=False) as running:
        yield running


@pytest.fixture
def service(request):
    """A service that nobody changes, with nothing wrong; it grants ranges unless a test asks for another."""
    running = request.getfixturevalue(getattr(request, "param", "with_ranges"))
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def own_service(seed, tmp_path):
    """A service that a test may change or stop."""
    with serve(seed, tmp_path / "state", ranges=True) as running:
        yield running


with_and_without_ranges = pytest.mark.parametrize("service", ["with_ranges", "without_ranges"], indirect=True)


@pytest.fixture(autouse=True)
def _own_pins():
    forget_pins()
    yield
    forget_pins()


def open_filesystem(service, folder, **options):
    return fsspec.filesystem(
        "dagshub",
        host=service.host,
        token=service.token,
        cache_folder=str(folder),
        skip_instance_cache=True,
        **{"stall_seconds": STALL_SECONDS, **options},
    )


def open_images(service, folder, **options):
    return StreamedImages(open_filesystem(service, folder, **options), f"{ROOT}/images", ".png", lambda: IDS)


def stream(images, ids, came=None):
    """Stream images and see that each is right; those that came go into a list."""
    for image, path in zip(ids, images.stream(ids), strict=True):
        assert path.read_bytes() == IMAGES[image]
        if came is not None:
            came.append(image)


def stream_until_all_came(images, passes):
    """Stream all images, once more after each failed transfer; gives the number of failures."""
    for failures in range(passes):
        try:
            stream(images, IDS)
        except TransferError as error:
            assert re.search(r"in owner/name.*(attempts|times|API)(.|\n)*\n[A-Z].*\.", str(error))  # noqa: PT017
        else:
            return failures
    raise AssertionError(f"not all came in {passes} passes")


def wait_until(condition):
    """Wait for what other threads or processes do."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def md5_of(body):
    return hashlib.md5(body).hexdigest()


def bodies_in(folder):
    """What the cache holds, by name, each seen to be whole."""
    found = {path.parent.name + path.stem: path for path in (folder / "files" / "md5").glob("*/*")}
    for md5, path in found.items():
        assert md5_of(path.read_bytes()) == md5
    return found


def see_that_nothing_is_partial(folder):
    """The cache holds whole files, and what was under way has gone."""
    wait_until(lambda: not any((folder / "arriving").iterdir()))
    assert bodies_in(folder)
    assert not list((folder / "manifests").glob(".arriving-*"))


def requests_by_name(service, kind="raw"):
    """How often each file was asked for."""
    return {
        path.rpartition("/")[2]: count["requests"]
        for path, count in service.counts()["paths"].items()
        if f"/{kind}/" in path
    }


def bytes_of_files(service):
    """How many bytes of files were sent."""
    return sum(count["bytes"] for path, count in service.counts()["paths"].items() if "/raw/" in path)


# --- faults in one request of ten

FAULTS = {
    "503": {"kind": "status"},
    "429": {"kind": "status", "status": 429, "retry_after": 0.1},
    "reset": {"kind": "reset"},
    "silence": {"kind": "silence"},
    "cut": {"kind": "truncate"},
    "stall": {"kind": "stall"},
    "wrong byte": {"kind": "corrupt"},
}


def order_faults(service, names, share):
    for number, name in enumerate(names):
        service.fault("*", share=share, seed=number, times=None, **FAULTS[name])


def every_tenth(service, names, marks=()):
    """A case of the next test: what goes wrong, and where."""
    label = names[0] if len(names) == 1 else "all kinds"
    return pytest.param(service, names, id=f"{label}, {service}", marks=marks)


RESUMABLE = ("cut", "stall", "wrong byte")
CASES = [
    *(every_tenth("with_ranges", [name]) for name in FAULTS),
    *(
        every_tenth("without_ranges", [name], () if name in RESUMABLE else pytest.mark.slow)
        for name in FAULTS
    ),
    *(every_tenth(service, list(FAULTS)) for service in ("with_ranges", "without_ranges")),
]


@pytest.mark.parametrize(("service", "names"), CASES, indirect=["service"])
def test_every_image_is_right_though_a_tenth_of_all_requests_fails(service, tmp_path, names):
    order_faults(service, names, 0.1 / len(names))
    images = open_images(service, tmp_path)
    # Three wrong bodies of one file end a pass, which happens to one in five.
    assert stream_until_all_came(images, passes=3) <= 1
    assert images.statistics["retries"] > 0
    see_that_nothing_is_partial(tmp_path)
    assert bodies_in(tmp_path).keys() >= set(map(md5_of, IMAGES.values()))


@pytest.mark.slow
@with_and_without_ranges
def test_what_comes_is_right_though_half_of_all_requests_fail(service, tmp_path):
    order_faults(service, FAULTS, 0.1)
    stream_until_all_came(open_images(service, tmp_path), passes=20)
    see_that_nothing_is_partial(tmp_path)


# --- bodies that break off


@with_and_without_ranges
@pytest.mark.parametrize("kind", ["truncate", "stall"])
def test_a_transfer_goes_on_where_it_was_cut_if_parts_are_granted(service, tmp_path, kind, request):
    service.fault("*/raw/*", kind, times=2)
    path = open_filesystem(service, tmp_path).fetch(f"{ROOT}/slides/slide.bin")
    assert path.read_bytes() == SLIDE
    assert requests_by_name(service) == {"slide.bin": 3}
    parts_are_granted = request.node.callspec.params["service"] == "with_ranges"
    # What the client had read ahead when it gave up comes twice.
    assert bytes_of_files(service) == pytest.approx(len(SLIDE) * (1 if parts_are_granted else 2), rel=0.1)
    see_that_nothing_is_partial(tmp_path)


def test_a_resumed_body_with_a_wrong_byte_is_fetched_anew(service, tmp_path):
    service.fault("*/raw/*", "truncate")
    service.fault("*/raw/*", "corrupt")
    path = open_filesystem(service, tmp_path).fetch(f"{ROOT}/slides/slide.bin")
    assert path.read_bytes() == SLIDE
    assert requests_by_name(service) == {"slide.bin": 3}


class ScriptedServer:
    """A server on loopback that says what a function tells it to, and notes what it was asked.

    The function takes path and headers, and gives status, headers and body. A body shorter than its
    Content-Length is cut.
    """

    def __init__(self, answer):
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers))
                status, headers, body = answer(self.path, self.headers)
                self.send_response(status)
                for name, value in {"Content-Length": len(body), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # many connect at once; with five the system drops some of them
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


# Made once: from Python 3.12 on each one reads all certificates anew.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def pass_on(service, path, headers):
    """The service's own answer to a request."""
    sent = {name: headers[name] for name in ("Authorization", "Range") if name in headers}
    try:
        with DIRECT.open(urllib.request.Request(service.host + path, headers=sent)) as answer:
            part = {name: value for name, value in answer.headers.items() if name == "content-range"}
            return answer.status, part, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, {}, refusal.read()


@contextmanager
def between(service, path, *first_answers):
    """A service whose first answers to requests for a path are others."""
    left = list(first_answers)

    def answer(asked, headers):
        return left.pop(0) if left and path in asked else pass_on(service, asked, headers)

    with ScriptedServer(answer) as server:
        server.token = service.token
        yield server


def cut(body, announced):
    return 200, {"Content-Length": announced}, body


HALF = len(SLIDE) // 2
BROKEN = {
    "a wrong first half": [cut(bytes(HALF), 2 * HALF)],
    "more than there is": [cut(SLIDE + SLIDE, 3 * len(SLIDE))],
    "another part than asked for": [
        cut(SLIDE[:HALF], 2 * HALF),
        (206, {"Content-Range": f"bytes 0-9/{len(SLIDE)}"}, SLIDE[:10]),
    ],
    "a whole body where a part was asked for": [cut(SLIDE[:HALF], 2 * HALF), (200, {}, SLIDE)],
}


@pytest.mark.parametrize("answers", BROKEN.values(), ids=BROKEN)
def test_after_a_broken_answer_the_file_is_right(service, tmp_path, answers):
    with between(service, "/raw/", *answers) as server:
        path = open_filesystem(server, tmp_path).fetch(f"{ROOT}/slides/slide.bin")
        assert path.read_bytes() == SLIDE
        ranges = [headers["Range"] for asked, headers in server.asked if "/raw/" in asked]
    assert ranges[0] is None
    assert ranges[1] is not None  # the first half was kept, and not trusted
    see_that_nothing_is_partial(tmp_path)


def test_another_part_than_asked_for_is_not_taken(service, tmp_path, monkeypatch):
    monkeypatch.setattr(filesystem_module, "RANGES_ABOVE", 1000)
    part = f"bytes 100-149/{len(SLIDE)}"
    first_byte = (206, {"Content-Range": f"bytes 0-0/{len(SLIDE)}"}, SLIDE[:1])
    with between(service, "/raw/", first_byte, (206, {"Content-Range": part}, SLIDE[100:150])) as server:
        filesystem = open_filesystem(server, tmp_path)
        assert filesystem.cat_file(f"{ROOT}/slides/slide.bin", 2000, 2050) == SLIDE[2000:2050]


def test_a_body_comes_as_it_is_stored_and_not_compressed(service, tmp_path):
    def answer(path, headers):
        status, part, body = pass_on(service, path, headers)
        if "deflate" in headers.get("Accept-Encoding", ""):
            return status, {**part, "Content-Encoding": "deflate"}, zlib.compress(body)
        return status, part, body

    with ScriptedServer(answer) as server:
        server.token = service.token
        table = open_filesystem(server, tmp_path).cat_file(f"{ROOT}/train.csv")
        assert table == b"image_id\n"
        assert {headers["Accept-Encoding"] for _, headers in server.asked} <= {None, "identity"}


@pytest.mark.parametrize("times", [1, 10], ids=["once", "always"])
def test_a_manifest_that_is_not_the_declared_one_is_not_believed(service, tmp_path, times):
    wrong = json.dumps([{"md5": "0" * 32, "relpath": f"{image}.png"} for image in IDS]).encode()
    with between(service, "/files/md5/", *[(200, {}, wrong)] * times) as server:
        stream(open_images(server, tmp_path), IDS)
    assert "0" * 32 not in "".join(file.read_text() for file in (tmp_path / "manifests").glob("*"))


# --- processes

READS = """
images = open_images(service, folder, **options)
print("ready", flush=True)
sys.stdin.readline()
for image, path in zip(ids, images.stream(ids), strict=True):
    print(image, md5_of(path.read_bytes()), flush=True)
"""


def python(script, service, folder, ids=IDS, wrapper=(), **options):
    """Begin a script in a process of its own."""
    prefix = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from concurrent.futures import ThreadPoolExecutor
from test_faults import *
service, folder, ids, options = json.loads(sys.argv[1])
service, folder = SimpleNamespace(**service), Path(folder)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children ignore it
"""
    given = [{"host": service.host, "token": service.token}, str(folder), ids, options]
    return subprocess.Popen(
        [*wrapper, sys.executable, "-c", prefix + script, json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def begin_to_read(*processes):
    """Let processes that run `READS` stream, at the same time."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def see_that_it_read_well(process, ids):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert output.splitlines() == [f"{image} {md5_of(IMAGES[image])}" for image in ids]


def see_that_it_succeeds(process):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, output + errors


def test_after_kill_9_the_next_process_fetches_only_what_is_missing(service, tmp_path):
    service.shape(mbit_per_s=20)
    killed = python(READS, service, tmp_path)
    begin_to_read(killed)
    for _ in range(10):
        killed.stdout.readline()
    killed.kill()
    killed.communicate()
    kept = bodies_in(tmp_path)
    assert any((tmp_path / "arriving").iterdir())  # it was in the midst of some

    service.reset()
    following = python(READS, service, tmp_path)
    begin_to_read(following)
    see_that_it_read_well(following, IDS)
    missing = {image for image, body in IMAGES.items() if md5_of(body) not in kept}
    assert 0 < len(missing) <= len(IDS) - 10
    assert requests_by_name(service) == {f"{image}.png": 1 for image in missing}
    bodies_in(tmp_path)


@pytest.mark.parametrize("share_kept", [None, 1 / 3], ids=["all is kept", "a third is kept"])
@pytest.mark.parametrize("epochs", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_two_processes_share_a_cache(service, tmp_path, share_kept, epochs):
    service.shape(latency_ms=5, mbit_per_s=100)
    gigabytes = share_kept and share_kept * BYTES / 1e9
    orders = [
        [image for _ in range(epochs) for image in draws.sample(IDS, len(IDS))]
        for draws in (random.Random(1), random.Random(2))
    ]
    processes = [python(READS, service, tmp_path, ids, cache_gigabytes=gigabytes) for ids in orders]
    begin_to_read(*processes)
    for process, ids in zip(processes, orders, strict=True):
        see_that_it_read_well(process, ids)
    see_that_nothing_is_partial(tmp_path)
    kept = sum(path.stat().st_size for path in bodies_in(tmp_path).values())
    if share_kept:
        assert kept <= share_kept * BYTES + 2 * 2**20  # true to a MiB for each process
    else:
        assert kept >= BYTES


INTERRUPTED = {
    "the second half of an image": ("*/image_015.png", "stall", 120),
    "the branch, asked for by the main thread": ("*/branches/*", "silence", 20),
    "the manifest": ("*/files/md5/*", "silence", 120),
}


@pytest.mark.parametrize(("path", "kind", "count"), INTERRUPTED.values(), ids=INTERRUPTED)
def test_ctrl_c_ends_a_process_that_waits(service, tmp_path, path, kind, count):
    service.fault(path, kind, times=None)
    process = python(READS, service, tmp_path, IDS[:count], stall_seconds=60)
    try:
        begin_to_read(process)
        suffix = path.strip("*").split("*")[0]
        wait_until(lambda: any(suffix in asked for asked in service.counts()["paths"]))
        time.sleep(0.3)  # until it waits for the rest
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=45)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT
    assert errors.splitlines()[-1] == "KeyboardInterrupt"


FIRST_USED_BY_THREADS_THAT_END = """
filesystem = open_filesystem(service, folder)
for some in (ids[:10], ids[10:20]):
    with ThreadPoolExecutor(4) as pool:
        bodies = pool.map(filesystem.cat_file, [f"{ROOT}/images/{image}.png" for image in some])
        assert list(bodies) == [IMAGES[image] for image in some]
stream(open_images(service, folder), ids)
"""


def test_the_first_threads_to_fetch_may_end(service, tmp_path):
    see_that_it_succeeds(python(FIRST_USED_BY_THREADS_THAT_END, service, tmp_path))


# --- disks


@pytest.fixture
def small_disk(tmp_path):
    """A folder, and what runs a command for which that is a disk of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = f'mount -t tmpfs -o size=2m none "{folder}" && exec "$@"'
    wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if not shutil.which("unshare") or subprocess.run([*wrapper, "true"], check=False).returncode:
        pytest.skip("This user may not mount.")
    return folder, wrapper


def remount(folder, options):
    """Change a disk, once nobody writes to it any more."""
    command = ["mount", "-o", f"remount,{options}", folder.parent]
    wait_until(lambda: subprocess.run(command, check=False, capture_output=True).returncode == 0)


IS_FULL = """
images, came = open_images(service, folder), []
with pytest.raises(UserError, match=r"no space is left(.|\\n)*cache_gigabytes(.|\\n)*MAYO_CACHE") as told:
    stream(images, ids, came)
assert str(folder) in str(told.value)
assert 0 < len(came) < len(ids)
see_that_nothing_is_partial(folder)
remount(folder, "size=64m")
stream(images, ids)
"""

IS_READ_ONLY = """
images, came = open_images(service, folder), []
stream(images, ids[:40])
remount(folder, "ro")
for images in (images, open_images(service, folder)):
    stream(images, ids[:40])
with pytest.raises(UserError, match=r"can't be written \\(Read-only file system(.|\\n)*MAYO_CACHE") as told:
    stream(images, ids, came)
assert str(folder) in str(told.value)
assert came == ids[:40]
"""


@pytest.mark.parametrize("script", [IS_FULL, IS_READ_ONLY], ids=["full", "read-only"])
def test_a_disk_that_cannot_be_written_is_told_and_what_it_holds_is_served(service, small_disk, script):
    folder, wrapper = small_disk
    see_that_it_succeeds(python(script, service, folder / "cache", wrapper=wrapper))


FILES_ARE_LIMITED = """
import resource
allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, allowed[1]))
filesystem = open_filesystem(service, folder)
with pytest.raises(UserError, match="larger than the system allows(.|\\n)*MAYO_CACHE_DIR"):
    filesystem.fetch(f"{ROOT}/slides/slide.bin")
assert not any((folder / "arriving").iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
assert filesystem.fetch(f"{ROOT}/slides/slide.bin").read_bytes() == SLIDE
"""


def test_a_file_larger_than_the_system_allows_is_told_and_leaves_nothing(service, tmp_path):
    see_that_it_succeeds(python(FILES_ARE_LIMITED, service, tmp_path))


# --- refusals


def test_a_token_that_expires_midway_is_told_once_and_what_came_is_kept(service, tmp_path):
    service.expire_token(after=70)
    images, came = open_images(service, tmp_path), []
    with pytest.raises(AccessRefusedError, match=r"401(.|\n)*expired(.|\n)*DAGSHUB_USER_TOKEN"):
        stream(images, IDS, came)
    assert len(came) < len(IDS)
    assert set(requests_by_name(service).values()) == {1}

    service.reset()
    stream(images, IDS)
    assert not requests_by_name(service).keys() & {f"{image}.png" for image in came}
    see_that_nothing_is_partial(tmp_path)


def test_an_id_without_a_file_is_told_in_its_turn(service, tmp_path):
    came = []
    with pytest.raises(RemoteFileNotFoundError, match=r"'images/absent\.png'.*owner/name"):
        stream(open_images(service, tmp_path), [*IDS[:60], "absent", *IDS[60:]], came)
    assert came == IDS[:60]
    for kind in ("content", "raw"):
        assert requests_by_name(service, kind).get("absent.png", 0) <= 1


def test_a_file_that_may_not_be_read_is_told_in_its_turn_and_asked_for_once(service, tmp_path):
    service.fault(f"*/raw/*/{IDS[60]}.png", status=403, times=None)
    came = []
    with pytest.raises(AccessRefusedError, match=rf"'images/{IDS[60]}\.png' in owner/name .*403"):
        stream(open_images(service, tmp_path), IDS, came)
    assert came == IDS[:60]
    assert requests_by_name(service)[f"{IDS[60]}.png"] == 1


# --- a branch that moves, a service that is gone


def test_a_pass_and_the_next_stay_at_the_commit_where_they_began(own_service, tmp_path):
    replaced, removed = IDS[110], IDS[115]
    own_service.shape(mbit_per_s=12)
    images = open_images(own_service, tmp_path / "cache")
    arriving, came = images.stream(IDS), {}
    for image in IDS[:5]:
        came[image] = next(arriving).read_bytes()
    assert not requests_by_name(own_service).keys() & {f"{replaced}.png", f"{removed}.png"}
    own_service.commit({f"images/{replaced}.png": b"new"})
    own_service.remove(f"images/{removed}.png")
    own_service.reset()
    came |= {image: path.read_bytes() for image, path in zip(IDS[5:], arriving, strict=True)}
    assert came == IMAGES
    for folder in ("cache", "empty"):
        stream(open_images(own_service, tmp_path / folder), IDS)

    forget_pins()
    assert images.read(replaced) == b"new"
    assert images.listed_ids() == set(IDS) - {removed}
    with pytest.raises(RemoteFileNotFoundError, match=rf"'images/{removed}\.png' is not in owner/name"):
        images.read(removed)


def test_offline_gives_what_came_and_names_what_did_not(own_service, tmp_path):
    stream(open_images(own_service, tmp_path / "cache"), IDS[:70])
    own_service.stop()
    forget_pins()
    images, came = open_images(own_service, tmp_path / "cache", offline=True), []
    stream(images, IDS[:70])
    with pytest.raises(OfflineError, match=rf"'images/{IDS[70]}\.png'.*{tmp_path}(.|\n)*streaming\.offline"):
        stream(images, IDS, came)
    assert came == IDS[:70]


# --- secrets


def tell_all(error):
    """All that is shown of an error, and that its attributes hold."""
    return "".join([f"{error} {error!r} {vars(error)}", *traceback.format_exception(error)])


def see_that_nothing_tells(secrets, errors, log, folder):
    for secret in secrets:
        for text in [*map(tell_all, errors), log]:
            assert secret not in text
        for path in folder.rglob("*"):
            assert secret not in str(path)
            assert not path.is_file() or secret.encode() not in path.read_bytes()


def fetch_all(filesystem, names):
    """Fetch images at the same time; gives the error of each that failed."""
    futures = {name: filesystem.submit(f"{ROOT}/images/{name}.png") for name in names}
    return {name: error for name, future in futures.items() if (error := future.exception(60))}


def test_the_token_is_in_no_error_log_or_file(service, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    faults = {"image_000": "503", "image_001": "reset", "image_002": "cut", "image_003": "wrong byte"}
    for image, name in faults.items():
        service.fault(f"*/raw/*/{image}.png", times=None, **FAULTS[name])
    filesystem = open_filesystem(service, tmp_path)
    errors = fetch_all(filesystem, [*faults, "image_004"])
    assert errors.keys() == faults.keys()
    assert {type(error) for error in errors.values()} == {TransferError}
    service.expire_token()
    refused = fetch_all(filesystem, ["image_005"])["image_005"]
    assert isinstance(refused, AccessRefusedError)
    assert repr(service.token) not in repr(filesystem)
    assert service.token not in filesystem.to_json()
    see_that_nothing_tells([service.token], [*errors.values(), refused], caplog.text, tmp_path)


REDIRECTED = {
    "image_000": (200, {}, IMAGES["image_000"]),
    "image_001": (302, {"Location": "/image_001_moved?signature=SIGNED"}, b""),
    "image_001_moved": (200, {}, IMAGES["image_001"]),
    "image_002": (503, {}, b""),
    "image_003": (403, {}, b""),
    "image_004": (404, {}, b""),
    "image_005": (200, {"Content-Length": 60_000}, b"cut"),
    "image_006": (302, {"Location": "/image_006?signature=SIGNED"}, b""),
    "image_007": (302, {"Location": "http://127.0.0.1:1/?signature=SIGNED"}, b""),
    "image_008": (302, {"Location": "file:///?signature=SIGNED"}, b""),
}


def test_where_the_service_sends_us_nobody_learns_the_token_and_its_signature_is_not_told(
    service, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)

    def answer_elsewhere(path, _):
        return REDIRECTED[path.strip("/").partition("?")[0]]

    def answer(path, headers):
        if "/raw/" not in path:
            return pass_on(service, path, headers)
        name = path.rpartition("/")[2].removesuffix(".png")
        return 302, {"Location": f"{elsewhere.host}/{name}?signature=SIGNED"}, b""

    with ScriptedServer(answer_elsewhere) as elsewhere, ScriptedServer(answer) as server:
        server.token = service.token
        filesystem = open_filesystem(server, tmp_path)
        errors = fetch_all(filesystem, [name for name in REDIRECTED if name in IMAGES])
        assert errors.keys() == {f"image_{number:03}" for number in range(2, 9)}
        assert all(isinstance(error, UserError) for error in errors.values())
        assert all(name in str(error) for name, error in errors.items())
    assert len(elsewhere.asked) > len(REDIRECTED)
    for _, headers in elsewhere.asked:
        assert "Authorization" not in headers
        assert "Referer" not in headers
    see_that_nothing_tells([service.token, "SIGNED"], errors.values(), caplog.text, tmp_path)


def test_a_host_that_is_no_web_address_is_told(tmp_path):
    nowhere = open_filesystem(SimpleNamespace(host="dagshub.com", token="token"), tmp_path)
    with pytest.raises(TransferError, match=r"is no web address(.|\n)*repository\.host"):
        nowhere.cat_file(f"{ROOT}/train.csv")
