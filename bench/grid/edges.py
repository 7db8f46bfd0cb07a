"""The thresholds of the grid: along latency, in flight or CPU, from where on a mode is faster."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.grid.plan import Point
from bench.grid.results import GridResults, GridRun
from bench.grid.tables import WORDS, candidates, rates
from bench.grid.winners import Change, Rates, change, compared, ratios
from bench.spread import Spread

__all__ = ["CPU", "LATENCY", "PLACES", "Edge", "cpu_ms", "edge", "edges"]

PLACES, LATENCY, CPU = "in flight", "ms of latency", "ms of CPU a page"
#: The works that hold the GIL, in the order of what they cost.
HOLDING = ("lexbor", "python_light", "python_heavy")


@dataclass(frozen=True)
class Edge:
    """From where on *ours* is faster than *theirs*, along *unit*, with the rest as *where* says.

    ``ratio`` is that of the two at the first value that is sure, or at the last where none is;
    ``last`` what is so at the last: 1 faster, 0 not decided, -1 slower.
    """

    ours: str
    theirs: str
    where: str
    unit: str
    change: Change
    ratio: Spread
    last: int
    values: tuple[float, ...]

    @property
    def name(self) -> str:
        """What it is called in a table."""
        return f"{self.ours} over {self.theirs}, {self.where}"

    @property
    def threshold(self) -> str:
        """The threshold in words: an interval between two values that were measured."""
        before, at, unit = self.change.before, self.change.at, self.unit
        if before is None:
            assert at is not None
            return f"from {_text(at)} {unit} on, the least measured"
        if at is not None:
            return f"between {_text(before)} and {_text(at)} {unit}"
        told = f"{self.theirs} is faster" if self.last < 0 else "not decided on this machine"
        return f"{told}, at {_text(before)} {unit}"


def _text(value: float) -> str:
    """Return a value without digits that say nothing: counts are whole, CPU is measured."""
    return f"{value:.2g}" if value < 100 and value % 1 else f"{value:g}"


def edge(
    pair: tuple[str, str], where: str, unit: str, measured: Iterable[tuple[float, Rates, Rates]]
) -> Edge | None:
    """Return the edge of a *pair* (ours, theirs) from what both did at each value; None without."""
    known = sorted(measured, key=lambda one: one[0])
    if not known:
        return None
    found = change((x, compared(ours, theirs)) for x, ours, theirs in known)
    at = found.at if found.at is not None else known[-1][0]
    _, ours, theirs = next(one for one in known if one[0] == at)
    last = compared(*known[-1][1:])
    values = tuple(x for x, _, _ in known)
    return Edge(*pair, where, unit, found, ratios(ours, theirs), last, values)


def edges(results: GridResults) -> list[Edge]:
    """Return all edges that the grid has points for, in the order of the questions."""
    here = candidates(results)
    latencies = sorted({point.latency_ms for point in here})
    many = max(_common(here), default=0)
    lexbor = [point for point in here if (point.work, point.places) == ("lexbor", many)]
    waits = [(point.latency_ms, point) for point in lexbor]
    where = f"{many} in flight, {WORDS['lexbor']}"
    found = [_along(here, ("threads", "serial"), where, LATENCY, waits)]
    found += [_by_places(here, ("async", "threads"), "lexbor", wait) for wait in latencies]
    costs = [(cost, work) for work in HOLDING if (cost := cpu_ms(results, work)) is not None]
    for pair in (("processes", "threads"), ("hybrid", "threads"), ("hybrid", "async")):
        for wait in latencies:
            points = [(cost, Point(work, wait, many)) for cost, work in costs]
            where = f"{wait:g} ms, {many} in flight, GIL held"
            found.append(_along(here, pair, where, CPU, points))
    for pair in (("threads", "async"), ("hybrid", "threads")):
        found += [_by_places(here, pair, "c_heavy", wait) for wait in latencies]
    return [one for one in found if one is not None and len(one.values) > 1]


Here = Mapping[Point, Mapping[str, Sequence[GridRun]]]


def _by_places(here: Here, pair: tuple[str, str], work: str, wait: float) -> Edge | None:
    points = [p for p in here if (p.work, p.latency_ms) == (work, wait)]
    where = f"{wait:g} ms, {WORDS[work]}"
    return _along(here, pair, where, PLACES, [(point.places, point) for point in points])


def _along(
    here: Here, pair: tuple[str, str], where: str, unit: str, points: Iterable[tuple[float, Point]]
) -> Edge | None:
    measured = []
    for x, point in points:
        modes = rates(here.get(point, {}))
        if set(pair) <= set(modes):
            measured.append((x, modes[pair[0]], modes[pair[1]]))
    return edge(pair, where, unit, measured)


def cpu_ms(results: GridResults, work: str) -> float | None:
    """Return the milliseconds of CPU of a page with this work, from serial where it waits least.

    None if that was not measured.
    """
    runs = [
        (point.latency_ms, [1000 * one.run.cost.client for one in modes["serial"]])
        for point, modes in results.at().items()
        if point.work == work and "serial" in modes
    ]
    return median(min(runs)[1]) if runs else None


def _common(points: Iterable[Point]) -> set[int]:
    """Return the numbers in flight at which every work was measured."""
    points = list(points)
    works = {point.work for point in points}
    sets = [{point.places for point in points if point.work == work} for work in works]
    return set.intersection(*sets) if sets else set()
