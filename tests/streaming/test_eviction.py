"""The cache's limit: least recently used first, never what is DVC's, whichever process writes."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mayo_kedro.streaming.cache import FileCache
from mayo_kedro.streaming.cache_layout import CacheLayout
from mayo_kedro.streaming.eviction import Eviction

KB = 1000
DAY = 86_400


def body_of(number, size=10 * KB):
    return number.to_bytes(4, "big") + bytes(size - 4)


def md5_of(number, size=10 * KB):
    return hashlib.md5(body_of(number, size)).hexdigest()


def keep(cache, number, size=10 * KB, key=None):
    with cache.receive(key or md5_of(number, size), None) as incoming:
        incoming.write(body_of(number, size))
        path = incoming.keep()
    wait_for_first_look()
    return path


def wait_for_first_look():
    for thread in threading.enumerate():
        if thread.name == "cache-eviction":
            thread.join()


def bodies_in(folder):
    return {path.parent.name + path.name: path for path in (folder / "files" / "md5").glob("*/*")}


def bytes_in(folder):
    return sum(path.stat().st_size for path in bodies_in(folder).values())


def test_what_was_used_least_recently_goes_first_until_a_tenth_is_free(tmp_path):
    cache = FileCache(tmp_path, limit_bytes=100 * KB)
    for number in range(10):
        keep(cache, number)
    assert bytes_in(tmp_path) == 100 * KB
    cache.find(md5_of(0))
    cache.find_checked(md5_of(2))
    keep(cache, 10)
    assert bodies_in(tmp_path).keys() == {md5_of(number) for number in (0, 2, 4, 5, 6, 7, 8, 9, 10)}


def test_without_a_limit_nothing_goes(tmp_path):
    for number in range(5):
        keep(FileCache(tmp_path), number)
    assert len(bodies_in(tmp_path)) == 5


def test_a_file_larger_than_the_limit_stays_until_the_next_one(tmp_path):
    cache = FileCache(tmp_path, limit_bytes=10 * KB)
    assert keep(cache, 0, 50 * KB).exists()
    assert keep(cache, 1, 60 * KB).exists()
    assert bodies_in(tmp_path).keys() == {md5_of(1, 60 * KB)}


def test_what_dvc_put_there_neither_counts_nor_goes(tmp_path):
    (tmp_path / "files" / "md5" / "00").mkdir(parents=True)
    for name in ("0" * 30, "0" * 30 + ".dir"):
        (tmp_path / "files" / "md5" / "00" / name).write_bytes(bytes(100 * KB))
        os.utime(tmp_path / "files" / "md5" / "00" / name, (0, 0))
    cache = FileCache(tmp_path, limit_bytes=30 * KB)
    for number in range(6):
        keep(cache, number)
    assert set(bodies_in(tmp_path)) == {"0" * 32, "0" * 32 + ".dir", *map(md5_of, (4, 5))}


def test_the_manifest_of_a_folder_counts_and_goes_as_any_file(tmp_path):
    cache = FileCache(tmp_path, limit_bytes=30 * KB)
    manifest = f"{md5_of(0)}.dir"
    for number in (1, 2):
        keep(cache, number)
    keep(cache, 0, key=manifest)
    keep(cache, 3)
    assert bodies_in(tmp_path).keys() == {manifest, md5_of(3)}
    for number in (4, 5):
        keep(cache, number)
    assert bodies_in(tmp_path).keys() == {md5_of(4), md5_of(5)}


def test_what_earlier_processes_left_is_counted(tmp_path):
    for number in range(20):
        keep(FileCache(tmp_path), number)
    keep(FileCache(tmp_path, limit_bytes=100 * KB), 20)
    assert bodies_in(tmp_path).keys() == set(map(md5_of, range(12, 21)))


def test_what_another_process_writes_meanwhile_is_counted(tmp_path):
    size = 2**20
    one, another = (FileCache(tmp_path, limit_bytes=10 * size) for _ in range(2))
    keep(one, 0, size)
    for number in range(1, 9):
        keep(another, number, size)
    keep(one, 9, size)
    keep(one, 10, size)
    assert bytes_in(tmp_path) == 9 * size
    assert md5_of(10, size) in bodies_in(tmp_path)


def test_while_another_process_evicts_nobody_waits(tmp_path):
    cache = FileCache(tmp_path, limit_bytes=20 * KB)
    keep(cache, 0)
    with FileLock(tmp_path / "eviction.lock"):
        for number in range(1, 5):
            keep(cache, number)
        assert bytes_in(tmp_path) == 50 * KB
    keep(cache, 5)
    assert bytes_in(tmp_path) <= 20 * KB


def evict(folder, limit, meanwhile):
    """Evict, as after a new file; `meanwhile` is called between the look at the folder and the removal."""

    class Interrupted(Eviction):
        def _remove_oldest(self, *arguments):
            meanwhile()
            return super()._remove_oldest(*arguments)

    Interrupted(CacheLayout(folder), limit).added("", 0)
    wait_for_first_look()


def test_what_is_used_during_an_eviction_stays(tmp_path):
    for number in range(10):
        keep(FileCache(tmp_path), number)
    another = FileCache(tmp_path)
    evict(tmp_path, 50 * KB, lambda: another.find(md5_of(0)))
    assert bodies_in(tmp_path).keys() == set(map(md5_of, [0, 7, 8, 9]))


def test_what_others_write_during_an_eviction_is_left_to_it(tmp_path):
    size = 2**20
    for number in range(20):
        keep(FileCache(tmp_path), number, size)
    another = FileCache(tmp_path, limit_bytes=10 * size)
    to_write = list(range(20, 40))

    def write_much():
        while to_write:
            number = to_write.pop()
            with another.receive(md5_of(number, size), None) as incoming:
                incoming.write(body_of(number, size))
                incoming.keep()

    evict(tmp_path, 10 * size, write_much)
    assert to_write == []
    assert bytes_in(tmp_path) <= 10 * size


def test_a_link_whose_body_went_goes_as_well(tmp_path):
    cache = FileCache(tmp_path, limit_bytes=30 * KB)
    for number in range(8):
        keep(cache, number, key=f"name {number}")
    links = [path for path in (tmp_path / "aliases").rglob("*") if path.is_symlink()]
    assert len(links) == len(bodies_in(tmp_path)) == 2
    assert all(path.exists() for path in links)
    assert cache.find("name 7")
    assert cache.find("name 0") is None


@pytest.mark.parametrize("limit", [None, 20 * KB])
def test_what_a_killed_process_left_half_written_goes_after_a_day(tmp_path, limit):
    (tmp_path / "arriving").mkdir()
    now = time.time()
    for name, age in (("old", 2 * DAY), ("of today", DAY / 2), ("complete", 0)):
        (tmp_path / "arriving" / name).write_bytes(b"half")
        os.utime(tmp_path / "arriving" / name, (now - age, 946_684_800 if name == "complete" else now - age))
    keep(FileCache(tmp_path, limit), 0)
    assert {path.name for path in (tmp_path / "arriving").iterdir()} == {"of today", "complete"}


def test_a_folder_that_was_removed_meanwhile_is_made_anew(tmp_path):
    cache = FileCache(tmp_path / "cache", limit_bytes=30 * KB)
    for _ in range(2):
        for number in range(5):
            keep(cache, number)
        assert bytes_in(tmp_path / "cache") <= 30 * KB
        shutil.rmtree(tmp_path / "cache")


class CacheMachine(RuleBasedStateMachine):
    """The cache beside a model: what should be in it, least recently used first."""

    numbers = st.integers(1, 9)  # a body of as many kB
    limit = 16 * KB

    @initialize()
    def open(self):
        self.folder = Path(tempfile.mkdtemp())
        self.cache = FileCache(self.folder, self.limit)
        self.model: dict[str, int] = {}

    def teardown(self):
        shutil.rmtree(self.folder)

    def md5(self, number):
        return md5_of(number, number * KB)

    @rule(number=numbers)
    def keep(self, number):
        keep(self.cache, number, number * KB)
        self.model.pop(self.md5(number), None)
        self.model[self.md5(number)] = number * KB
        if self.used() > self.limit:
            for md5 in list(self.model):
                if self.used() > 0.9 * self.limit and md5 != self.md5(number):
                    del self.model[md5]

    def used(self):
        return sum(self.model.values())

    @rule(number=numbers, find=st.sampled_from([FileCache.find, FileCache.find_checked]))
    def find(self, number, find):
        path = find(self.cache, self.md5(number))
        if path:
            assert path.read_bytes() == body_of(number, number * KB)
        else:
            assert find is FileCache.find_checked or self.md5(number) not in self.model
        if self.md5(number) in self.model:
            self.model[self.md5(number)] = self.model.pop(self.md5(number))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), body=st.binary(max_size=10))
    def damage(self, data, body):
        md5 = data.draw(st.sampled_from(sorted(self.model)))
        path = bodies_in(self.folder)[md5]
        path.chmod(0o644)
        path.write_bytes(body)
        assert self.cache.find(md5) is None
        del self.model[md5]

    @rule()
    def restart(self):
        self.cache = FileCache(self.folder, self.limit)

    @invariant()
    def the_folder_is_as_the_model(self):
        if hasattr(self, "model"):
            assert bodies_in(self.folder).keys() == self.model.keys()


TestCacheMachine = CacheMachine.TestCase
TestCacheMachine.settings = settings(deadline=None, max_examples=150, stateful_step_count=40)


USES_THE_CACHE = """
import hashlib, random, sys
from pathlib import Path
from mayo_kedro.streaming.cache import FileCache

