"""Draw the search for the highest rate: what each step found, and where throughput peaks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crawler.traffic.drawing import COLOURS, SHADE, lettered, number, panels, scaled
from crawler.traffic.expectations import Expectation, parse_all
from crawler.traffic.report import FoundMax, Knee
from crawler.traffic.scalability import at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["search_figures"]

_INK, _MUTED = COLOURS["ink"], COLOURS["muted"]
_BLUE, _ORANGE, _GREEN = COLOURS["blue"], COLOURS["orange"], COLOURS["green"]
#: Panels of terms in one figure: more would be a poster.
_MOST_TERMS = 4


def search_figures(found: FoundMax) -> "Iterator[tuple[str, str, str, Figure]]":
    """Yield name, title, caption and figure of each plot; call it within `styled`."""
    yield (
        "search", "The rates that were tried",
        "Dashed: the limit. Upright line and shade: the highest rate that meets it, and the "
        "interval it lies in. A step within the limit may have failed for another one, or "
        "for too few answers.",
        _steps(found),
    )  # fmt: skip
    yield (
        "scalability", "Throughput by requests in flight",
        "Curve: the Universal Scalability Law as fitted. Where it falls, more requests at once "
        "get fewer answers.",
        _scalability(found),
    )  # fmt: skip


def _steps(found: FoundMax) -> "Figure":
    terms = parse_all([found.expect])[:_MOST_TERMS]
    drawn, all_axes = panels(1.0 + 1.7 * len(terms), (1.0,) * len(terms))
    for axes, term in zip(all_axes, terms, strict=True):
        _term(axes, found, term)
        axes.axvspan(found.low, found.high, color=_GREEN, alpha=SHADE, linewidth=0)
        axes.axvline(found.rate, color=_GREEN, linewidth=1.0)
        lettered(axes, "", f"{term.term}, {_unit(term)}")
    most = max(step.rate for step in found.steps)
    all_axes[-1].set_xlim(0, 1.05 * max(most, found.high))
    all_axes[-1].set_xlabel("requests/s asked for")
    all_axes[-1].xaxis.set_major_formatter(number)
    for axes in all_axes[1:]:
        if (legend := axes.get_legend()) is not None:
            legend.remove()
    return drawn


def _unit(term: Expectation) -> str:
    """Return the unit that `_term` draws in."""
    if term.term == "rate" and not term.limit.endswith("%"):
        return "/s"
    return "ms" if term.limit.endswith(("s", "m")) else "%"


def _term(axes: "Axes", found: FoundMax, term: Expectation) -> None:
    """Draw what each step found of *term*, and its limit."""
    scale = 100.0 if _unit(term) == "%" else 1.0
    values = []
    for met, label, marker, colour in ((True, "met", "o", _BLUE), (False, "not met", "X", _ORANGE)):
        pairs = [
            (step.rate, scale * step.figures[term.term])
            for step in found.steps
            if step.met == met and term.term in step.figures
        ]
        values += [value for _, value in pairs]
        rates = [rate for rate, _ in pairs]
        axes.scatter(
            rates,
            [y for _, y in pairs],
            s=18,
            marker=marker,
            color=colour,
            label=label,
            clip_on=False,
        )
    limit = scale * term.value
    axes.axhline(limit, color=_INK, linewidth=1.0, linestyle="--")
    scaled(axes, min([limit, *values]), max([limit, *values]))


def _scalability(found: FoundMax) -> "Figure":
    drawn, (axes,) = panels(3.3)
    steps = found.steps
    most = 1.15 * max(step.in_flight for step in steps)
    axes.scatter(
        [step.in_flight for step in steps], [step.requests_per_s for step in steps],
        s=18, color=_BLUE, label="steps", zorder=3,
    )  # fmt: skip
    if found.knee is not None:
        _law(axes, found.knee, most)
    axes.set_xlim(0, most or 1.0)
    axes.set_ylim(0, 1.1 * axes.dataLim.ymax or 1.0)
    axes.xaxis.set_major_formatter(number)
    axes.yaxis.set_major_formatter(number)
    lettered(axes, "requests in flight", "answers/s", columns=3)
    return drawn


def _law(axes: "Axes", knee: Knee, most: float) -> None:
    """Draw the law up to *most* in flight, and its peak where that is not far beyond."""
    peak, top = knee.peak_in_flight, knee.peak_per_s
    reach = max(most, 1.2 * peak) if peak is not None and peak < 2 * most else most
    places = [reach * index / 100 for index in range(101)]
    axes.plot(places, [at(knee, place) for place in places], color=_MUTED, label="law")
    if peak is not None and top is not None and peak <= reach:
        label = f"peak {number(round(top))}/s"
        axes.plot([peak], [top], "D", color=_ORANGE, markersize=5, label=label)
