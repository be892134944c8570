"""What would travel along unasked is taken out before the SDK looks."""

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.runners.azure.submission import GIT_VARIABLE, hide_git_login, prepare_source, without_login

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


@given(words, words, st.sampled_from(["https", "http", "ssh"]))
def test_no_login_is_left_in_an_address(user, password, scheme):
    clean = f"{scheme}://example.org:8443/owner/name.git"
    for login in ("", f"{user}@", f"{user}:{password}@", f"{user}:{password}@x@"):
        assert without_login(clean.replace("://", f"://{login}")) == clean
    assert without_login(f"{clean}?token={password}#{password}") == clean


def test_other_addresses_stay_as_they_are():
    for address in ("git@example.org:owner/name.git", "../elsewhere", "origin"):
        assert without_login(address) == address


def test_the_remotes_password_is_hidden_from_the_sdk(azure, tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    git("remote", "add", "origin", "https://someone:hunter2@example.org/owner/name.git")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(GIT_VARIABLE, "")
    hide_git_login()
    from azureml._base_sdk_common.tracking import global_tracking_info_registry

    told = global_tracking_info_registry.gather_all(str(tmp_path))
    assert told["azureml.git.repository_uri"] == "https://example.org/owner/name.git"
    assert "hunter2" not in str(told)


def test_a_folder_without_an_ignore_file_gets_one(tmp_path):
    (tmp_path / ".gitignore").write_text("*.csv\n")
    prepare_source(tmp_path)
    assert ".git/" in (tmp_path / ".amlignore").read_text()


def test_an_ignore_file_that_is_there_counts(tmp_path):
    (tmp_path / ".amlignore").write_text("mine\n")
    prepare_source(tmp_path)
    assert (tmp_path / ".amlignore").read_text() == "mine\n"
