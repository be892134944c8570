"""From what was chosen to the files of an environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from mayo_kedro.commands.setup.files import SettingsFile, make_file
from mayo_kedro.commands.setup.fit import DataSet
from mayo_kedro.commands.setup.place import Place
from mayo_kedro.errors import UserError
from mayo_kedro.streaming.services import DEFAULT_HOST

BASE = "base"
HEADING = "Made by `kedro init`: what differs from conf/base, where every setting has a comment."

COMMENTS = {
    "images.table": "in the repository, like all paths here",
    "images.suffix": "of the files; an id is what is before it",
    "columns.image": "names the file",
    "columns.patient": "stays on one side of a split",
    "columns.centre": "where an image was made",
    "columns.positive": "of two classes the one to detect",
    "modelling.weights": "in weights.folder; null starts at random",
    "data_processing.unlabelled_images": "the folder also holds images that are not in the table",
    "data_processing.split.folds": "no class has more patients to divide",
}


@dataclass(frozen=True)
class Choice:
    """All that was chosen.

    Attributes:
        place: of the data set.
        table: path of the table.
        data: what its columns mean, and the images.
        weights: path of the file of weights; None to start at random; "" to leave it as it is.
        ignores_unlabelled: whether images without a row are left alone.
    """

    place: Place
    table: str
    data: DataSet
    weights: str | None
    ignores_unlabelled: bool


def check_environment(name: str) -> str:
    """Take the name of an environment.

    Raises:
        UserError: it names no folder of its own in conf/.
    """
    if not re.fullmatch(r"\w[\w.-]*", name) or name == BASE:
        raise UserError(
            f"An environment can't be called {name!r}.",
            "Give --env a name of letters, digits and dashes; conf/base is what every other one changes.",
        )
    return name


def read_base(source: Path, file: str) -> dict[str, Any]:
    """Read a file of conf/base as it is written.

    Args:
        source: the folder of the configuration.
        file: its name.
    """
    return dict(yaml.safe_load((source / BASE / file).read_text("utf-8")))


def compose(source: Path, environment: str, choice: Choice) -> list[SettingsFile]:
    """Put the files of the environment together; nothing is written yet.

    Args:
        source: the folder of the configuration.
        environment: its folder there, which may not exist.
        choice: what was chosen.

    Raises:
        UserError: a file that is there can't be read.
    """
    base = {file: read_base(source, file) for file in FILES}
    settings = {
        "globals.yml": _globals(choice),
        "parameters_data_processing.yml": _data_processing(choice, base["parameters_data_processing.yml"]),
        "parameters_modelling.yml": _modelling(choice),
    }
    made = (
        make_file(source / environment / file, HEADING, settings[file], base[file], COMMENTS)
        for file in FILES
    )
    return [file for file in made if file is not None]


FILES = ("globals.yml", "parameters_data_processing.yml", "parameters_modelling.yml")


def _globals(choice: Choice) -> dict[str, Any]:
    repository, data = dict(choice.place.settings), choice.data
    if repository["host"] == DEFAULT_HOST:
        repository["host"] = None
    settings: dict[str, Any] = {
        "repository": repository,
        "images": {"table": choice.table, "folder": data.folder.folder, "suffix": data.suffix},
        "columns": data.columns.model_dump(mode="json"),
    }
    if choice.weights:
        settings["weights"] = {"folder": str(PurePosixPath(choice.weights).parent)}
    return settings


def _data_processing(choice: Choice, base: Mapping[str, Any]) -> dict[str, Any]:
    usual = base["data_processing"]
    unlabelled = "ignore" if choice.ignores_unlabelled else "refuse"
    folds = choice.data.choose_folds(usual["split"]["folds"])
    return {"data_processing": {"unlabelled_images": unlabelled, "split": {"folds": folds}}}


def _modelling(choice: Choice) -> dict[str, Any]:
    if choice.weights == "":
        return {}
    name = None if choice.weights is None else PurePosixPath(choice.weights).name
    return {"modelling": {"weights": name}}
