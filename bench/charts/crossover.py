"""F1: which mode is fastest at each latency and number in flight, a panel for each work."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from bench.charts.style import INK, MODE_COLOURS, figure, number
from bench.grid.plan import Point
from bench.grid.results import GridResults
from bench.grid.tables import WORDS, verdicts
from bench.grid.winners import MATTERS, Verdict
from crawler import MODES

__all__ = ["draw"]

COLUMNS = 2
#: Inches of a panel's title and axis, and of a row of cells with two lines of letters.
HEAD, ROW = 0.95, 0.5
UNDECIDED = "////"
REFUSED = "#f3f4f6"
#: For cells too narrow for a name.
SHORT = {"processes": "procs"}


def draw(results: GridResults) -> Figure:
    """Return the map: colour and name say the mode, hatching that others are as fast."""
    found, refused = verdicts(results), results.refusals()
    points = results.at()
    works = [work for work in WORDS if any(point.work == work for point in points)]
    latencies = {w: sorted({p.latency_ms for p in points if p.work == w}) for w in works}
    rows = [works[first : first + COLUMNS] for first in range(0, len(works), COLUMNS)]
    heights = [HEAD + ROW * max(len(latencies[work]) for work in row) for row in rows]
    drawn = figure(sum(heights) + 0.9)
    panels = drawn.subplots(
        len(rows), COLUMNS, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for place, axes in enumerate(panels.flat):
        if place >= len(works):
            axes.remove()
            continue
        work = works[place]
        _panel(axes, work, [point for point in points if point.work == work], found)
        for point in refused:
            if point.work == work:
                _cell(axes, _place(axes, point), REFUSED, ["refused"])
    _explain(drawn, {verdict.mode for verdict in found.values()})
    return drawn


def _panel(axes: Axes, work: str, points: list[Point], found: Mapping[Point, Verdict]) -> None:
    numbers = sorted({point.places for point in points})
    latencies = sorted({point.latency_ms for point in points})
    axes.set_title(WORDS[work])
    axes.set_xlabel("most in flight (pages)")
    axes.set_ylabel("latency (ms)")
    axes.set_xticks(range(len(numbers)), map(number, numbers))
    axes.set_yticks(range(len(latencies)), map(number, latencies))
    axes.set_xlim(-0.5, len(numbers) - 0.5)
    axes.set_ylim(-0.5, len(latencies) - 0.5)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for point in points:
        if point in found:
            verdict = found[point]
            place = numbers.index(point.places), latencies.index(point.latency_ms)
            hatch = None if verdict.decided else UNDECIDED
            _cell(axes, place, MODE_COLOURS[verdict.mode], _label(verdict), hatch)


def _place(axes: Axes, point: Point) -> tuple[int, int]:
    """Return where a point stands, by what is written on the axes."""
    across = [label.get_text() for label in axes.get_xticklabels()]
    up = [label.get_text() for label in axes.get_yticklabels()]
    return across.index(number(point.places)), up.index(number(point.latency_ms))


def _cell(
    axes: Axes, place: tuple[int, int], colour: str, label: list[str], hatch: str | None = None
) -> None:
    left, low = place[0] - 0.5, place[1] - 0.5
    # The hatch is a patch of its own, so that its lines stay paler than the letters.
    axes.add_patch(Rectangle((left, low), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
    if hatch is not None:
        axes.add_patch(
            Rectangle(
                (left, low),
                1,
                1,
                fill=False,
                hatch=hatch,
                edgecolor="#ffffff",
                linewidth=2,
                alpha=0.75,
            )
        )
    axes.text(
        *place, "\n".join(label), ha="center", va="center", fontsize=8, color=INK, linespacing=1.1
    )  # fmt: skip


def _label(verdict: Verdict) -> list[str]:
    """Return the name, and how far it leads or with how many others it is level."""
    name = SHORT.get(verdict.mode, verdict.mode)
    if not verdict.decided:
        others = len(verdict.tied) - 1
        return [name, f"= {others} other{'s' if others > 1 else ''}"]
    return [name] if verdict.lead is None else [name, f"{verdict.lead.median:.2f} ×"]


def _explain(drawn: Figure, modes: set[str]) -> None:
    handles = [Patch(facecolor=MODE_COLOURS[mode], label=mode) for mode in MODES if mode in modes]
    handles.append(
        Patch(facecolor="#9aa1a9", edgecolor="white", hatch=UNDECIDED, label="others as fast")
    )
    drawn.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    drawn.suptitle(
        "Fastest mode. × : how many times as fast as the next that is surely slower.\n"
        f"Hatched: others are within {MATTERS - 1:.0%} in some round; the simplest is named.",
        fontsize=9,
    )
