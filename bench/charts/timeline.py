"""F6: the same pages in five modes on one axis of time, a row for each thread, task and process."""

import re

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bench.charts.style import COLOURS, INK, figure
from bench.lanes import Lane
from bench.timeline import TimelineResults, TimelineRun
from crawler import MODES

__all__ = ["draw"]

#: Waiting is pale, computing is strong; in the order of a page's way.
LOOK = {
    "queue": "#e3e6ea",
    "connect": COLOURS["purple"],
    "wait": "#bfe0f5",
    "body": COLOURS["blue"],
    "analyse": COLOURS["orange"],
    "line": COLOURS["vermilion"],
    "write": COLOURS["black"],
}
#: Inches of a lane, and of a panel's title and gap.
LANE, HEAD = 0.13, 0.42
BATCH = "#f6d9a8"


def draw(results: TimelineResults) -> Figure:
    """Return the chart: five panels, the time in milliseconds since the first page was taken."""
    runs = {one.mode: one for one in results.cells if one.lanes}
    shown = [runs[mode] for mode in MODES if mode in runs]
    heights = [HEAD + LANE * len(one.lanes) for one in shown]
    drawn = figure(sum(heights) + 1.1)
    panels = drawn.subplots(
        len(shown), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for axes, run in zip(panels.flat, shown, strict=True):
        _panel(axes, run)
    panels.flat[-1].set_xlabel("time since the first page was taken (ms)")
    panels.flat[-1].set_xlim(0, 1.01e3 * max(one.seconds for one in shown))
    handles = [Patch(facecolor=colour, label=name) for name, colour in LOOK.items()]
    handles.append(Patch(facecolor="none", edgecolor=BATCH, linewidth=1.5, label="batch"))
    drawn.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return drawn


def _panel(axes: Axes, run: TimelineRun) -> None:
    lanes = sorted(run.lanes, key=_place)
    workers = sorted({lane.group for lane in lanes if lane.group.startswith("worker")})
    for row, lane in enumerate(lanes):
        for name, colour in LOOK.items():
            bars = [(s.began / 1e6, s.duration / 1e6) for s in lane.spans if s.name == name]
            axes.broken_barh(bars, (row - 0.36, 0.72), facecolors=colour, linewidth=0)
        bars = [(s.began / 1e6, s.duration / 1e6) for s in lane.spans if s.name == "batch"]
        axes.broken_barh(bars, (row - 0.46, 0.92), facecolors="none", edgecolors=BATCH, lw=1.0)
    axes.set_title(f"{run.mode}: {run.seconds * 1000:.0f} ms", loc="left", color=INK)
    axes.set_yticks(range(len(lanes)), [_label(lane, workers) for lane in lanes], fontsize=6)
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _place(lane: Lane) -> tuple[int, int, str]:
    """Return where a lane stands: places, then our own threads, then workers, by their numbers."""
    kind = ("places", "crawl", "worker").index(lane.group.partition(" ")[0])
    return kind, int((re.findall(r"\d+", lane.name) or ["0"])[0]), lane.group + lane.name


def _label(lane: Lane, workers: list[str]) -> str:
    if lane.group in workers:
        return f"worker {workers.index(lane.group) + 1}"
    return "main thread" if lane.name == "MainThread" else lane.name
