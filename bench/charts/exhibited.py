"""The figures of one exhibit, and how they are drawn: the median in a band of all rounds."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from bench.exhibition import ExhibitResults
from bench.exhibits.exhibit import Figure, Found

__all__ = ["band", "found_in", "whiskers"]


def found_in(results: ExhibitResults, name: str) -> Found:
    """Return what the exhibit of that name measured; raises KeyError if it was not run."""
    for shown in results.cells:
        if shown.name == name:
            return Found(shown.figures)
    raise KeyError(name)


def band(axes: Axes, curve: Sequence[Figure], colour: str, **line: Any) -> None:
    """Draw medians as a line over the places of a curve, in a band from least to greatest."""
    places = [one.at or 0.0 for one in curve]
    axes.plot(places, [one.median for one in curve], color=colour, **line)
    least, most = ([of(one.values) for one in curve] for of in (min, max))
    axes.fill_between(places, least, most, color=colour, alpha=0.15, linewidth=0)


def whiskers(axes: Axes, rows: Sequence[tuple[float, Figure]], colour: str, **point: Any) -> None:
    """Draw a point at the median in each row, and a line from the least to the greatest."""
    for row, one in rows:
        axes.plot([min(one.values), max(one.values)], [row, row], color=colour, linewidth=1.5)
    axes.plot(
        [one.median for _, one in rows], [row for row, _ in rows], color=colour, ls="", **point
    )
