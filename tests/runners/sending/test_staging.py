"""What is sent with a job, and what never is."""

import logging
import os
from pathlib import Path

import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.runners.sending import snapshot_size
from mayo_kedro.runners.sending.fingerprints import find_differences, hash_file, python_version
from mayo_kedro.runners.sending.staging import check_snapshot, stage_project

TRAVELS = {
    "pyproject.toml": "[tool.kedro]",
    "requirements.lock": "numpy==2.0 --hash=sha256:" + "ab" * 32,
    ".telemetry": "consent: false",
    "src/package/__init__.py": "",
    "src/package/deep/nodes.py": "x = 1",
    "src/package/deep/page.html": "<html>",
    "conf/logging.yml": "version: 1",
    "conf/base/catalog.yml": "a: {type: MemoryDataset}",
    "conf/base/credentials.yml": "dagshub: {token: '${oc.env:DAGSHUB_USER_TOKEN,null}', n: 3}",
    "conf/azure/azureml.yml": "compute: {}",
}
STAYS = {
    "README.md": "",
    ".env": "TOKEN=1",
    ".git/config": "[remote]",
    "data/01_raw/a.csv": "a",
    "notebooks/a.ipynb": "{}",
    "conf/local/parameters.yml": "a: 1",
    "conf/local/credentials.yml": "a: {token: b}",
    "conf/azure/credentials.yml": "azureml: {client_secret: b}",
    "conf/azure/credentials.example.yml": "azureml: {}",
    "conf/azure/credentials/more.yml": "a: {token: b}",
    "conf/base/credentials_other.yaml": "a: {token: b}",
    "conf/base/.hidden.yml": "a: 1",
    "src/package/__pycache__/nodes.cpython-311.pyc": "",
    "src/package/deep/nodes.pyc": "",
    "src/package/.ipynb_checkpoints/nodes.py": "",
    "src/package.egg-info/PKG-INFO": "",
    "mlflow.db": "",
    "outputs/old.txt": "",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.endswith(("TOKEN", "PASSWORD"))]:
        monkeypatch.delenv(name)
    for path, text in {**TRAVELS, **STAYS}.items():
        write(tmp_path / "project", path, text)
    return tmp_path / "project"


def write(folder, path, text):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def list_files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_only_what_is_on_the_list_travels(project, tmp_path):
    staged = stage_project(project, tmp_path / "staged")
    assert list_files(staged.folder) == {*TRAVELS, ".amlignore"}
    assert set(staged.files) == set(TRAVELS)
    for path, digest in staged.files.items():
        assert hash_file(project / path) == digest
    assert find_differences(staged.folder, staged.files) == []
    assert staged.fingerprints.python == python_version()
    assert staged.fingerprints.lock == hash_file(project / "requirements.lock")


def test_named_data_travel_to_the_same_place(project, tmp_path):
    write(project, "data/parts/deep/b.txt", "b")
    staged = stage_project(
        project, tmp_path / "staged", [Path("data/01_raw/a.csv"), Path("data/parts/deep/b.txt")]
    )
    assert (staged.folder / "data/parts/deep/b.txt").read_text() == "b"
    assert set(staged.files) == {*TRAVELS, "data/01_raw/a.csv", "data/parts/deep/b.txt"}


@pytest.mark.parametrize(
    "path", ["data/none.csv", "../secret.txt", "conf/local/parameters.yml", ".git/config", "/etc/hostname"]
)
def test_data_that_are_missing_or_in_no_place_for_data_are_refused(path, project, tmp_path):
    with pytest.raises(UserError, match=path):
        stage_project(project, tmp_path / "staged", [Path(path)])


def test_the_hash_of_the_code_changes_with_any_file_and_with_nothing_else(project, tmp_path):
    first = stage_project(project, tmp_path / "first").fingerprints
    write(project, "README.md", "other")
    assert stage_project(project, tmp_path / "second").fingerprints == first
    write(project, "conf/azure/azureml.yml", "compute: {name: other}")
    third = stage_project(project, tmp_path / "third").fingerprints
    assert (third.code != first.code, third.lock) == (True, first.lock)


