"""Nodes of the slides: cut each, pack, tabulate, label, publish."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.slides.cutting import CutSlide, cut_slide, describe_problem, join_key, make_key
from mayo_kedro.pipelines.slides.interfaces import Finished, Slide, Workers
from mayo_kedro.pipelines.slides.packing import SHARD_COLUMNS, divide, locate_images
from mayo_kedro.pipelines.slides.parameters import SlidesParameters

logger = logging.getLogger(__name__)

COLUMNS = ["image_id", "slide", "source", "commit", "hash", "factor", "x", "y", "tissue_share"]
COLUMNS += ["slide_tissue_share", "background", "settings", "seconds", "bytes_fetched", "problem"]
COLUMNS += SHARD_COLUMNS
NAMED = 5
NOT_REACHED = "it was not reached: too many others had a problem"


@dataclass(frozen=True)
class Publication:
    """What goes to the repository.

    Attributes:
        message: of the commit.
        left_out: names of images that are not sent as files, as they lie in shards.
    """

    message: str
    left_out: frozenset[str]


def cut_slides(
    slides: Sequence[Slide],
    finished: Sequence[Finished],
    published: pd.DataFrame,
    workers: Workers,
    parameters: SlidesParameters,
) -> Iterator[CutSlide]:
    """Cut the slides that are new, changed or had a problem, the largest first.

    A generator: the catalog saves each slide as it comes, so that whatever ends the run loses only the
    slides in hand.

    Args:
        slides: all that are listed.
        finished: what earlier runs have made here.
        published: the table of what lies in the repository, all text; it may be empty.
        workers: who does it.
        parameters: how they are cut, and where.

    Yields:
        What became of each; slides that are no longer listed, or that somebody else has finished since they
        were done here with other settings, come without rows.
    """
    here, there = {one.slide: one.key for one in finished}, _find_keys(published)
    wanted = {slide.name: make_key(slide, parameters) for slide in slides}
    for name, key in sorted(here.items()):
        if name not in wanted or there.get(name) == wanted[name] != key:
            yield CutSlide(name, "")
    waiting = [slide for slide in slides if wanted[slide.name] not in _known(slide.name, here, there)]
    if len(waiting) < len(slides):
        logger.info("%d of %d slides are finished.", len(slides) - len(waiting), len(slides))
    waiting.sort(key=lambda slide: (-slide.size, slide.name))
    yield from _cut(waiting, workers, parameters, most_bad=parameters.bad_share * len(slides))


def _find_keys(published: pd.DataFrame) -> dict[str, str]:
    rows = published.reindex(columns=COLUMNS, fill_value="")
    good = rows[rows["problem"] == ""]
    return dict(zip(good["slide"], map(join_key, good["hash"], good["settings"]), strict=True))


def _known(name: str, *places: Mapping[str, str]) -> set[str]:
    return {place[name] for place in places if name in place}


def _cut(
    waiting: list[Slide], workers: Workers, parameters: SlidesParameters, most_bad: float
) -> Iterator[CutSlide]:
    left = {slide.name: slide for slide in waiting}
    bad = 0
    cluster = parameters.cluster
    results = workers.run(
        partial(cut_slide, parameters=parameters),
        waiting,
        scheduler=cluster.scheduler,
        workers=cluster.workers,
    )
    for slide, result in results:
        cut = describe_problem(slide, result) if isinstance(result, str) else result
        del left[slide.name]
        yield cut
        if not cut.key:
            logger.warning("Slide %s: %s.", slide.name, cut.rows[0]["problem"])
            bad += 1
        if bad > most_bad:
            yield from (describe_problem(slide, NOT_REACHED) for slide in left.values())
            return


def plan_shards(
    finished: Sequence[Finished], published: pd.DataFrame, parameters: SlidesParameters
) -> list[list[str]]:
    """Decide which images are packed together.

    Args:
        finished: the slides that were done here, in whichever run.
        published: the table of what lies in the repository, all text; it may be empty.
        parameters: the size of a shard.

    Returns:
        For each shard the names of its images: all that are finished here, but those that lie in a shard of
        the repository. None at all where images are not packed.
    """
    if parameters.shard_megabytes is None:
        return []
    rows = published.reindex(columns=COLUMNS, fill_value="")
    packed = _find_keys(rows[rows["shard"] != ""])
    waiting = [one for one in finished if one.key and packed.get(one.slide) != one.key]
    sizes = {name: size for one in waiting for name, size in one.sizes.items()}
    return list(divide(sizes, parameters.shard_megabytes * 10**6))


def tabulate_slides(
    finished: Sequence[Finished], published: pd.DataFrame, slides: Sequence[Slide], packed: pd.DataFrame
) -> pd.DataFrame:
    """Bring the rows of all slides into one table.

    Args:
        finished: the slides that were done here, in whichever run.
        published: the table of what lies in the repository, all text; it may be empty.
        slides: all that are listed.
        packed: of the images that were packed in this run, `image_id` and the place; it may be empty.

    Returns:
        One row for each image, and one for each slide that gave none, by name. Of a slide that was done
        elsewhere only, the published rows.
    """
    rows: list[Mapping[Any, Any]] = [row for one in finished for row in one.rows]
    elsewhere = {slide.name for slide in slides} - {one.slide for one in finished}
    table = published.reindex(columns=COLUMNS, fill_value="")
    rows += table[table["slide"].isin(elsewhere)].to_dict("records")
    images = pd.DataFrame(rows, columns=COLUMNS).sort_values(["slide", "image_id"], ignore_index=True)
    return locate_images(images, packed, table)


def label_images(table: pd.DataFrame, slide_labels: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Give each image the labels of its slide, so that it can be trained on.

    Args:
        table: from `tabulate_slides`.
        slide_labels: the label table of the slides, all text: one row for each; it may be empty.
        columns: what it calls its columns.

    Returns:
        The columns of `slide_labels`, one row for each image whose slide has one: its id in the place of
        the slide's, and patient, label and all else of the slide. Where images lie in shards, their places.

    Raises:
        UserError: the label table has no column for the ids, or a slide twice.
    """
    images = table[table["problem"] == ""]
    if slide_labels.empty:
        logger.warning("There is no label table of the slides: their images have no labels.")
        return pd.DataFrame(columns=[columns.image])
    by_slide = _index_by_slide(slide_labels, columns)
    labelled = images[images["slide"].isin(by_slide.index)]
    if len(labelled) < len(images):
        unlabelled = images["slide"].nunique() - labelled["slide"].nunique()
        logger.warning("%d slides have no row in their label table: their images get none.", unlabelled)
    rows = by_slide.loc[labelled["slide"]].reset_index(drop=True)
    rows.insert(0, columns.image, labelled["image_id"].to_numpy())
    rows = rows[list(slide_labels.columns)]
    if (labelled["shard"] == "").all():
        return rows
    return rows.assign(**{name: labelled[name].to_numpy() for name in SHARD_COLUMNS})


