"""One figure: how many times the physical limit each way takes."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import Results, name_load
from benchmarks.settings import LINKS
from benchmarks.ways import WAYS

COLOURS = {"large": "#8a8a8a", "medium": "#1f6f8b", "small": "#d1495b"}
FAINT = "#dddddd"
TIMES = "\N{MULTIPLICATION SIGN}"
SIZE_INCHES = (8.0, 4.2)
PIXELS_PER_INCH = 200
ROOM_FOR_NUMBERS = 5


def draw_ratios(results: Results, path: Path) -> None:
    """Draw a panel for each link, a row for each way, a dot for each load.

    Args:
        results: of the downloads.
        path: of the PNG.
    """
    links, ways = results.distinct("link"), results.distinct("way")
    figure = Figure(figsize=SIZE_INCHES, dpi=PIXELS_PER_INCH)
    panels = figure.subplots(1, len(links), sharex=True, sharey=True, squeeze=False)[0]
    for panel, link in zip(panels, links, strict=True):
        _draw_panel(panel, results.where(link=link), ways)
        panel.set_title(str(LINKS[link]), fontsize=10)
    panels[0].set_yticks(range(len(ways)), [WAYS[way].label for way in ways], fontsize=9)
    least, most = panels[0].get_xlim()
    panels[0].set_xlim(least, most * ROOM_FOR_NUMBERS)
    panels[0].set_ylim(len(ways) - 0.5, -0.5)
    panels[0].get_yticklabels()[0].set_fontweight("bold")
    figure.subplots_adjust(left=0.29, right=0.98, bottom=0.13, top=0.76, wspace=0.08)
    _write_words(figure, {load: name_load(results.where(load=load)) for load in results.distinct("load")})
    figure.savefig(path)


def _draw_panel(panel: Axes, results: Results, ways: list[str]) -> None:
    panel.set_xscale("log")
    panel.axvline(1, color="black", linewidth=1)
    for row, way in enumerate(ways):
        found = results.where(way=way)
        measured = [load for load in found.distinct("load") if found.where(load=load).spread("seconds")]
        ratios = {load: _ratio(found.where(load=load)) for load in measured}
        if not ratios:
            continue
        panel.plot(
            [min(ratios.values()), max(ratios.values())], [row, row], color=FAINT, linewidth=2, zorder=1
        )
        for load, ratio in ratios.items():
            panel.scatter(ratio, row, s=42, color=COLOURS[load], edgecolor="white", linewidth=0.6, zorder=2)
        worst = max(ratios.values())
        number = f"{worst:,.{0 if worst >= 10 else 1}f}{TIMES}"
        panel.annotate(number, (worst, row), (6, -3), textcoords="offset points", fontsize=8)
    panel.tick_params(axis="y", length=0)
    panel.tick_params(axis="x", labelsize=8)
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:,g}{TIMES}")
    panel.spines[["top", "right", "left"]].set_visible(False)


def _ratio(found: Results) -> float:
    return found.median("seconds") / found.median("limit_seconds")


def _write_words(figure: Figure, loads: dict[str, str]) -> None:
    title = "Time to bring all files here, in multiples of what the link allows"
    figure.text(0.02, 0.94, title, fontsize=12, fontweight="bold")
    for position, (load, name) in enumerate(loads.items()):
        figure.text(0.29 + 0.235 * position, 0.87, f"● {name}", fontsize=9, color=COLOURS[load])
    explanation = (
        f"1{TIMES} = bytes over bandwidth + two round trips; logarithmic; the number is the rightmost dot's"
    )
    figure.text(0.98, 0.02, explanation, fontsize=8, ha="right", color="#555555")