def test_another_folder_of_configuration_travels_as_conf(project, tmp_path):
    write(tmp_path, "mine/base/catalog.yml", "mine: {type: MemoryDataset}")
    staged = stage_project(project, tmp_path / "staged", configuration=tmp_path / "mine")
    assert {path for path in staged.files if path.startswith("conf/")} == {"conf/base/catalog.yml"}
    assert (staged.folder / "conf/base/catalog.yml").read_text().startswith("mine")


@pytest.mark.parametrize("target", ["outside.py", "README.md", "data", "nowhere"])
def test_a_link_out_of_the_code_is_refused(target, project, tmp_path):
    write(tmp_path, "outside.py", "")
    end = tmp_path / target if target == "outside.py" else project / target
    (project / "src/package/link.py").symlink_to(end)
    with pytest.raises(UserError, match=r"src/package/link\.py is a link"):
        stage_project(project, tmp_path / "staged")


def test_a_link_to_a_folder_is_refused(project, tmp_path):
    (project / "src/package/link").symlink_to(project / "src/package/deep")
    with pytest.raises(UserError, match="src/package/link is a link"):
        stage_project(project, tmp_path / "staged")


def test_a_link_in_what_stays_is_no_trouble(project, tmp_path):
    (project / "conf/local/link.yml").symlink_to("/etc/hostname")
    assert set(stage_project(project, tmp_path / "staged").files) == set(TRAVELS)


def test_a_link_to_a_file_of_the_code_travels_as_its_content(project, tmp_path):
    (project / "src/package/link.py").symlink_to("deep/nodes.py")
    staged = stage_project(project, tmp_path / "staged")
    assert not (staged.folder / "src/package/link.py").is_symlink()
    assert (staged.folder / "src/package/link.py").read_text() == "x = 1"


def test_without_the_lock_nothing_is_sent(project, tmp_path):
    (project / "requirements.lock").unlink()
    with pytest.raises(UserError, match=r"requirements\.lock is missing"):
        stage_project(project, tmp_path / "staged")


def test_the_credentials_that_travel_hold_names_only(project, tmp_path):
    write(project, "conf/base/credentials.yml", "far: {deep: {password: hunter2hunter2}}")
    with pytest.raises(UserError) as refused:
        stage_project(project, tmp_path / "staged")
    assert "far.deep.password" in refused.value.what
    assert "hunter2" not in str(refused.value)


def test_number_and_size_of_the_files_are_told(project, tmp_path, caplog):
    staged = stage_project(project, tmp_path / "staged")
    with caplog.at_level(logging.INFO, "mayo_kedro"):
        sizes = check_snapshot(staged.folder)
    assert sum(sizes.values()) == sum(
        path.stat().st_size for path in staged.folder.rglob("*") if path.is_file()
    )
    assert any(f"{len(TRAVELS) + 1} files" in message for message in caplog.messages)


def test_too_many_bytes_are_refused_before_they_are_copied(project, tmp_path):
    with (project / "data/large.bin").open("wb") as file:
        file.truncate(snapshot_size.MOST_BYTES)
    with pytest.raises(UserError) as refused:
        stage_project(project, tmp_path / "staged", [Path("data/large.bin")])
    assert "data/large.bin (300.0 MiB)" in refused.value.what
    assert not (tmp_path / "staged").exists()


def test_too_many_files_are_refused_with_the_fullest_folder(project, tmp_path):
    many = [Path(f"data/many/{number}") for number in range(snapshot_size.MOST_FILES)]
    for path in many:
        write(project, path, "")
    with pytest.raises(UserError, match=r"data/many/ \(2,000\)"):
        stage_project(project, tmp_path / "staged", many)


def test_what_is_added_to_the_folder_counts_too(project, tmp_path):
    staged = stage_project(project, tmp_path / "staged")
    (staged.folder / "job").mkdir()
    with (staged.folder / "job/large.npz").open("wb") as file:
        file.truncate(snapshot_size.MOST_BYTES)
    with pytest.raises(UserError, match=r"job/large\.npz"):
        check_snapshot(staged.folder)


