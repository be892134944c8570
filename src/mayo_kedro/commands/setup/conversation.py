"""The course of `kedro init`: look, ask, tell what does not fit, show, write."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import click

from mayo_kedro.commands.checks.dataset import describe_sample
from mayo_kedro.commands.checks.finding import Finding, Level
from mayo_kedro.commands.checks.showing import show
from mayo_kedro.commands.setup.compose import Choice, check_environment, compose, read_base
from mayo_kedro.commands.setup.data_questions import ROOT, choose_columns, choose_source, choose_weights
from mayo_kedro.commands.setup.files import SettingsFile
from mayo_kedro.commands.setup.fit import DataSet, examine
from mayo_kedro.commands.setup.holdings import Holdings, look_through
from mayo_kedro.commands.setup.place import Place
from mayo_kedro.commands.setup.questions import Asker
from mayo_kedro.commands.setup.repository_questions import find_place
from mayo_kedro.commands.setup.showing import show_holdings
from mayo_kedro.errors import UserError

LOCAL = "local"
PARTS = ("data_processing", "modelling")


def converse(asker: Asker, source: Path, environment: str, force: bool, given: Mapping[str, Any]) -> None:
    """Set up an environment.

    Args:
        asker: finds what is not given.
        source: the folder of the configuration.
        environment: its folder there, which may not exist.
        force: whether settings that are there are overwritten without a question.
        given: answers from the options.

    Raises:
        UserError: something is missing, wrong, or does not fit.
    """
    check_environment(environment)
    names = ("folder", "repository", "host", "branch")
    place = find_place(asker, **{name: given[name] for name in names})
    choice = _choose(asker, place, source, {name.replace("_", "-"): value for name, value in given.items()})
    files = compose(source, environment, choice)
    _show_files(files)
    _write(asker, files, force)
    _show_next(given["folder"], environment)


def _choose(asker: Asker, place: Place, source: Path, given: Mapping[str, Any]) -> Choice:
    click.echo(f"\nLooking through {place.told}.")
    named = [str(PurePosixPath(given["table"] or "").parent), given["images"] or ""]
    found = look_through(place, [folder for folder in named if folder not in ("", ROOT)])
    show_holdings(found)
    if not found.is_complete:
        click.echo("There are more folders: name what is not shown with --table and --images.")
    chosen = choose_source(asker, place, found, given)
    data = choose_columns(asker, chosen, found.images, given)
    parameters = {name: read_base(source, f"parameters_{name}.yml")[name] for name in PARTS}
    _tell(asker, place, data, parameters["data_processing"]["split"]["folds"])
    return Choice(
        place,
        chosen.path,
        data,
        _choose_weights(asker, found, parameters["modelling"]["weights"], given),
        _choose_unlabelled(asker, data, given["unlabelled"]),
    )


def _tell(asker: Asker, place: Place, data: DataSet, folds: int) -> None:
    findings = [*examine(data, folds), *_look_at_images(place, data)]
    for finding in findings:
        show(finding)
    wrong = [finding for finding in findings if finding.level is Level.WRONG]
    if wrong and not (asker.asks and click.confirm("A run would end with that. Go on all the same?")):
        raise UserError(
            f"Nothing was written, for a run would fail: {wrong[0].said.rstrip('.')}.", wrong[0].remedy
        )


def _look_at_images(place: Place, data: DataSet) -> Iterator[Finding]:
    present = [name for name in data.ids if name in data.listed]
    if not present:
        return
    images = place.images(data.folder.folder, data.suffix, present)
    try:
        said = describe_sample(images)
    except UserError as mistake:
        yield Finding("Pictures", Level.WRONG, mistake.what, mistake.remedy)
    else:
        yield Finding("Pictures", Level.OK, said)


def _choose_weights(asker: Asker, found: Holdings, usual: str | None, given: Mapping[str, Any]) -> str | None:
    # The stand-in adds the usual ones to a folder that has none.
    if given["folder"] and not given["weights"]:
        return ""
    return choose_weights(asker, found, usual, given["weights"])


def _choose_unlabelled(asker: Asker, data: DataSet, given: str | None) -> bool:
    if given:
        return given == "ignore"
    question = "Leave the images without a row alone?"
    return bool(data.unlabelled) and asker.confirm("--unlabelled", question, guess=True)


def _show_files(files: list[SettingsFile]) -> None:
    for file in files:
        click.echo(f"\n{file.path}{' (there is one already)' if file.replaces else ''}:\n")
        click.echo("".join(f"    {line}".rstrip() + "\n" for line in file.text.splitlines()))


def _write(asker: Asker, files: list[SettingsFile], force: bool) -> None:
    replaced = [file.path for file in files if file.replaces]
    if replaced and not force:
        question = "Overwrite what is there? Other settings in it stay, its comments do not."
        if not asker.confirm("--force", question, guess=False):
            names = " and ".join(map(str, replaced))
            raise UserError(
                f"Nothing was written: {names} is there already.", "Say --force, or choose another --env."
            )
    elif asker.asks:
        click.confirm("Write this?", default=True, abort=True)
    for file in files:
        file.write()
        click.echo(f"Written: {file.path}")


def _show_next(folder: Path | None, environment: str) -> None:
    serve = "" if folder is None else f"python -m mayo_kedro.sandbox --seed {shlex.quote(str(folder))} -- "
    env = "" if environment == LOCAL else f" --env {environment}"
    why = "Until the folder is in a repository, the stand-in for DagsHub serves it" if serve else "Next"
    click.echo(f"\n{why}:\n    {serve}kedro doctor{env}\n    {serve}kedro run{env}")
    if environment == LOCAL:
        click.echo(
            "\nAnother environment does not read conf/local: for Azure ML do the same with --env azure."
        )
