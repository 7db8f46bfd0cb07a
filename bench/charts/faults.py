"""F9: what each fault comes to in each mode, and after how long; and what it takes to stop."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from bench.charts.exhibited import found_in, whiskers
from bench.charts.style import COLOURS, INK, MODE_COLOURS, figure, number
from bench.exhibition import ExhibitResults
from bench.exhibits.exhibit import Found
from bench.exhibits.faulty import FAULTS
from crawler import MODES

__all__ = ["LOOK", "draw"]

#: A colour for each outcome; pale enough for black letters.
LOOK = {
    "ok": "#d9f2e8",
    "http-error": COLOURS["yellow"],
    "reset": COLOURS["orange"],
    "protocol": COLOURS["purple"],
    "too-large": COLOURS["sky"],
    "too-many-redirects": "#8fd6bf",
    "timeout": "#c9ced6",
}
#: What is drawn beside the map: the figures of a mode.
BESIDE = {
    "lost": "pages without a record",
    "most memory": "most memory (MB)",
    "time to stop": "time to stop at once (ms)",
}


def draw(results: ExhibitResults) -> Figure:
    """Return the chart: a row for each fault and a column for each mode; costs on the right."""
    found = found_in(results, "faults")
    modes = [mode for mode in MODES if f"lost, {mode}" in found]
    drawn = figure(5.9)
    panels = drawn.subplot_mosaic(
        [["map", what] for what in BESIDE], width_ratios=(5, 2), gridspec_kw={"hspace": 0.1}
    )
    seen = _map(panels["map"], found, modes)
    for what, label in BESIDE.items():
        _cost(panels[what], found, modes, (what, label))
    handles = [Patch(facecolor=colour, label=word) for word, colour in LOOK.items() if word in seen]
    drawn.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    drawn.suptitle(
        "Colours: what became of the page. Numbers: after how many ms, in the middle of all "
        "rounds.\nOn the right: points: medians; lines: all rounds.",
        fontsize=9,
    )
    return drawn


def _map(axes: Axes, found: Found, modes: list[str]) -> set[str]:
    """Draw the cells, and return the outcomes among them."""
    faults = [fault for fault in FAULTS if found.curve(f"{fault} takes")]
    seen = set()
    for row, fault in enumerate(faults):
        took = {one.at: one.median for one in found.curve(f"{fault} takes")}
        for outcome, colour in LOOK.items():
            for one in found.curve(f"{fault}: {outcome}"):
                column = modes.index(MODES[int(one.at or 0)])
                seen.add(outcome)
                axes.add_patch(
                    Rectangle(
                        (column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor="white", lw=1.5
                    )
                )
                axes.text(
                    column, row, _ms(took[one.at]), ha="center", va="center", fontsize=7.5,
                    color=INK,
                )  # fmt: skip
    axes.set_xticks(range(len(modes)), modes)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(faults)), faults)
    axes.set_xlim(-0.5, len(modes) - 0.5)
    axes.set_ylim(len(faults) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return seen


def _cost(axes: Axes, found: Found, modes: list[str], of: tuple[str, str]) -> None:
    what, label = of
    for row, mode in enumerate(modes):
        if (name := f"{what}, {mode}") in found:
            whiskers(axes, [(row, found[name])], MODE_COLOURS[mode], marker="o", markersize=6)
    axes.set_yticks(range(len(modes)), modes, fontsize=8)
    axes.set_ylim(len(modes) - 0.5, -0.5)
    most = max(1.0, axes.get_xlim()[1])
    axes.set_xlim(-0.03 * most, 1.1 * most)
    axes.set_title(label, loc="left", fontsize=9)
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 1 else f"{value:.0f}"
