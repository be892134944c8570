"""What of a data set does not fit together, in words, and the settings that follow from it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from mayo_kedro.commands.checks.finding import Finding, Level
from mayo_kedro.commands.setup.holdings import ImageFolder
from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.data_processing.checks import refuse_mistakes, select_columns

FEW_PATIENTS = 20
"""Of a class; with fewer the report warns that its numbers say little."""

MORE_PATIENTS = "Add patients of that class for a result that says more."
FEWEST_FOLDS = 2
EXAMPLES = 3


@dataclass(frozen=True)
class DataSet:
    """A table and the images it is about.

    Attributes:
        table: all text.
        columns: what it calls its columns and classes.
        folder: of the images.
        suffix: of the files that an id does not have.
        others: further folders of images.
    """

    table: pd.DataFrame
    columns: Columns
    folder: ImageFolder
    suffix: str
    others: Sequence[ImageFolder] = ()

    @property
    def ids(self) -> "pd.Series[str]":
        """The image ids, in the order of the rows."""
        return self.table[self.columns.image]

    @property
    def listed(self) -> set[str]:
        """The ids of the files that exist."""
        return _ids_of(self.folder, self.suffix)

    @property
    def unlabelled(self) -> list[str]:
        """The ids of files without a row."""
        return sorted(self.listed - set(self.ids))

    @property
    def patients(self) -> "pd.Series[int]":
        """The number of patients by class, the fewest first."""
        names = self.columns
        labelled = self.table[self.table[names.label].isin(names.classes)]
        return labelled[names.patient].groupby(labelled[names.label]).nunique().sort_values()

    def choose_folds(self, usual: int) -> int:
        """As many folds as usual, or as the smallest class has patients."""
        return max(FEWEST_FOLDS, min(usual, int(self.patients.min())))


def examine(data: DataSet, folds: int) -> Iterator[Finding]:
    """Tell what does not fit.

    Args:
        data: the table, its meaning, and the images.
        folds: that are usually made.
    """
    yield from _examine_rows(data)
    yield from _examine_unlabelled(data)
    yield from _examine_rest(data)
    yield from _examine_ids(data)
    yield from _examine_patients(data, folds)


def _examine_rows(data: DataSet) -> Iterator[Finding]:
    missing = data.ids[~data.ids.isin(data.listed)]
    if missing.empty:
        yield Finding("Rows", Level.OK, f"all {len(data.table)} name an image in {data.folder.folder or '.'}")
        return
    said = f"{len(missing)} of {len(data.table)} name no image ({_examples(missing)})"
    yield Finding("Rows", Level.WRONG, said, _explain_missing(data, missing))


def _explain_missing(data: DataSet, missing: "pd.Series[str]") -> str:
    for other in data.others:
        found = missing.isin(_ids_of(other, data.suffix and other.suffix))
        if found.any():
            where = f"{other.folder or '.'} has {int(found.sum())} of them as *{other.suffix}"
            return f"{where}: keep all in one folder with one suffix, or choose with --images and --suffix."
    if missing.str.lstrip("0").isin({name.lstrip("0") for name in data.listed}).any():
        return "Zeros at the front were lost, as by a spreadsheet: write the ids as text."
    return "Add the images, delete those rows, or choose with --images, --suffix and --image-column."


def _examine_unlabelled(data: DataSet) -> Iterator[Finding]:
    if data.unlabelled:
        number = f"{len(data.unlabelled)} of {len(data.listed)}"
        remedy = "Add the rows; or leave those images alone (--unlabelled ignore)."
        yield Finding("Images", Level.WARNING, f"{number} have no row ({_examples(data.unlabelled)})", remedy)


def _examine_rest(data: DataSet) -> Iterator[Finding]:
    """Let the rules of the data processing judge all else."""
    try:
        selected = select_columns(data.table, data.columns)
        refuse_mistakes(selected, set(selected["image"]), data.columns)
    except UserError as mistake:
        yield Finding("Table", Level.WRONG, mistake.what, mistake.remedy)


def _examine_ids(data: DataSet) -> Iterator[Finding]:
    numbers = data.ids[data.ids.str.fullmatch(r"0\d+|\d+[eE]\d+")]
    if not numbers.empty:
        said = f"some look like numbers ({_examples(numbers)}); they are read as text"
        remedy = "Do not save the table with a spreadsheet, which would change them."
        yield Finding("Ids", Level.WARNING, said, remedy)


def _examine_patients(data: DataSet, folds: int) -> Iterator[Finding]:
    if data.columns.patient == data.columns.image:
        said = "each image counts as a patient of its own"
        remedy = "If some images belong together, name the column that says so with --patient-column."
        yield Finding("Patients", Level.WARNING, said, remedy)
    yield _judge_smallest(data, folds)


def _judge_smallest(data: DataSet, folds: int) -> Finding:
    count = int(data.patients.min())
    few = f"class {data.patients.index[0]!r} has {count} only"
    if count < FEWEST_FOLDS:
        said = f"{few}, and must be on both sides of a split"
        return Finding("Patients", Level.WRONG, said, "Add patients of that class, or choose other columns.")
    if count < folds:
        said = f"{few}: there will be {data.choose_folds(folds)} folds instead of {folds}"
        return Finding("Patients", Level.WARNING, said, MORE_PATIENTS)
    if count < FEW_PATIENTS:
        return Finding("Patients", Level.WARNING, f"{few}: its scores will say little", MORE_PATIENTS)
    return Finding("Patients", Level.OK, f"at least {count} of each class")


def _ids_of(folder: ImageFolder, suffix: str) -> set[str]:
    return {name.removesuffix(suffix) for name in folder.names}


def _examples(names: Iterable[str]) -> str:
    known = [repr(name) for name in names]
    more = f" and {len(known) - EXAMPLES} more" if len(known) > EXAMPLES else ""
    return ", ".join(known[:EXAMPLES]) + more
