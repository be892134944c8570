"""What is compared before a job runs."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.runners.sending.fingerprints import find_differences, hash_file, hash_listing


@pytest.fixture
def folder(tmp_path):
    for path in ("src/package/a.py", "src/package/b.py", "conf/base/c.yml", "requirements.lock"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return tmp_path


@pytest.fixture
def files(folder):
    return {
        path.relative_to(folder).as_posix(): hash_file(path) for path in folder.rglob("*") if path.is_file()
    }


def test_the_same_folder_has_no_differences(folder, files):
    assert find_differences(folder, files) == []


def test_a_changed_a_missing_and_an_added_file_are_named(folder, files):
    (folder / "src/package/a.py").write_text("other")
    (folder / "src/package/b.py").unlink()
    (folder / "conf/base/new.yml").write_text("")
    assert find_differences(folder, files) == [
        "conf/base/new.yml is too many",
        "src/package/a.py is another",
        "src/package/b.py is missing",
    ]


def test_what_running_makes_and_what_the_service_adds_does_not_count(folder, files):
    for path in ("src/package/__pycache__/a.pyc", "conf/local/x.yml", "logs/log.txt", "service/setup.sh"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")
    assert find_differences(folder, files) == []


@given(st.dictionaries(st.text(), st.text()), st.randoms())
def test_the_hash_of_a_listing_does_not_depend_on_its_order(files, random):
    shuffled = list(files.items())
    random.shuffle(shuffled)
    assert hash_listing(dict(shuffled)) == hash_listing(files)


@given(st.dictionaries(st.text(), st.text(), min_size=1), st.text())
def test_the_hash_of_a_listing_changes_with_a_file(files, digest):
    name = next(iter(files))
    assert (hash_listing({**files, name: digest}) == hash_listing(files)) == (digest == files[name])


def test_only_the_standard_library_is_imported():
    code = (
        "import sys; before = set(sys.modules);"
        "from mayo_kedro.runners.in_job import job_folder, start;"
        "from mayo_kedro.runners.sending import fingerprints;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['mayo_kedro']"
