"""Which table, images, columns and weights: asked, with guesses from what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import click
import pandas as pd

from mayo_kedro.commands.setup import guesses
from mayo_kedro.commands.setup.fit import DataSet
from mayo_kedro.commands.setup.holdings import READABLE_TABLE, Holdings, ImageFolder
from mayo_kedro.commands.setup.place import Place
from mayo_kedro.commands.setup.questions import NOTHING, Asker, Question
from mayo_kedro.commands.setup.showing import show_classes, show_columns
from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns

ROOT = "."
"""What is typed for the folder at the root."""

Given = Mapping[str, str | None]
"""Answers from the options, by the option's name without dashes at its front."""


@dataclass(frozen=True)
class Source:
    """The files that were chosen.

    Attributes:
        path: of the table.
        table: all text.
        folder: of the images.
    """

    path: str
    table: pd.DataFrame
    folder: ImageFolder


def choose_source(asker: Asker, place: Place, found: Holdings, given: Given) -> Source:
    """Find out the table and the folder of images.

    Raises:
        UserError: there is none, or the table can't be read.
    """
    _require(found)
    path = asker.ask(_ask_table(found), given["table"])
    table = place.read_table(path)
    if table.empty:
        raise UserError(f"{path} has no rows.", "Add one for each image, or choose another with --table.")
    return Source(path, table, _choose_folder(asker, _order_by_table(found.images, table), given))


def _require(found: Holdings) -> None:
    if not found.tables:
        raise UserError(
            f"There is no table among the {found.files} files that were found.",
            "Add a CSV with a row for each image: its file's name, its patient, its class.",
        )
    if not found.images:
        raise UserError(
            f"There are no images among the {found.files} files that were found.",
            "Add a folder of PNG, JPEG, TIFF or WebP files (`dvc add`, `git push` and `dvc push`).",
        )


def _ask_table(found: Holdings) -> Question:
    csvs = [path for path in found.tables if path.lower().endswith(READABLE_TABLE)]
    near = sorted(csvs, key=lambda path: (path.count("/"), -found.tables[path]))
    return Question("--table", "Table", next(iter(near), None), list(found.tables), _check_table)


def _check_table(path: str) -> str:
    if not path.lower().endswith(READABLE_TABLE):
        raise UserError(
            f"{path} is not a CSV, in which ids stay text.",
            "Write it as one, with pandas: read_parquet or read_csv with sep, then to_csv(index=False).",
        )
    return path


def _order_by_table(found: list[ImageFolder], table: pd.DataFrame) -> list[ImageFolder]:
    """Put those in front of which the table names most."""

    def count_named(one: ImageFolder) -> int:
        column = guesses.guess_image(table, one.names, one.suffix)
        return column.matches if column else 0

    return sorted(found, key=count_named, reverse=True)


def _choose_folder(asker: Asker, found: list[ImageFolder], given: Given) -> ImageFolder:
    folders = list(dict.fromkeys(one.folder or ROOT for one in found))
    chosen = asker.ask(Question("--images", "Folder of the images", folders[0], folders), given["images"])
    kinds = [one for one in found if (one.folder or ROOT) == chosen]
    suffixes = [one.suffix for one in kinds]
    suffix = suffixes[0]
    if len(kinds) > 1 or given["suffix"]:
        suffix = asker.ask(Question("--suffix", "Suffix of the images", suffix, suffixes), given["suffix"])
    return kinds[suffixes.index(suffix)]


def choose_columns(asker: Asker, source: Source, others: list[ImageFolder], given: Given) -> DataSet:
    """Find out what the columns mean, and the positive class.

    Raises:
        UserError: an answer makes no sense.
    """
    table, folder = source.table, source.folder
    named = guesses.guess_image(table, folder.names, folder.suffix)
    meanings = _guess_meanings(table, named.column if named else None)
    show_columns(table, {column: role for role, column in meanings.items()})
    chosen = {
        role: asker.ask(_ask_column(role, about, meanings.get(role), table), given[f"{role}-column"])
        for role, about in ROLES.items()
    }
    labels = table[chosen["label"]]
    show_classes(labels, table[chosen["patient"]])
    columns = Columns(
        image=chosen["image"],
        patient=chosen["patient"],
        label=chosen["label"],
        centre=None if chosen["centre"] == NOTHING else chosen["centre"],
        classes=_list_classes(labels),
        positive=_choose_positive(asker, labels, given["positive"]),
    )
    again = guesses.guess_image(table[[columns.image]], folder.names, folder.suffix)
    suffix = "" if again and again.has_suffix else folder.suffix
    return DataSet(table, columns, folder, suffix, [one for one in others if one is not folder])


ROLES = {
    "image": "Column of the image (its file's name)",
    "patient": "Column of the patient, or whatever must stay on one side of a split",
    "label": "Column of the class",
    "centre": f"Column of where an image was made ({NOTHING} if there is none)",
}


def _guess_meanings(table: pd.DataFrame, image: str | None) -> dict[str, str]:
    taken = [image] if image else []
    label = guesses.guess_label(table, taken)
    taken += [label] if label else []
    centre = guesses.guess_centre(table, taken)
    taken += [centre] if centre else []
    patient = guesses.guess_patient(table, image, taken) if image else None
    guessed = {"patient": patient, "image": image, "label": label, "centre": centre or NOTHING}
    return {role: column for role, column in guessed.items() if column}


def _ask_column(role: str, about: str, guess: str | None, table: pd.DataFrame) -> Question:
    known = [str(name) for name in table] + ([NOTHING] if role == "centre" else [])
    return Question(f"--{role}-column", about, guess, known)


def _list_classes(labels: "pd.Series[str]") -> tuple[str, ...]:
    classes = tuple(sorted(set(labels) - {""}))
    if not 2 <= len(classes) <= guesses.MOST_CLASSES:
        raise UserError(
            f"Column {labels.name!r} has {len(classes)} different values, and there should be 2 to "
            f"{guesses.MOST_CLASSES} classes.",
            "Choose the column of the classes with --label-column.",
        )
    return classes


def _choose_positive(asker: Asker, labels: "pd.Series[str]", given: str | None) -> str | None:
    classes = _list_classes(labels)
    if len(classes) > 2:
        if given is not None:
            raise UserError(f"Of {len(classes)} classes none is the positive one.", "Leave out --positive.")
        return None
    guess = guesses.guess_positive(labels[labels != ""])
    return asker.ask(Question("--positive", "Class to detect", guess, classes), given)


def choose_weights(asker: Asker, found: Holdings, usual: str | None, given: str | None) -> str | None:
    """Find out the file of weights that the training starts from.

    Args:
        asker: finds what is not given.
        found: in the repository.
        usual: the name of the file that conf/base asks for.
        given: a path in the repository, or "none".

    Returns:
        Its path; None to start at random.
    """
    fitting = next((path for path in found.weights if PurePosixPath(path).name == usual), NOTHING)
    if fitting == NOTHING and given is None:
        click.echo(f"There is no {usual} in it, the weights that the network of conf/base starts from.")
    text = f"Weights to start from ({NOTHING}: at random)"
    chosen = asker.ask(Question("--weights", text, fitting, [*found.weights, NOTHING]), given)
    if chosen == NOTHING:
        return None
    if PurePosixPath(chosen).name != usual:
        click.echo("Set modelling.backbone in parameters_modelling.yml to the network that they are of.")
    return chosen
