"""Nodes of the slides: cut each, tabulate, publish."""

import logging
from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.slides.cutting import CutSlide, cut_slide, describe_problem, make_key
from mayo_kedro.pipelines.slides.interfaces import Finished, Slide, Workers
from mayo_kedro.pipelines.slides.parameters import SlidesParameters

logger = logging.getLogger(__name__)

COLUMNS = ["image_id", "slide", "source", "commit", "hash", "factor", "x", "y", "tissue_share"]
COLUMNS += ["slide_tissue_share", "background", "seconds", "bytes_fetched", "problem"]
NAMED = 5


def cut_slides(
    slides: Sequence[Slide], finished: Sequence[Finished], workers: Workers, parameters: SlidesParameters
) -> Iterator[CutSlide]:
    """Cut the slides that are new, changed or had a problem, the largest first.

    A generator: the catalog saves each slide as it comes, so that whatever ends the run loses only the
    slides in hand.

    Args:
        slides: all that are listed.
        finished: what earlier runs have made.
        workers: who does it.
        parameters: how they are cut, and where.

    Yields:
        What became of each; slides that are no longer listed come without rows.
    """
    done = {one.slide: one.key for one in finished}
    for gone in sorted(done.keys() - {slide.name for slide in slides}):
        yield CutSlide(gone, "")
    waiting = [slide for slide in slides if done.get(slide.name) != make_key(slide, parameters)]
    if len(waiting) < len(slides):
        logger.info("%d of %d slides are finished.", len(slides) - len(waiting), len(slides))
    waiting.sort(key=lambda slide: (-slide.size, slide.name))
    if waiting:
        yield from _cut(waiting, workers, parameters, most_bad=parameters.bad_share * len(slides))


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
            break
    for slide in left.values():
        yield describe_problem(slide, "it was not reached: too many others had a problem")


def tabulate_slides(finished: Sequence[Finished]) -> pd.DataFrame:
    """Bring the rows of all slides into one table.

    Args:
        finished: every slide, from whichever run.

    Returns:
        One row for each image, and one for each slide that gave none, by name.
    """
    table = pd.DataFrame([row for one in finished for row in one.rows], columns=COLUMNS)
    return table.sort_values(["slide", "image_id"], ignore_index=True)


def describe_slides(table: pd.DataFrame, parameters: SlidesParameters) -> str:
    """Refuse too many bad slides; else say what goes to the repository.

    Args:
        table: from `tabulate_slides`.
        parameters: the share that may be bad.

    Returns:
        A commit message.

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
    return f"Cut {len(table) - len(bad)} images from {slides - len(bad)} slides"