def _index_by_slide(slide_labels: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    if columns.image not in slide_labels:
        names = ", ".join(map(str, slide_labels.columns))
        raise UserError(
            f"The label table of the slides has no column {columns.image!r}; it has {names}.",
            "Set columns.image in globals.yml of conf/base or conf/ENV, or slide_labels in "
            "conf/base/catalog_slides.yml.",
        )
    twice = slide_labels[columns.image][slide_labels[columns.image].duplicated()]
    if not twice.empty:
        raise UserError(
            f"The label table of the slides has {twice.iloc[0]!r} more than once.", "Keep one row a slide."
        )
    return slide_labels.set_index(columns.image)


def describe_slides(
    table: pd.DataFrame, labelled: pd.DataFrame, finished: Sequence[Finished], parameters: SlidesParameters
) -> Publication:
    """Refuse too many bad slides; else say what goes to the repository.

    Args:
        table: from `tabulate_slides`.
        labelled: from `label_images`; goes there too.
        finished: the slides that were done here, in whichever run.
        parameters: the share that may be bad.

    Returns:
        The commit message, and what is not sent.

    Raises:
        UserError: more slides have a problem than may.
    """
    slides = table["slide"].nunique()
    bad = table[table["problem"] != ""]
    if len(bad) > parameters.bad_share * slides:
        first = "; ".join(f"{row.slide}: {row.problem}" for row in bad.head(NAMED).itertuples())
        raise UserError(
            f"{len(bad)} of {slides} slides have a problem, and slides.bad_share allows "
            f"{parameters.bad_share:.0%}. {first}{'; …' if len(bad) > NAMED else ''}.",
            "data/03_primary/slides.csv names all of them. Mend them, or raise slides.bad_share in "
            "conf/base/parameters_slides.yml, and run again: what is finished is not done again.",
        )
    cut = f"Cut {len(table) - len(bad)} images from {slides - len(bad)} slides"
    packed = set(table["image_id"][table["shard"] != ""])
    left_out = {name for one in finished for name in one.sizes if PurePosixPath(name).stem in packed}
    return Publication(f"{cut}, {len(labelled)} of them labelled", frozenset(left_out))
