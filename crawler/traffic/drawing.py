"""Turn a figure of matplotlib into SVG that stands in a page and takes its colours from there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "SHADE", "lettered", "number", "panels", "scaled", "styled", "svg"]

#: Names and values on a light ground; the page gives those on a dark one.  Blue, orange and green
#: are told apart by the colour-blind (Okabe and Ito), here dark enough for lines and text.
COLOURS = {
    "ink": "#1f2328", "muted": "#5f6873", "grid": "#d8dde3",
    "blue": "#0b66b3", "orange": "#c24e00", "green": "#00795a",
}  # fmt: skip

#: How much of an area behind lines is seen.
SHADE = 0.18

#: Inches.  At this width the letters are of a page's size on a phone and beside a second figure.
_WIDTH = 5.0
#: Inches left, right, below and above the axes: room for labels up to 1 000 000 and a legend.
_MARGINS = (0.72, 0.12, 0.42, 0.26)
#: A range of so much fits no linear axis: what is usual would lie on its floor.
_WIDE = 20
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crawl",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.0,
    "axes.labelsize": 8.0,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.6,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.minor.visible": False,
    "text.color": COLOURS["ink"],
    "lines.linewidth": 1.3,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.4,
    "legend.borderaxespad": 0.2,
}
_NAMES = {value: name for name, value in COLOURS.items()}
_COLOUR = re.compile("|".join(_NAMES))
_HEAD = re.compile(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>')
_LINK = re.compile(r'(\bid="|url\(#|href="#)')


@contextmanager
def styled() -> Iterator[None]:
    """Draw within it: neither the user's settings nor what another figure left counts."""
    from matplotlib import style

    with style.context(["default", _STYLE]):
        yield


def panels(height: float, shares: tuple[float, ...] = (1.0,)) -> "tuple[Figure, list[Axes]]":
    """Return a figure, *height* in inches, and axes one below the other that share the x axis."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(_WIDTH, height))
    axes = drawn.subplots(
        len(shares), sharex=True, squeeze=False, gridspec_kw={"height_ratios": shares}
    )
    left, right, bottom, top = _MARGINS  # the same for all, so that figures below others line up
    drawn.subplots_adjust(
        left=left / _WIDTH, right=1 - right / _WIDTH, bottom=bottom / height,
        top=1 - top / height, hspace=0.16,
    )  # fmt: skip
    return drawn, list(axes[:, 0])


def number(value: float, _: object = None) -> str:
    """Return a tick's label, plain however large: 0.05, 20, 1 000 000."""
    return f"{value:,.8g}".replace(",", "\N{NO-BREAK SPACE}").replace("-", "\N{MINUS SIGN}")


def lettered(axes: "Axes", x: str, y: str, columns: int = 4) -> None:
    """Write what the axes are, and above them which line is which."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.yaxis.set_label_coords(-0.58 / (_WIDTH - _MARGINS[0] - _MARGINS[1]), 0.5)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns)


def scaled(axes: "Axes", low: float, high: float) -> None:
    """Give the y axis a linear scale from 0, or a logarithmic one where the range asks for it."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.yaxis.set_major_formatter(number)
    if low <= 0 or high < _WIDE * low:
        axes.set_ylim(0, 1.06 * high or 1.0)
        return
    axes.set_yscale("log")
    axes.set_ylim(low / 1.3, high * 1.3)
    close = high < 1000 * low
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if close else (1.0,)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(number)


def svg(name: str, title: str, drawn: "Figure") -> str:
    """Return *drawn* as an element for HTML; *name* keeps its ids from those of other figures."""
    written = StringIO()
    drawn.savefig(written, format="svg", metadata=_NO_METADATA)
    text = written.getvalue()
    text = text[text.index("<svg ") :]
    head = (
        rf'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        rf'\1 role="img" aria-label="{title}">'
    )
    text = _LINK.sub(rf"\g<1>{name}-", _HEAD.sub(head, text, count=1))
    return _COLOUR.sub(lambda match: f"var(--{_NAMES[match[0]]}, {match[0]})", text)
