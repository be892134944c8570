"""The measurements, each a function that gives rows of its table."""

import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from benchmarks.server import Server
from benchmarks.settings import LINKS
from benchmarks.whole_slides.drawn import draw_slides
from benchmarks.whole_slides.working import cut_all, wait_all
from mayo_kedro.datasets.dask_connection import SLIDES_AT_ONCE
from mayo_kedro.pipelines.slides.parameters import SlidesParameters, TileParameters
from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.revisions import forget_pins
from mayo_kedro.streaming.slides import Slide, list_slides

WHOLE = SlidesParameters()
TILES = SlidesParameters(cut="tiles", tiles=TileParameters(count=16, side=512))
LINK = LINKS["far"]
SPOOL_BYTES = 20 * 10**9


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        slides: how many.
        sides: their least and greatest side in pixels.
        large: how many nearly as heavy as the competition's (0.5 GB), and their side in pixels.
        giant: width and height of the one slide whose memory is measured; None leaves it out.
        repeats: of each pass over the slides.
        waiting: numbers of workers that only wait.
    """

    slides: int
    sides: tuple[int, int]
    large: tuple[int, int]
    giant: tuple[int, int] | None
    repeats: int
    waiting: tuple[int, ...]


FULL = Extent(40, (8_000, 20_000), (4, 42_000), (60_000, 40_000), 3, (1, 2, 4, 8, 16, 32))
TINY = Extent(3, (500, 900), (2, 1_000), None, 1, (1, 2))


@dataclass
class Session:
    """What the measurements share: the same slides here, and in a repository at the end of a line."""

    workspace: Path
    extent: Extent
    _drawn: dict[str, Path] = field(default_factory=dict)

    def draw(self, name: str = "many") -> Path:
        """A seed for the service: a folder `slides`, drawn on first use."""
        if name not in self._drawn:
            folder = self.workspace / name
            if name == "giant" and self.extent.giant:
                draw_giant(folder / "slides", *self.extent.giant)
            elif name == "large":
                count, side = self.extent.large
                draw_slides(folder / "slides", count, (side, side))
            else:
                draw_slides(folder / "slides", self.extent.slides, self.extent.sides)
            (folder / "pretrained_efficientnet").mkdir()
            (folder / "pretrained_efficientnet" / "none.h5").write_bytes(b"no weights")
            self._drawn[name] = folder
        return self._drawn[name]

    def here(self, name: str = "many") -> list[Slide]:
        """The slides on this disk."""
        return list_slides(LocalFileSystem(), str(self.draw(name) / "slides"), "*.tif", 0)

    @contextmanager
    def streamed(self, name: str = "many", *, ranges: bool = True) -> Iterator[list[Slide]]:
        """The slides in a repository, over the line, to an empty cache."""
        state = self.workspace / f"state-{name}"
        cache = tempfile.mkdtemp(dir=self.workspace)
        forget_pins()  # the service before had other commits, at the same address
        with start(state, seed=self.draw(name), ranges=ranges) as sandbox:
            os.environ.update(DAGSHUB_USER_TOKEN=sandbox.token, NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
            filesystem = DagsHubFileSystem(host=sandbox.host, token=sandbox.token, cache_folder=cache)
            folder = f"/{sandbox.owner}/{sandbox.name}@main/slides"
            slides = list_slides(filesystem, folder, "*.tif", SPOOL_BYTES)
            Server(sandbox).shape(LINK)
            yield slides
        shutil.rmtree(cache)


def draw_giant(folder: Path, width: int, height: int) -> None:
    """One slide of exactly this size."""
    import numpy as np  # noqa: PLC0415

    from mayo_kedro.sandbox.clot import draw_slide, draw_stain  # noqa: PLC0415
    from mayo_kedro.sandbox.slides import write_slide  # noqa: PLC0415

    folder.mkdir(parents=True)
    generator = np.random.default_rng(1)
    write_slide(folder / "giant.tif", draw_slide(generator, 0.5, draw_stain(generator)), width, height)


def measure_throughput(session: Session) -> list[dict[str, Any]]:
    """Local files and streamed ones, in turns, with one worker and with two."""
    return _measure_turns(session, "many", session.extent.repeats)


def measure_large(session: Session) -> list[dict[str, Any]]:
    """The same for slides as heavy as the competition's, once."""
    return _measure_turns(session, "large", 1)


def _measure_turns(session: Session, name: str, repeats: int) -> list[dict[str, Any]]:
    passes: dict[tuple[str, int], list[dict[str, Any]]] = {}
    with session.streamed(name) as streamed:
        for _ in range(repeats):
            for workers in (1, 2):
                for place, slides in (("local", session.here(name)), ("streamed", streamed)):
                    passes.setdefault((place, workers), []).append(cut_all(slides, WHOLE, workers))
        left = _measure_left(streamed)
    return [
        {"place": place, "workers": workers, "left_megabytes": left, **_middle(found)}
        for (place, workers), found in passes.items()
    ]


def _measure_left(slides: list[Slide]) -> float:
    """What streaming has left on the disk, in MB (10^6 bytes)."""
    cache = Path(slides[0].options["cache_folder"])
    return sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) / 1e6


def measure_memory(session: Session) -> list[dict[str, Any]]:
    """The largest worker at the largest slide."""
    if not session.extent.giant:
        return []
    width, height = session.extent.giant
    with session.streamed("giant") as slides:
        return [{"width": width, "height": height, **cut_all(slides, WHOLE, 1)}]


def measure_tiles(session: Session) -> list[dict[str, Any]]:
    """What 16 tiles of each slide cost, where parts can be had and where not."""
    rows = []
    for ranges in (True, False):
        with session.streamed(ranges=ranges) as slides:
            rows.append({"ranges": ranges, "cut": "tiles", **cut_all(slides, TILES, 2)})
            rows.append({"ranges": ranges, "cut": "whole", **cut_all(slides, WHOLE, 2)})
    return rows


WAITS = 15
"""One behind the other, a second each: the start of the workers counts as well, and slides take hours."""


def measure_waiting(session: Session) -> list[dict[str, Any]]:
    """Work that only waits, so that more workers than cores tell what the cluster itself costs."""
    return [
        {"workers": workers, **wait_all(WAITS * workers * SLIDES_AT_ONCE, 1.0, workers)}
        for workers in session.extent.waiting
    ]


MEASUREMENTS = {
    "throughput": measure_throughput,
    "large": measure_large,
    "memory": measure_memory,
    "tiles": measure_tiles,
    "waiting": measure_waiting,
}


def _middle(passes: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = [one["seconds"] for one in passes]
    middle = sorted(passes, key=lambda one: one["seconds"])[len(passes) // 2]
    peak = max(one["peak_megabytes"] for one in passes)
    return {**middle, "peak_megabytes": peak, "spread": max(seconds) / statistics.median(seconds)}
