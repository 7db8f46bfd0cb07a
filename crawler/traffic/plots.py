"""Draw what a load test found: times by percentile and over time, rate and lag."""

from collections.abc import Callable, Iterator
from math import ceil, floor, inf, log10, nan, sqrt
from typing import TYPE_CHECKING, NamedTuple

from crawler.traffic.drawing import COLOURS, SHADE, lettered, number, panels, scaled, styled, svg
from crawler.traffic.intervals import Z95, histogram_of, is_known
from crawler.traffic.report import Distribution, LoadReport, Slice
from crawler.traffic.search_plots import search_figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Plot", "plots"]

_MUTED = COLOURS["muted"]
_BLUE, _ORANGE, _GREEN = COLOURS["blue"], COLOURS["orange"], COLOURS["green"]
_MS = 1e6
#: Inches.
_HEIGHT, _TALL = 2.9, 3.3
#: What a thinner line may lie on: all that was sent, or the greatest.
_BEHIND = {"color": _MUTED, "linewidth": 2.6, "alpha": 0.45}
#: Lag of less than this share of the mean response time is nothing.
_NOTHING = 0.02
#: Points between one power of ten of a percentile and the next.
_FINE = 40


class Plot(NamedTuple):
    """One figure: ``svg`` is an element, *name* its id, *caption* says how to read it."""

    name: str
    title: str
    caption: str
    svg: str


def plots(report: LoadReport) -> tuple[Plot, ...]:
    """Draw all that *report* has something for; needs matplotlib (`crawl[report]`)."""
    with styled():
        return tuple(
            Plot(name, title, caption, svg(name, title, drawn))
            for name, title, caption, drawn in _drawn(report)
        )


def _drawn(report: LoadReport) -> "Iterator[tuple[str, str, str, Figure]]":
    if report.response.count:
        yield (
            "percentiles", "Latency by percentile",
            "Each nine to the right is a tenth of the requests. Shaded: where the percentile "
            "lies with 95 % confidence. Dotted: fewer than ten answers lie beyond, so it is "
            "chance.",
            _percentiles(report),
        )  # fmt: skip
    if any(piece.p50_ms is not None for piece in report.series):
        yield (
            "latency", "Latency over time",
            "Response times of the answers that came in each slice of the run.",
            _latency(report.series),
        )  # fmt: skip
    if series := _whole(report.series):
        yield (
            "rate", "Rate over time",
            "Above: what was sent and what came of it. Below: requests in flight, the mean of "
            "each slice.",
            _rate(series),
        )  # fmt: skip
        yield (
            "lag", "Generator lag over time",
            "How late the generator itself was, at worst, in each slice. It is in the response "
            "times of an open loop.",
            _lag(series),
        )  # fmt: skip
    if report.found is not None and report.found.steps:
        yield from search_figures(report.found)


def _percentiles(report: LoadReport) -> "Figure":
    drawn, (axes,) = panels(_HEIGHT)
    response = report.response
    shown: list[tuple[str, Distribution, str]] = [("response time", response, _BLUE)]
    if report.options.is_open and report.service.count:
        shown.append(("service time", report.service, _GREEN))
    if report.options.is_open and report.lag.max_ms > _NOTHING * response.mean_ms:
        shown.append(("generator lag", report.lag, _ORANGE))
    for label, distribution, colour in shown:
        _curve(axes, label, distribution, colour)
    scaled(axes, response.min_ms, max(of.max_ms for _, of, _ in shown))
    end = max(log10(response.count), 1.0)
    nines = range(1, floor(end) + 1)
    places = [0.0, _place(0.5), *(float(nine) for nine in nines)]
    axes.set_xticks(places, ["0", "50", *(f"{100 - 10.0 ** (2 - nine):.10g}" for nine in nines)])
    axes.set_xlim(0, end)
    lettered(axes, "percentile", "ms")
    return drawn


def _place(q: float) -> float:
    """Return where the share *q* stands on an axis of nines."""
    return -log10(1 - q)


