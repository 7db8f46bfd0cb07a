"""F3: what two threads gain over one: by the size of what is hashed, and for other work."""

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.charts.exhibited import band, found_in, whiskers
from bench.charts.style import COLOURS, MUTED, figure
from bench.exhibition import ExhibitResults
from bench.exhibits.exhibit import Found

__all__ = ["draw"]

WORKS = ("Python", "re", "html.parser", "Lexbor")
#: What is measured, its colour and its mark, and how far from the middle of a row it stands.
LOOK = {
    "cores busy": (COLOURS["blue"], "o", -0.13),
    "times as fast": (COLOURS["vermilion"], "s", 0.13),
}
STEPS = "steps of another thread during sha256"
SIZES = {256: "256 B", 2048: "2 kB", 16_384: "16 kB", 131_072: "128 kB", 1_048_576: "1 MB"}


def draw(results: ExhibitResults) -> Figure:
    """Return the chart: hashing over its size on the left, other work in rows on the right."""
    found = found_in(results, "computing")
    drawn = figure(4.3)
    hashing, others = drawn.subplots(1, 2, width_ratios=(3, 2))
    for what, (colour, mark, _) in LOOK.items():
        curve = found.curve(f"{what}, sha256")
        band(hashing, curve, colour, marker=mark, markersize=4, label=f"{what} with 2 threads")
    hashing.set_title("SHA-256", loc="left")
    hashing.set_xscale("log", base=2)
    hashing.set_xticks(list(SIZES), SIZES.values())
    hashing.set_xticks([], minor=True)
    hashing.set_xlabel("bytes hashed at once")
    _bounds(hashing.axhline)
    hashing.set_ylim(bottom=0)
    hashing.set_ylabel("cores, or times as fast")
    # The least size at which another thread gets on while one hashes.
    for step in [one.at or 0.0 for one in found.curve(STEPS) if one.median > 0][:1]:
        _mark(hashing, step)
    _rows(others, found)
    drawn.legend(loc="outside lower center", ncols=len(LOOK))
    drawn.suptitle(
        "What a second thread adds. Points: medians; bands and lines: all rounds.", fontsize=9
    )
    return drawn


def _mark(axes: Axes, step: float) -> None:
    axes.axvline(step, color=MUTED, linewidth=0.8, ls="--", zorder=0)
    for words, side, off in (("GIL kept", "right", -4), ("GIL let go", "left", 4)):
        axes.annotate(
            words, (step, 0.06), (off, 0), textcoords="offset points", ha=side, fontsize=8,
            color=MUTED,
        )  # fmt: skip


def _rows(axes: Axes, found: Found) -> None:
    works = [work for work in WORKS if f"cores busy, {work}" in found]
    for what, (colour, mark, off) in LOOK.items():
        rows = [(row + off, found[f"{what}, {work}"]) for row, work in enumerate(works)]
        whiskers(axes, rows, colour, marker=mark, markersize=5)
    axes.set_title("Other work", loc="left")
    axes.set_yticks(range(len(works)), works)
    axes.set_ylim(len(works) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    _bounds(axes.axvline)
    axes.set_xlim(left=0)
    axes.set_xlabel("cores, or times as fast")


def _bounds(line: Callable[..., object]) -> None:
    """Draw what one core does, and what two at most can do."""
    for at in (1, 2):
        line(at, color=MUTED, linewidth=0.8, zorder=0)
