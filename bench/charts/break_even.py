"""F4: from how much CPU a page on a process pool pays, for pages of three sizes."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.charts.exhibited import band, found_in
from bench.charts.style import COLOURS, MUTED, figure, number
from bench.exhibition import ExhibitResults
from bench.exhibits.exhibit import Found
from bench.exhibits.paying import WAYS, pays, speed_up

__all__ = ["draw"]

#: For each size of a page a colour and a mark.
LOOK = {
    "10 kB": (COLOURS["green"], "o"),
    "100 kB": (COLOURS["blue"], "s"),
    "1 MB": (COLOURS["vermilion"], "^"),
}
WORKERS = 2
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)


def draw(results: ExhibitResults) -> Figure:
    """Return the chart: a panel for each way to a worker, the speed-up over CPU ms a page."""
    found = found_in(results, "processes")
    drawn = figure(4.3)
    panels = drawn.subplots(1, len(WAYS), sharey=True)
    for axes, way in zip(panels, WAYS, strict=True):
        _panel(axes, found, way)
    panels[0].set_ylabel("times as fast as in one process")
    handles, labels = panels[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=len(LOOK))
    drawn.suptitle(
        f"A pool of {WORKERS} workers beside one process: above the dashed line it pays.\n"
        "Lines: medians; bands: all rounds; open marks: from where on it pays.",
        fontsize=9,
    )
    return drawn


def _panel(axes: Axes, found: Found, way: str) -> None:
    works: list[float] = []
    for size, (colour, mark) in LOOK.items():
        curve = found.curve(speed_up(size, way))
        if curve:
            works = [one.at or 0.0 for one in curve]
            band(axes, curve, colour, marker=mark, markersize=4, label=f"pages of {size}")
        if (name := pays(size, way)) in found:
            axes.plot(found[name].median, 1, marker=mark, markersize=9, color=colour, mfc="none")
    axes.set_title(f"Bodies {way}", loc="left")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.axhline(1, color=MUTED, linewidth=0.9, ls="--")
    axes.set_xlabel("CPU a page (ms)")
    axes.set_xticks(works, map(number, works))
    axes.set_xticks([], minor=True)
    axes.set_yticks(TICKS, map(number, TICKS))
    axes.set_yticks([], minor=True)
