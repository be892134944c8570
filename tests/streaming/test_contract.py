"""fsspec's own contract for filesystems, on a real service.

The suite takes away what it has written. DagsHub's API can't, so `rm` is here what a user does instead: a
commit in the repository that removes the files, after which the branch is read anew.
"""

import itertools

import pytest
from fsspec.tests import abstract

from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.revisions import forget_pins

NUMBERS = itertools.count()


class Removing(DagsHubFileSystem):
    """The filesystem, and a colleague who removes files from the repository."""

    protocol = "removing"
    cachable = False

    def __init__(self, colleague, **options):
        super().__init__(**options)
        self.colleague = colleague

    def rm(self, path, recursive=False, maxdepth=None):
        for found in self.expand_path(path):
            self.info(found)
            self.colleague.remove(self.repository(found)[1])
        self._repositories.clear()
        forget_pins()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A repository that holds nothing but one text, so that commits are quick."""
    folder = tmp_path_factory.mktemp("contract")
    (folder / "seed").mkdir()
    (folder / "seed" / "README.md").write_text("A repository to write to.\n")
    (folder / "no certificates").mkdir()
    with pytest.MonkeyPatch.context() as patch, start(folder / "state", seed=folder / "seed") as running:
        # The client loads all certificates for each request, which takes longer than the request.
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(folder / "no certificates"))
        yield running


@pytest.fixture(scope="module")
def filesystem(service, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return Removing(service, host=service.host, token=service.token, cache_folder=str(cache))


def make_once(make, fs, fs_join, root):
    """Write one of the suite's scenarios in one commit, where it stays: no test changes its source."""
    folder = f"{root}/{make.__name__}"
    if not fs.exists(folder):
        with fs.transaction:
            make(fs, fs_join, folder)
    return fs_join(folder, "source")


class Fixtures(abstract.AbstractFixtures):
    @pytest.fixture
    def fs(self, filesystem):
        return filesystem

    @pytest.fixture
    def root(self, service):
        return f"/{service.owner}/{service.name}@{service.branch}"

    @pytest.fixture
    def fs_path(self, root):
        """A folder that no other test writes to."""
        return f"{root}/{next(NUMBERS)}"

    @pytest.fixture
    def supports_empty_directories(self):
        return False

    @pytest.fixture
    def fs_bulk_operations_scenario_0(self, fs, fs_join, root):
        return make_once(self._bulk_operations_scenario_0, fs, fs_join, root)

    @pytest.fixture
    def fs_glob_edge_cases_files(self, fs, fs_join, root):
        return make_once(self._glob_edge_cases_files, fs, fs_join, root)

    @pytest.fixture
    def fs_dir_and_file_with_same_name_prefix(self, fs, fs_join, root):
        return make_once(self._dir_and_file_with_same_name_prefix, fs, fs_join, root)

    @pytest.fixture
    def fs_10_files_with_hashed_names(self, fs, fs_join, root):
        return make_once(self._10_files_with_hashed_names, fs, fs_join, root)


class TestOpen(abstract.AbstractOpenTests, Fixtures):
    pass


class TestPipe(abstract.AbstractPipeTests, Fixtures):
    pass


class TestGet(abstract.AbstractGetTests, Fixtures):
    pass


class TestPut(abstract.AbstractPutTests, Fixtures):
    pass


class TestCopy(abstract.AbstractCopyTests, Fixtures):
    pass


class TestWhatTheSuiteLeavesOut(Fixtures):
    """The rest of fsspec's interface, on the suite's scenario 0 with one of its files filled."""

    @pytest.fixture
    def tree(self, service):
        """As another run finds it, that has not written anything itself."""
        service.commit(
            {"tree/file1": b"", "tree/file2": b"12345", "tree/subdir/nesteddir/nestedfile": b"7 bytes"}
        )
        forget_pins()
        return f"/{service.owner}/{service.name}@{service.branch}/tree"

    @pytest.fixture
    def fs(self, service, tmp_path):
        return DagsHubFileSystem(host=service.host, token=service.token, cache_folder=str(tmp_path))

    def test_sizes_and_kinds(self, tree, fs):
        assert (fs.isfile(f"{tree}/file2"), fs.isdir(f"{tree}/file2")) == (True, False)
        assert (fs.isfile(f"{tree}/subdir"), fs.isdir(f"{tree}/subdir")) == (False, True)
        assert not fs.isfile(f"{tree}/none")
        assert fs.sizes([f"{tree}/file1", f"{tree}/file2"]) == [0, 5]
        assert fs.du(tree) == 12
        assert fs.du(tree, total=False, maxdepth=1) == {f"{tree}/file1": 0, f"{tree}/file2": 5}

    def test_walk(self, tree, fs):
        walked = [(place, sorted(folders), sorted(files)) for place, folders, files in fs.walk(tree)]
        assert walked == [
            (tree, ["subdir"], ["file1", "file2"]),
            (f"{tree}/subdir", ["nesteddir"], []),
            (f"{tree}/subdir/nesteddir", [], ["nestedfile"]),
        ]
        _, folders, files = next(fs.walk(tree, detail=True))
        assert folders["subdir"]["type"] == "directory"
        assert files["file2"]["size"] == 5

    def test_find_glob_and_expand_path(self, tree, fs):
        nested = f"{tree}/subdir/nesteddir/nestedfile"
        assert fs.find(tree) == [f"{tree}/file1", f"{tree}/file2", nested]
        assert fs.find(tree, maxdepth=1) == [f"{tree}/file1", f"{tree}/file2"]
        assert f"{tree}/subdir" in fs.find(tree, withdirs=True)
        assert fs.find(tree, detail=True)[nested]["size"] == 7
        assert fs.glob(f"{tree}/**") == fs.expand_path(tree, recursive=True)
        assert fs.glob(f"{tree}/**/nested*") == [f"{tree}/subdir/nesteddir", nested]
        assert fs.glob(f"{tree}/none*") == []
        assert fs.expand_path(f"{tree}/file?") == [f"{tree}/file1", f"{tree}/file2"]

    def test_parts_of_files(self, tree, fs):
        assert fs.cat_file(f"{tree}/file2", 1, -1) == b"234"
        assert fs.cat_ranges([f"{tree}/file2"] * 2, [0, -2], [2, None]) == [b"12", b"45"]
        assert (fs.head(f"{tree}/file2", 2), fs.tail(f"{tree}/file2", 2)) == (b"12", b"45")
        assert fs.read_block(f"{tree}/file2", 1, 3) == b"234"

    def test_a_key_and_a_checksum_change_with_the_content_alone(self, tree, fs, service):
        keys = {name: fs.ukey(f"{tree}/{name}") for name in ("file1", "file2")}
        assert keys["file2"] == fs.info(f"{tree}/file2")["hash"]
        assert fs.checksum(f"{tree}/file1") != fs.checksum(f"{tree}/file2")
        service.commit({"tree/file2": b"54321"})
        forget_pins()
        assert fs.ukey(f"{tree}/file1") == keys["file1"]
        assert fs.ukey(f"{tree}/file2") != keys["file2"]
        assert fs.ukey(tree) == fs.ukey(tree)

    def test_no_times_are_told(self, tree, fs):
        for ask in (fs.created, fs.modified):
            with pytest.raises(NotImplementedError):
                ask(f"{tree}/file1")
