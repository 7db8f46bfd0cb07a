"""One look for all charts: paper of their own, letters of a size, colours everybody can tell."""

from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.figure import Figure

__all__ = ["COLOURS", "INK", "MODE_COLOURS", "MUTED", "figure", "number", "styled"]

#: Okabe and Ito, "Color Universal Design" (2008): told apart with any common colour blindness.
COLOURS = {
    "orange": "#e69f00", "sky": "#56b4e9", "green": "#009e73", "yellow": "#f0e442",
    "blue": "#0072b2", "vermilion": "#d55e00", "purple": "#cc79a7", "black": "#000000",
}  # fmt: skip
#: A mode has the same colour in every chart; the lighter ones take black letters.
MODE_COLOURS = {
    "serial": "#bbbbbb",
    "threads": COLOURS["orange"],
    "async": COLOURS["sky"],
    "processes": COLOURS["purple"],
    "hybrid": COLOURS["green"],
}
INK, MUTED = "#1f2328", "#5f6873"

#: Inches; 800 pixels where a page gives it 100 to the inch.
WIDTH = 8.0
_STYLE = {
    # Letters as outlines and ids from a fixed salt: the same file from the same results.
    "svg.fonttype": "path",
    "svg.hashsalt": "crawl",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": 100.0,
    "savefig.dpi": 200.0,
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 10.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#d8dde3",
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "text.color": INK,
    "hatch.linewidth": 0.7,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save within it: the user's own settings count for nothing."""
    from matplotlib import style

    with style.context(["default", _STYLE]):
        yield


def figure(height: float) -> Figure:
    """Return an empty figure of the common width, *height* in inches, that fits its letters in."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def number(value: float) -> str:
    """Return a number as a label shows it: 0.5, 20, 1 000."""
    return f"{value:,.4g}".replace(",", "\N{NO-BREAK SPACE}")
