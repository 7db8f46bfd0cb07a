"""F2: how late a thread goes on after a wait, and how slow a crawl is, beside busy threads."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.charts.exhibited import band, found_in
from bench.charts.style import COLOURS, MUTED, figure, number
from bench.exhibition import ExhibitResults
from bench.exhibits.exhibit import Found

__all__ = ["draw"]

#: For each number of busy threads a colour and a mark, and what it is called.
LOOK = {
    0: (COLOURS["blue"], "o", "alone"),
    1: (COLOURS["orange"], "s", "beside 1 that computes"),
    2: (COLOURS["vermilion"], "^", "beside 2 that compute"),
}
RATE = "pages/s"
DEFAULT = 5.0  # ms: the switch interval, unless somebody sets it


def draw(results: ExhibitResults) -> Figure:
    """Return the chart: both panels over the switch interval in milliseconds, all axes log."""
    found = found_in(results, "convoy")
    drawn = figure(4.3)
    late, rate = drawn.subplots(1, 2)
    for busy, (colour, mark, label) in LOOK.items():
        line = {"marker": mark, "markersize": 4}
        if curve := found.curve(f"late after a wait, p50, {busy} busy"):
            band(late, curve, colour, label=label, **line)
        if curve := found.curve(f"late after a wait, p99, {busy} busy"):
            places, middles = [one.at for one in curve], [one.median for one in curve]
            late.plot(places, middles, color=colour, ls=":", **line)
        if curve := found.curve(f"{RATE}, {busy} busy"):
            band(rate, curve, colour, **line)
    intervals = _intervals(found)
    late.plot(intervals, intervals, color=MUTED, linewidth=0.8, ls="--")
    _axes(late, "A thread after a wait of 1 ms", "late (ms)", intervals)
    _axes(rate, "A crawl in threads", "pages/s", intervals)
    drawn.legend(loc="outside lower center", ncols=len(LOOK))
    drawn.suptitle(
        "After each wait a thread has to win the GIL back. Lines: medians; bands: all rounds.\n"
        "Solid: p50; dotted: p99; dashed: as late as the switch interval is long.",
        fontsize=9,
    )
    return drawn


def _intervals(found: Found) -> list[float]:
    return [one.at or 0.0 for one in found.curve(f"{RATE}, 0 busy")]


def _axes(axes: Axes, title: str, label: str, intervals: list[float]) -> None:
    axes.set_title(title, loc="left")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("switch interval (ms)")
    axes.set_ylabel(label)
    axes.set_xticks(intervals, map(_tick, intervals))
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _: number(value))


def _tick(interval: float) -> str:
    return f"{number(interval)}\ndefault" if interval == DEFAULT else number(interval)
