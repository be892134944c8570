"""What is shipped: a wheel that another project can use, and no secret."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from mayo_kedro.commands.package import archive_configuration

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "mayo_kedro"
READING = ("certifi", "filelock", "fsspec", "platformdirs", "pyreqwest", "tenacity")
"""What reading by a dagshub:// address takes, beside the package itself."""

SECRET = "not-to-be-shipped"


def copy_sources(target: Path) -> Path:
    """What a wheel is built from, so that nothing is made in the checkout."""
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", target / "src", ignore=leave_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target)
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the project's build backend, as pip does it."""
    sources = copy_sources(tmp_path_factory.mktemp("wheel") / "sources")
    code = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", code, str(sources.parent)]
    subprocess.run(command, cwd=sources, check=True, capture_output=True)
    (built,) = sources.parent.glob("*.whl")
    return built


def find_packages(environment: Path) -> Path:
    """Where an environment keeps its packages."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(environment), "platbase": str(environment)}))


def make_environment(wheel: Path, folder: Path) -> Path:
    """Make a new environment with the wheel and nothing else; its Python."""
    venv.create(folder, with_pip=False)
    with zipfile.ZipFile(wheel) as archive:  # which is how a wheel without scripts is installed
        archive.extractall(find_packages(folder))
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def other_python(wheel: Path) -> Path:
    """The Python of a new environment: the wheel, and beside it the packages of the lock."""
    folder = wheel.parent / "environment"
    python = make_environment(wheel, folder)
    # Not a site folder of its own: the editable install of this checkout, a .pth file in it, is not followed.
    (find_packages(folder) / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def find_service(sandbox) -> dict[str, str]:
    """The variables by which a process finds the sandbox."""
    service = {"DAGSHUB_CLIENT_HOST": sandbox.host, "DAGSHUB_USER_TOKEN": sandbox.token}
    return {**service, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def run(python: Path, code: str, folder: Path, **variables: str) -> str:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DAGSHUB", "MAYO_", "PYTHON"))
    }
    done = subprocess.run(
        [str(python), "-c", code],
        cwd=folder,
        env={**clean, "MAYO_CACHE_DIR": str(folder / "cache"), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    packed = {name for name in names if ".dist-info/" not in name}
    kinds = (".py", ".html", ".typed")
    expected = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.suffix in kinds or path.name == "py.typed"
    }
    assert packed == expected
    assert "mayo_kedro/py.typed" in packed
    assert sum(name.endswith(".html") for name in packed) >= 5
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_another_project_reads_addresses_and_images(other_python, sandbox, tmp_path):
    code = """
import sys
import fsspec, pandas
from kedro.io import DataCatalog
import mayo_kedro

assert mayo_kedro.__file__.startswith(sys.prefix), mayo_kedro.__file__
assert fsspec.get_filesystem_class("dagshub").__module__ == "mayo_kedro.streaming.filesystem"
folder = "dagshub://sandbox/clots@main"
rows = pandas.read_csv(f"{folder}/train.csv", dtype=str)
images = {
    "type": "mayo_kedro.datasets.StreamedImagesDataset",
    "filepath": f"{folder}/images",
    "suffix": ".png",
    "table": f"{folder}/train.csv",
    "columns": {"image": "image_id", "label": "label"},
}
loaded = DataCatalog.from_config({"images": images}).load("images")
first = loaded[rows["image_id"][0]]
print(len(loaded) == len(rows), first.ndim, first.dtype)
print(sorted({"tensorflow", "keras", "azureml", "mlflow", "dagshub", "pyvips"} & set(sys.modules)))
"""
    assert run(other_python, code, tmp_path, **find_service(sandbox)).splitlines() == ["True 3 uint8", "[]"]


@pytest.mark.slow
def test_reading_alone_needs_six_packages(wheel, sandbox, tmp_path):
    python = make_environment(wheel, tmp_path / "environment")
    installed = find_packages(tmp_path / "environment")
    for name in READING:
        for part in {file.parts[0] for file in distribution(name).files} - {".."}:
            (installed / part).symlink_to(Path(sysconfig.get_path("purelib")) / part)
    code = """
import fsspec
files = fsspec.filesystem("dagshub")
table = files.cat_file("/sandbox/clots@main/train.csv").splitlines()
image = table[1].split(b",")[0].decode()
print(len(table), files.cat_file(f"/sandbox/clots@main/images/{image}.png")[:4])
"""
    rows, _, start = run(python, code, tmp_path, **find_service(sandbox)).strip().partition(" ")
    assert int(rows) > 1
    assert start == r"b'\x89PNG'"


def test_the_archive_of_the_configuration_leaves_secrets_out(tmp_path):
    shutil.copytree(ROOT / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    for file in (
        "local/credentials.yml",
        "local/deep/globals.yml",
        "azure/credentials.yml",
        "azure/credentials.yaml",
    ):
        (tmp_path / "conf" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / file).write_text(f"client_secret: {SECRET}\n")
    with tarfile.open(archive_configuration(tmp_path)) as archive:
        texts = {
            member.name: archive.extractfile(member).read().decode() for member in archive if member.isfile()
        }
    assert not [name for name, text in texts.items() if SECRET in text]
    expected = {
        f"conf/{path.relative_to(ROOT / 'conf').as_posix()}" for path in (ROOT / "conf").rglob("*.y*ml*")
    }
    assert set(texts) == {
        name for name in expected if "/local/" not in name and name != "conf/azure/credentials.yml"
    }


@pytest.mark.slow
def test_kedro_package_makes_both(tmp_path):
    copy_sources(tmp_path)
    shutil.copytree(ROOT / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "conf" / "local").mkdir()
    (tmp_path / "conf" / "local" / "credentials.yml").write_text(f"token: {SECRET}\n")
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "package"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = {path.name for path in (tmp_path / "dist").iterdir()}
    assert made == {"mayo_kedro-0.1.0-py3-none-any.whl", "conf-mayo_kedro.tar.gz"}
    with zipfile.ZipFile(tmp_path / "dist" / "mayo_kedro-0.1.0-py3-none-any.whl") as archive:
        assert not [name for name in archive.namelist() if name.startswith(("conf/", "tests/", "data/"))]