def _curve(axes: "Axes", label: str, distribution: Distribution, colour: str) -> None:
    """Draw all of a distribution; where ten samples lie beyond, with its interval."""
    histogram, count = histogram_of(distribution), distribution.count
    places = [index / _FINE for index in range(ceil(log10(count) * _FINE) + 1)]
    shares = [1 - 10**-place for place in places]
    middle = [count * q for q in shares]
    reach = [Z95 * sqrt(count * q * (1 - q)) for q in shares]
    values = [ns / _MS for ns in histogram.at_ranks(floor(rank) + 1 for rank in middle)]
    known = sum(is_known(count, q) for q in shares)
    axes.plot(places[:known], values[:known], color=colour, label=label, zorder=3)
    axes.plot(places[max(known - 1, 0) :], values[max(known - 1, 0) :], ":", color=colour)
    pairs = list(zip(middle[:known], reach[:known], strict=True))
    low = histogram.at_ranks(max(1, floor(rank - off)) for rank, off in pairs)
    high = histogram.at_ranks(ceil(rank + off) + 1 for rank, off in pairs)
    axes.fill_between(
        places[:known],
        [ns / _MS for ns in low],
        [ns / _MS for ns in high],
        color=colour,
        alpha=SHADE,
        linewidth=0,
    )
    marks = [(_place(found.q), found.ms) for found in distribution.quantiles]
    axes.plot(*zip(*marks, strict=True) if marks else ((), ()), ".", color=colour, markersize=5)


def _over_time(
    axes: "Axes", series: tuple[Slice, ...], of: Callable[[Slice], float | None], **line: object
) -> None:
    """Draw a line through the middles of slices, with gaps where there is nothing."""
    times = [piece.at_s + piece.seconds / 2 for piece in series]
    values = [nan if (value := of(piece)) is None else value for piece in series]
    marker = "." if len(series) < 3 else ""
    axes.plot(times, values, marker=marker, **line)  # type: ignore[arg-type]  # one table of styles
    axes.set_xlim(series[0].at_s, series[-1].at_s + max(series[-1].seconds, 1e-3))
    axes.xaxis.set_major_formatter(number)


def _whole(series: tuple[Slice, ...]) -> tuple[Slice, ...]:
    """Return the slices save a last one that was cut too short to have a rate."""
    if len(series) > 2 and series[-1].seconds < series[0].seconds / 2:
        return series[:-1]
    return series


def _latency(series: tuple[Slice, ...]) -> "Figure":
    drawn, (axes,) = panels(_HEIGHT)
    _over_time(axes, series, lambda at: at.max_ms, label="max", **_BEHIND)
    _over_time(axes, series, lambda at: at.p99_ms, label="p99", color=_ORANGE)
    _over_time(axes, series, lambda at: at.p50_ms, label="p50", color=_BLUE)
    least = min(at.p50_ms for at in series if at.p50_ms is not None)
    scaled(axes, least, max(at.max_ms or 0.0 for at in series))
    lettered(axes, "seconds", "ms")
    return drawn


def _rate(series: tuple[Slice, ...]) -> "Figure":
    drawn, (above, below) = panels(_TALL, (2.2, 1.0))
    _over_time(above, series, _per_s("sent"), label="sent", **_BEHIND)
    _over_time(above, series, _per_s("ok"), label="ok", color=_BLUE)
    for names, style in ((("http_error",), "-"), (("network", "timeout"), "--")):
        if any(getattr(piece, name) for piece in series for name in names):
            label = " or ".join(name.replace("_", " ") for name in names)
            _over_time(above, series, _per_s(*names), label=label, color=_ORANGE, linestyle=style)
    _over_time(below, series, lambda at: at.in_flight, color=_GREEN)
    for axes in (above, below):
        axes.set_ylim(0, 1.06 * axes.dataLim.ymax or 1.0)
        axes.yaxis.set_major_formatter(number)
    lettered(above, "", "requests/s")
    lettered(below, "seconds", "in flight")
    return drawn


def _per_s(*names: str) -> Callable[[Slice], float]:
    return lambda at: sum(getattr(at, name) for name in names) / (at.seconds or inf)


def _lag(series: tuple[Slice, ...]) -> "Figure":
    drawn, (axes,) = panels(_TALL)
    _over_time(axes, series, lambda at: at.lag_ms, color=_ORANGE)
    axes.set_ylim(0, 1.06 * max(1.0, *(at.lag_ms for at in series)))
    axes.yaxis.set_major_formatter(number)
    lettered(axes, "seconds", "worst lag, ms")
    return drawn
