"""The clone in which DVC works, made before the clock starts."""

import os
import subprocess
from pathlib import Path

from benchmarks.task import Task
from benchmarks.workspace import child_environment

CONFIG = """[core]
    remote = origin
['remote "origin"']
    url = {host}/{repository}.dvc
    auth = basic
    user = {owner}
    password = {token}
"""


def clone_folder(task: Task) -> Path:
    """Where the clone of a task lies."""
    return task.target / "clone"


def make_clone(task: Task) -> None:
    """Clone a task's repository and tell DVC of its remote."""
    folder, owner = clone_folder(task), task.repository.partition("/")[0]
    url = f"{task.host.replace('://', f'://{owner}:{task.token}@')}/{task.repository}.git"
    environment = child_environment(task.target, task.host, task.token)
    subprocess.run(["git", "clone", "--quiet", url, os.fspath(folder)], env=environment, check=True)
    settings = {"host": task.host, "repository": task.repository, "owner": owner, "token": task.token}
    (folder / ".dvc" / "config.local").write_text(CONFIG.format(**settings))