HEX = "0123456789abcdef0123456789abcdef01234567"
SECRETS = {
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a storage key": "AccountKey=" + "Ab1+" * 21 + "Ab==",
    "an AWS key": "AKIA" + "Q3EGRTWAB7CD9FGH",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a password in a URL": "https://me:" + "hunter2@host/x.git",
    "a DagsHub token": f'token = "{HEX}"',
    "a DagsHub token in a mapping": f"dagshub_token: {HEX}",
    "a token in JSON": f'"my_token": "{HEX}"',
}


@pytest.mark.parametrize("path", ["src/package/deep/nodes.py", "conf/base/catalog.yml", "job/request.json"])
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_with_file_and_line_and_never_shown(kind, path, project, tmp_path, caplog):
    staged = stage_project(project, tmp_path / "staged")
    write(staged.folder, path, f"# one\n\n{SECRETS[kind]}\n")
    with caplog.at_level(logging.DEBUG), pytest.raises(UserError) as refused:
        check_snapshot(staged.folder)
    assert f"- {path}, line 3: " in refused.value.what
    for secret in (HEX, "hunter2", "Q3EGRTWAB7CD9FGH", "a1B2a1B2", "Ab1+Ab1+"):
        assert secret not in str(refused.value)
        assert secret not in caplog.text


@pytest.mark.parametrize("kind", SECRETS)
def test_a_false_alarm_is_allowed_by_a_word_on_its_line(kind, project, tmp_path):
    staged = stage_project(project, tmp_path / "staged")
    write(staged.folder, "src/package/deep/nodes.py", f"{SECRETS[kind]}  # pragma: allowlist secret\n")
    check_snapshot(staged.folder)


@pytest.mark.parametrize(
    "variable", ["DAGSHUB_USER_TOKEN", "AZUREML_SERVICE_PRINCIPAL_PASSWORD", "MLFLOW_TRACKING_PASSWORD"]
)
def test_our_own_secrets_are_found_anywhere_and_no_word_allows_them(variable, project, tmp_path, monkeypatch):
    monkeypatch.setenv(variable, "correct horse battery")
    staged = stage_project(project, tmp_path / "staged")
    write(staged.folder, "conf/base/x.yml", "note: correct horse battery  # pragma: allowlist secret")
    (staged.folder / "data").mkdir()
    (staged.folder / "data/raw.parquet").write_bytes(b"\xff\x00\ncorrect horse battery\x00")
    with pytest.raises(UserError) as refused:
        check_snapshot(staged.folder)
    assert f"conf/base/x.yml, line 1: the value of {variable}" in refused.value.what
    assert "data/raw.parquet, line 2" in refused.value.what
    assert "battery" not in str(refused.value)


def test_the_secrets_of_a_job_are_found_too(project, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "correct horse battery")
    staged = stage_project(project, tmp_path / "staged")
    write(staged.folder, "job/request.json", '{"params": {"x": "correct horse battery"}}')
    with pytest.raises(UserError, match="line 1: the value of MY_TOKEN"):
        check_snapshot(staged.folder, ["MY_TOKEN"])


@pytest.mark.parametrize(
    "line",
    [
        'url = f"https://{owner}:{token}@host"',
        "git clone http://OWNER:TOKEN@127.0.0.1/x.git",
        "token: ${oc.env:DAGSHUB_USER_TOKEN,null}",
        'token = environ["DAGSHUB_USER_TOKEN"]',
        f"commit = '{HEX}'",
        f"--hash=sha256:{HEX}{HEX[:24]}",
    ],
)
def test_what_is_no_secret_raises_no_alarm(line, project, tmp_path):
    staged = stage_project(project, tmp_path / "staged")
    write(staged.folder, "src/package/deep/nodes.py", line)
    check_snapshot(staged.folder)


def test_this_project_can_be_sent(tmp_path):
    staged = stage_project(Path(__file__).resolve().parents[3], tmp_path / "staged")
    assert len(check_snapshot(staged.folder)) > 100
    assert "src/mayo_kedro/runners/in_job/start.py" in staged.files
