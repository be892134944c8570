"""The container's recipe: installs the lock as it is, and is named after what it holds."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.container_lock import find_differences, shorten_lock
from mayo_kedro.runners.azure.environment import CONTAINER_LOCK, LOCKS, make_environment, write_file

ROOT = Path(__file__).resolve().parents[3]
IMAGE = "example/image:1"


def run_steps(recipe: str) -> list[str]:
    """The shell commands of a recipe's RUN steps, joined as a build joins them."""
    joined = re.sub(r"\\[ \t]*\n", "", recipe)
    return [line.removeprefix("RUN ") for line in joined.splitlines() if line.startswith("RUN ")]


HASHES = [f"--hash=sha256:{digit * 64}" for digit in "abc"]


def project_with(folder, *versions: str):
    """A project that locks one package, with the files of two platforms."""
    version = versions[0] if versions else "1"
    both = " \\\n    ".join(HASHES[:2])
    (folder / "requirements.lock").write_text(f"a=={version} \\\n    {both}\n")
    (folder / "requirements-cuda.lock").write_text(f"nvidia-a==1 \\\n    {HASHES[2]}\n")
    (folder / "requirements-container.lock").write_text(
        f"a=={version} {HASHES[1]}\nnvidia-a==1 {HASHES[2]}\n"
    )
    return folder


def test_the_recipes_own_steps_write_the_lock(tmp_path):
    """The commands of the recipe are run here, in a folder of this machine instead of the container's."""
    steps = run_steps(make_environment(ROOT, IMAGE).dockerfile)
    for step in steps[2:4]:
        command = step.replace("/opt/job/lock", f"{tmp_path}/lock")
        subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert (tmp_path / "lock").read_bytes() == (ROOT / CONTAINER_LOCK).read_bytes()


lines = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)


@settings(max_examples=30, deadline=None)
@given(st.lists(lines, min_size=1, max_size=8))
def test_any_text_arrives_as_it_is(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("locks") / "file"
    text = "".join(f"{line}\n" for line in content)
    for step in run_steps(write_file(str(path), text)):
        subprocess.run(["sh", "-c", step], check=True, capture_output=True)
    assert path.read_text() == text


def test_a_step_that_wrote_something_else_fails(tmp_path):
    *_, check = run_steps(write_file(str(tmp_path / "lock"), "a==1\n"))
    (tmp_path / "lock").write_text("a==2\n")
    assert subprocess.run(["sh", "-c", check], check=False, capture_output=True).returncode != 0


def test_the_recipe_is_as_short_as_the_service_wants_it():
    assert len(make_environment(ROOT, IMAGE).dockerfile) <= 102_400


def test_a_recipe_that_is_too_long_is_refused(tmp_path):
    locked = "".join(f"package-{number}==1 {HASHES[0]}\n" for number in range(2000))
    for name in ("requirements.lock", "requirements-container.lock"):
        (tmp_path / name).write_text(locked)
    (tmp_path / "requirements-cuda.lock").write_text("")
    with pytest.raises(UserError, match="102400"):
        make_environment(tmp_path, IMAGE)


def test_the_name_changes_with_the_content_and_only_then(tmp_path):
    first = make_environment(project_with(tmp_path), IMAGE)
    assert make_environment(tmp_path, IMAGE) == first
    assert make_environment(tmp_path, "example/image:2").name != first.name
    assert make_environment(project_with(tmp_path, "2"), IMAGE).name != first.name
    assert re.fullmatch(r"mayo-kedro-[0-9a-f]{16}", first.name)


def test_pip_installs_the_lock_with_hashes_and_names_no_index():
    recipe = make_environment(ROOT, IMAGE).dockerfile
    words = shlex.split(run_steps(recipe)[-1])
    assert words[:4] == ["python", "-m", "pip", "install"]
    assert "--require-hashes" in words
    assert "://" not in recipe
    assert "--index" not in recipe
    assert "--find-links" not in recipe


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-cuda.lock", "requirements-container.lock"]
)
def test_a_missing_lock_is_named(tmp_path, name):
    (project_with(tmp_path) / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        make_environment(tmp_path, IMAGE)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.lock", f"a==2 {HASHES[0]}\n"),
        ("requirements-container.lock", f"a==1 {HASHES[1]}\n"),
        ("requirements-container.lock", f"a==1 {HASHES[2]}\nnvidia-a==1 {HASHES[2]}\n"),
        ("requirements-container.lock", f"a==1\nnvidia-a==1 {HASHES[2]}\n"),
        ("requirements-container.lock", f"a==1 {HASHES[1]}\nnvidia-a==1 {HASHES[2]}\nb==1 {HASHES[0]}\n"),
    ],
)
def test_locks_that_do_not_agree_are_refused(tmp_path, name, content):
    (project_with(tmp_path) / name).write_text(content)
    with pytest.raises(UserError, match="does not belong to"):
        make_environment(tmp_path, IMAGE)


def test_the_projects_locks_agree():
    assert (
        find_differences([(ROOT / name).read_text() for name in LOCKS], (ROOT / CONTAINER_LOCK).read_text())
        == []
    )


def test_a_lock_is_shortened_to_the_file_that_pip_takes():
    files = {
        "a-1-cp311-cp311-win_amd64.whl": "0",
        "a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": "1",
        "a-1-cp311-cp311-manylinux_2_28_x86_64.whl": "2",
        "a-1-cp312-cp312-manylinux_2_28_x86_64.whl": "3",
        "a-1-py3-none-any.whl": "4",
        "a-1.tar.gz": "5",
    }

    def shorten(*names: str) -> str:
        spelt = [
            f'{{ url = "file:///x/{name}", hashes = {{ sha256 = "{files[name] * 64}" }} }}' for name in names
        ]
        wheels = ", ".join(text for text in spelt if ".whl" in text)
        sdist = next((text for text in spelt if ".tar" in text), None)
        entry = f'[[packages]]\nname = "a"\nversion = "1"\nwheels = [{wheels}]\n'
        return shorten_lock(entry + (f"sdist = {sdist}\n" if sdist else ""))

    names = list(files)
    assert shorten(*names) == f"a==1 --hash=sha256:{'2' * 64}\n"
    assert shorten(names[0], names[1], names[3], names[4]) == f"a==1 --hash=sha256:{'1' * 64}\n"
    assert shorten(names[0], names[4], names[5]) == f"a==1 --hash=sha256:{'4' * 64}\n"
    assert shorten(names[0], names[5]) == f"a==1 --hash=sha256:{'5' * 64}\n"


def test_what_does_not_apply_in_the_container_is_left_out():
    here, elsewhere = (
        f"a==1 ; sys_platform == 'linux' {HASHES[0]}\n",
        f"b==1 ; sys_platform == 'win32' {HASHES[1]}\n",
    )
    assert find_differences([here + elsewhere], f"a==1 {HASHES[0]}\n") == []
    assert find_differences([here + elsewhere], "") == ["a==1"]
