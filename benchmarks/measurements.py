"""The measurements, each a function that yields records as they are made."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.clone import make_clone
from benchmarks.repositories import Made
from benchmarks.session import Attempt, Session
from benchmarks.settings import BATCH_SIZE, LINKS, SHARD_MEGABYTES, STEP_SECONDS, Extent
from benchmarks.task import file_id
from benchmarks.turns import Record
from benchmarks.ways import WAYS
from mayo_kedro.datasets import ImageShardsDataset
from mayo_kedro.pipelines.slides.packing import divide


@dataclass(frozen=True)
class Plan:
    """What to measure: the names of links, loads and ways, and how much of each."""

    links: Sequence[str]
    loads: Sequence[str]
    ways: Sequence[str]
    extent: Extent


def download(session: Session, plan: Plan) -> Iterator[Record]:
    """Bytes to files on disk, in every way."""
    loads = {name: plan.extent.loads[name] for name in plan.loads}
    made = {
        name: session.repositories.make(name, session.repositories.add_random(load))
        for name, load in loads.items()
    }
    for link_name in plan.links:
        link = LINKS[link_name]
        for name, load in loads.items():
            limit = link.seconds_for(load.size)
            setting = {
                "link": link_name,
                "load": name,
                "files": load.files,
                "size": load.size,
                "limit_seconds": limit,
            }
            attempts = {way: _attempt_download(way, made[name]) for way in plan.ways}
            yield from session.compare(attempts, link, setting, limit)


def _attempt_download(name: str, made: Made) -> Attempt:
    way = WAYS[name]
    arranged: dict[str, Any] = {"arrange": make_clone} if way.needs_clone else {}
    return Attempt(way.module, made, way.options, every_file=True, **arranged)


def shards(session: Session, plan: Plan) -> Iterator[Record]:
    """The small files alone, and packed into shards: bytes to verified files on disk."""
    load = plan.extent.loads["small"]
    files = session.repositories.make("alone", session.repositories.add_random(load))
    attempts = {"files": Attempt("ways.ours", files, {}, every_file=True)}
    for megabytes in SHARD_MEGABYTES:
        attempts[f"shards of {megabytes} MB"] = _pack(session, files, megabytes)
    for link_name in plan.links:
        limit = LINKS[link_name].seconds_for(load.size)
        setting = {"link": link_name, "files": load.files, "size": load.size, "limit_seconds": limit}
        yield from session.compare(attempts, LINKS[link_name], setting, limit)


def _pack(session: Session, made: Made, megabytes: float) -> Attempt:
    folder = session.folder / f"shards-{megabytes}"
    images = Path(_lay_out(made, folder / "images"))
    dataset = ImageShardsDataset(
        images=str(images), folder=str(folder / "shards"), record=str(folder / "shards.csv")
    )
    sizes = {path.name: path.stat().st_size for path in images.iterdir()}
    dataset.save(list(divide(sizes, megabytes * 10**6)))
    packed = session.repositories.make_packed(
        f"packed-{megabytes}", made.contents, (folder / "shards").iterdir()
    )
    return Attempt("ways.shards", packed, {"table": str(folder / "shards.csv")}, every_file=True)


def first_batch(session: Session, plan: Plan) -> Iterator[Record]:
    """The first 16 images decoded, from folders that differ in their number of files only."""
    contents = session.repositories.add_images(plan.extent.images)
    shortest = session.repositories.make("all-images", contents)
    local = _attempt_pipeline(
        "first_batch", "local", shortest, local=_lay_out(shortest, session.folder / "local")
    )
    for rows in plan.extent.tables:
        made = session.repositories.make(f"table-{rows}", contents, rows)
        ways = {way: _attempt_pipeline("first_batch", way, made) for way in ("ours", "stock")}
        for link_name in plan.links:
            size = BATCH_SIZE * contents.size // len(contents.files)
            setting = {"link": link_name, "rows": rows, "size": size}
            yield from session.compare({**ways, "local": local}, LINKS[link_name], setting)


def training(session: Session, plan: Plan) -> Iterator[Record]:
    """Two epochs: with a step that takes no time, then with one that takes as long as an accelerator's."""
    contents = session.repositories.add_images(plan.extent.images)
    made = session.repositories.make("training", contents)
    local = _lay_out(made, session.folder / "local")
    for step in (0.0, STEP_SECONDS):
        for link_name in plan.links:
            setting = {"link": link_name, "step_seconds": step, "size": contents.size}
            attempts = {
                "ours": _attempt_pipeline("training", "ours", made, step_seconds=step),
                "local": _attempt_pipeline("training", "local", made, step_seconds=step, local=local),
            }
            yield from session.compare(attempts, LINKS[link_name], setting)


def growth(session: Session, plan: Plan) -> Iterator[Record]:
    """What a file costs in folders of more and more files."""
    contents = session.repositories.add_small(plan.extent.fetched)
    link_name = plan.links[0]
    for rows in plan.extent.growth:
        made = session.repositories.make(f"growth-{rows}", contents, rows)
        attempt = Attempt("growth", made, {"fetched": plan.extent.fetched})
        setting = {"link": link_name, "rows": rows, "size": contents.size}
        yield from session.compare({"ours": attempt}, LINKS[link_name], setting)


MEASUREMENTS: dict[str, Callable[[Session, Plan], Iterator[Record]]] = {
    "download": download,
    "shards": shards,
    "first-batch": first_batch,
    "training": training,
    "growth": growth,
}


def _attempt_pipeline(module: str, way: str, made: Made, **options: Any) -> Attempt:
    return Attempt(module, made, {"pipeline": f"benchmarks.pipelines.{way}", **options})


def _lay_out(made: Made, folder: Path) -> str:
    """Give the service's own files the names that they have in the repository, for the local pipeline."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in range(made.rows):
        os.link(made.contents.path(row), folder / f"{file_id(row)}{made.contents.suffix}")
    return str(folder)
