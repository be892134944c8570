"""The results as Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.goals import Goal, link_rate, rate
from benchmarks.results import Results, Spread, name_load
from benchmarks.settings import LINKS
from benchmarks.ways import WAYS

PIPELINES = {"ours": "mayo-kedro", "stock": "dagshub client in a generator", "local": "local files"}


def describe_machines(machines: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Where each measurement was made; those made at the same place in one line."""
    described: dict[str, list[str]] = {}
    for name, machine in machines.items():
        load = f"{name} (load before: {machine['load_before']:.1f})"
        described.setdefault(_describe_machine(machine), []).append(load)
    for description, names in described.items():
        yield f"- {', '.join(names)}: {description}"


def _describe_machine(machine: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{package} {number}" for package, number in machine["versions"].items())
    cores = f"{machine['cores']} cores of {machine['processor']}, shared by the clients and the server"
    system = f"{machine['system']}, Python {machine['python']}; files on {machine['workspace']}"
    return f"project at {machine['project']}; {cores}; {system}; {versions}"


def tabulate_goals(goals: Iterable[Goal]) -> Iterator[str]:
    """Goals beside what was measured."""
    rows = (
        (
            one.what,
            f"{one.measured:.3g}",
            f"{'≥' if one.at_least else '≤'} {one.wanted:.3g}",
            "yes" if one.met else "**no**",
        )
        for one in goals
    )
    yield from tabulate(("goal", "measured", "wanted", "met"), rows)


DOWNLOAD_HEADER = (
    "way",
    "seconds",
    "times the limit",
    "process, s",
    "CPU-s/GB",
    "peak MB (imports)",
    "requests",
    "connections",
    "service's CPU",
    "runs",
)


def tabulate_download(results: Results) -> Iterator[str]:
    """One table for each link and load."""
    for link in results.distinct("link"):
        for load in results.where(link=link).distinct("load"):
            found = results.where(link=link, load=load)
            limit = found.median("limit_seconds")
            yield f"\n### {LINKS[link]}: {name_load(found)}\n\nPhysical limit: {limit:.3f} s.\n"
            ways = found.distinct("way")
            rows = (_download_row(WAYS[way].label, found.where(way=way)) for way in ways)
            yield from tabulate(DOWNLOAD_HEADER, rows)


def tabulate_shards(results: Results) -> Iterator[str]:
    """One table for each link."""
    for link in results.distinct("link"):
        found = results.where(link=link)
        limit = found.median("limit_seconds")
        yield f"\n### {LINKS[link]}: {name_load(found)}\n\nPhysical limit: {limit:.3f} s.\n"
        rows = (_download_row(way, found.where(way=way)) for way in found.distinct("way"))
        yield from tabulate(DOWNLOAD_HEADER, rows)


def _download_row(label: str, found: Results) -> tuple[str, ...]:
    seconds = found.spread("seconds")
    if seconds is None:
        return (label, _given_up(found), *[""] * 7, "1")
    limit, size = found.median("limit_seconds"), found.median("size")
    return (
        label,
        _show(seconds),
        f"{seconds.median / limit:.2f}",
        f"{found.median('process_seconds'):.2f}",
        f"{found.median('cpu_seconds') / size * 1e9:.1f}",
        f"{found.median('peak_megabytes'):.0f} ({found.median('idle_megabytes'):.0f})",
        f"{found.median('requests'):.0f}",
        f"{found.median('connections'):.0f}",
        f"{found.median('server_share'):.0%}",
        str(seconds.count),
    )


def tabulate_first_batch(results: Results) -> Iterator[str]:
    """One table of all links and folders."""
    header = ("link", "rows", "way", "seconds", "requests", "peak MB (imports)", "service's CPU", "runs")
    yield from tabulate(header, _first_batch_rows(results))


def _first_batch_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for link in results.distinct("link"):
        for rows in results.where(link=link).distinct("rows"):
            for way in results.where(link=link, rows=rows).distinct("way"):
                found = results.where(link=link, rows=rows, way=way)
                start = (str(LINKS[link]), f"{rows:,}", PIPELINES[way])
                seconds = found.spread("seconds")
                if seconds is None:
                    yield (*start, _given_up(found), *[""] * 3, "1")
                    continue
                memory = f"{found.median('peak_megabytes'):.0f} ({found.median('idle_megabytes'):.0f})"
                requests = f"{found.median('requests'):.0f}"
                yield (
                    *start,
                    _show(seconds),
                    requests,
                    memory,
                    f"{found.median('server_share'):.0%}",
                    str(seconds.count),
                )


def tabulate_training(results: Results) -> Iterator[str]:
    """One table of all links and steps."""
    header = (
        "link",
        "step",
        "way",
        "epoch 1: images/s",
        "link carries",
        "first batch, s",
        "AU",
        "epoch 2: images/s",
        "AU",
        "runs",
    )
    yield from tabulate(header, _training_rows(results))


def _training_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for step in results.distinct("step_seconds"):
        for link in results.where(step_seconds=step).distinct("link"):
            for way in results.where(step_seconds=step, link=link).distinct("way"):
                found = results.where(step_seconds=step, link=link, way=way)
                start = (str(LINKS[link]), f"{step * 1000:g} ms" if step else "none", PIPELINES[way])
                seconds = found.spread("seconds")
                if seconds is None:
                    yield (*start, _given_up(found), *[""] * 5, "1")
                    continue
                use = [
                    f"{found.median('epochs', epoch, 'utilisation'):.3f}" if step else "" for epoch in (0, 1)
                ]
                wait = f"{found.median('epochs', 0, 'first_wait_seconds'):.2f}"
                carried = f"{link_rate(found, link):.0f}" if way == "ours" else ""
                rates = [f"{rate(found, epoch):.0f}" for epoch in (0, 1)]
                yield (*start, rates[0], carried, wait, use[0], rates[1], use[1], str(seconds.count))


def tabulate_growth(results: Results) -> Iterator[str]:
    """One row for each number of files."""
    header = (
        "files",
        "first, s",
        "fetched",
        "CPU ms a fetched file",
        "all from the cache, s",
        "CPU µs a cached file",
        "peak MB (imports)",
        "runs",
    )
    yield from tabulate(
        header, (_growth_row(results.where(rows=rows), rows) for rows in results.distinct("rows"))
    )


def _growth_row(found: Results, rows: int) -> tuple[str, ...]:
    seconds = found.spread("seconds")
    if seconds is None:
        return (f"{rows:,}", _given_up(found), *[""] * 5, "1")
    fetched = found.median("fetching", "files")
    return (
        f"{rows:,}",
        f"{found.median('fetching', 'first_seconds'):.3f}",
        f"{fetched:,.0f}",
        f"{found.median('fetching', 'cpu_seconds') / fetched * 1e3:.2f}",
        f"{found.median('cached', 'seconds'):.2f}",
        f"{found.median('cached', 'cpu_seconds') / rows * 1e6:.0f}",
        f"{found.median('peak_megabytes'):.0f} ({found.median('idle_megabytes'):.0f})",
        str(seconds.count),
    )


def tabulate(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Make a table of cells."""
    yield _line(header)
    yield _line(["---"] * len(header))
    yield from map(_line, rows)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _show(seconds: Spread) -> str:
    if seconds.count == 1:
        return f"{seconds.median:.2f}"
    return f"{seconds.median:.2f} ({seconds.least:.2f} to {seconds.most:.2f})"


def _given_up(found: Results) -> str:
    given_up = found.spread("given_up_seconds")
    return f"given up after {given_up.median:.0f}" if given_up else "failed"


SECTIONS = {
    "download": ("Bytes to files on disk", tabulate_download),
    "shards": ("Small files in shards", tabulate_shards),
    "first-batch": ("The first batch", tabulate_first_batch),
    "training": ("Two epochs", tabulate_training),
    "growth": ("As the number of files grows", tabulate_growth),
}
"""The title of each measurement, and what makes its tables."""