folder, seed = Path(sys.argv[1]), int(sys.argv[2])
cache, choose = FileCache(folder, limit_bytes=4 * 2**20), random.Random(seed)
bodies = [bytes([number]) * (100_000 + number) for number in range(80)]
md5s = [hashlib.md5(body).hexdigest() for body in bodies]
outcomes = {"here": 0, "fetched": 0, "evicted": 0}
for _ in range(3000):
    number = choose.randrange(len(bodies))
    path = cache.find_checked(md5s[number]) or cache.find(md5s[number])
    outcomes["here" if path else "fetched"] += 1
    if path is None:
        with cache.receive(md5s[number], md5s[number]) as incoming:
            incoming.write(bodies[number])
            path = incoming.keep()
    try:
        assert path.read_bytes() == bodies[number]
    except FileNotFoundError:
        outcomes["evicted"] += 1
assert min(outcomes["here"], outcomes["fetched"]) > 20, outcomes
"""


def test_processes_that_fill_and_evict_one_cache_read_right_bytes_and_keep_its_limit(tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", USES_THE_CACHE, tmp_path, str(seed)]) for seed in range(2)
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert bytes_in(tmp_path) <= 6 * 2**20  # a MiB for each process
    for md5, path in bodies_in(tmp_path).items():
        assert hashlib.md5(path.read_bytes()).hexdigest() == md5
    assert list((tmp_path / "arriving").iterdir()) == []
