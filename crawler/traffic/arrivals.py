"""When requests are due in an open loop: a timetable that waits for no answer."""

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, chain, islice, repeat, starmap, takewhile
from math import ceil, log1p, sqrt
from operator import neg, sub
from random import Random

from crawler.traffic.job import LoadOptions, Stage

__all__ = ["Timetable", "arrivals", "instant"]

_SECOND = 10**9
#: Beyond the end of every timetable.
_NEVER = sys.maxsize


#: Seconds since the start, and L there; exact, so that the sums of many stages do not drift.
_Point = tuple[Fraction, Fraction]
_Solver = Callable[[float], float]


class Timetable:
    """A rate that is linear by pieces; L(t) is its integral: the requests due by t seconds.

    *stages* follow each other from t = 0; ``seconds`` is when the last one ends.
    """

    __slots__ = ("_counts", "_solvers", "seconds")

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._solvers: list[_Solver] = []
        self._counts: list[float] = []
        start = Fraction(0), Fraction(0)
        for stage in stages:
            seconds = Fraction(stage.seconds)
            due = seconds * (Fraction(stage.first) + Fraction(stage.last)) / 2
            end = start[0] + seconds, start[1] + due
            self._solvers.append(_solver(stage, start, end))
            self._counts.append(float(end[1]))
            start = end
        self.seconds = float(start[0])

    def due(self, count: float) -> float | None:
        """Return when L reaches *count*, in seconds; None if the stages end before."""
        if count <= 0:
            return 0.0
        index = bisect_left(self._counts, count)
        if index == len(self._counts):
            return None
        return self._solvers[index](count)

    def due_ns(self, count: float) -> int:
        """Return the same in nanoseconds, rounded up; after every end if the stages end before."""
        seconds = self.due(count)
        return _NEVER if seconds is None else ceil(seconds * 1e9)


def _solver(stage: Stage, start: _Point, end: _Point) -> _Solver:
    """Return what turns a count within a stage, from *start* to *end*, into seconds.

    A rising rate is solved forwards from the start, a falling one backwards from the end: then
    all terms of the quadratic's root are positive, and none cancel.
    """
    is_falling = stage.last < stage.first
    least = min(stage.first, stage.last)
    square, twice_slope = least * least, 2 * abs(stage.last - stage.first) / stage.seconds
    earliest, latest = float(start[0]), float(end[0])
    # In two floats: what one loses of 10**9 requests is 60 ns at 1/s.
    edge = (end if is_falling else start)[1]
    high = float(edge)
    low = float(edge - Fraction(high))

    def level(count: float) -> float:
        return min(latest, earliest + (count - high - low) / least)

    def rising(count: float) -> float:
        more = count - high - low
        return min(latest, earliest + 2 * more / (least + sqrt(square + twice_slope * more)))

    def falling(count: float) -> float:
        left = high - count + low
        if left <= 0:
            return latest
        return max(earliest, latest - 2 * left / (least + sqrt(square + twice_slope * left)))

    return falling if is_falling else rising if twice_slope else level


def instant(seconds: float) -> int:
    """Return an edge of the run in whole ns: what is due at it or after it is beyond it.

    Picoseconds are noise: 0.1 + 0.2 seconds end at 300 000 000 ns, not one later.
    """
    return ceil(round(seconds * _SECOND, 3))


def arrivals(options: LoadOptions, place: int, of: int) -> Iterator[int]:
    """Yield when process *place* of *of* is to send, in whole ns since the start, ascending.

    It takes the arrivals number *place*, *place* + *of* and so on of one schedule, which is the
    same for every *of*.  Times are rounded up, so that none is early.  The schedule has what is
    due before warm-up and duration are over, and at most ``requests`` after the warm-up.

    Constant arrivals are at L = 0, 1, 2 and so on.  Poisson arrivals are at sums of independent
    unit exponentials: a Poisson process of rate 1, its time changed by L.
    """
    stages = options.timetable()
    table = Timetable(stages)
    end = table.seconds
    if options.seconds is not None:
        end = min(end, options.warmup + options.seconds)
    if options.arrivals == "poisson":
        times = _poisson(options, table, place, of)
    else:
        at = _even(stages) or table.due_ns
        times = map(at, range(place, _last(options, at), of))
    return takewhile(instant(end).__gt__, times)


def _even(stages: Sequence[Stage]) -> Callable[[int], int] | None:
    """Return arrival number to ns in exact integers; None unless the rate is always the same."""
    rates = {rate for stage in stages for rate in (stage.first, stage.last)}
    if len(rates) > 1 or 0 in rates:
        return None
    over, under = rates.pop().as_integer_ratio()
    gap = _SECOND * under
    return lambda number: -(-number * gap // over)


def _last(options: LoadOptions, at: Callable[[int], int]) -> int:
    """Return the number of the first constant arrival that is beyond ``requests``."""
    if options.requests is None:
        return _NEVER
    return bisect_left(range(_NEVER), instant(options.warmup), key=at) + options.requests


def _poisson(options: LoadOptions, table: Timetable, place: int, of: int) -> Iterator[int]:
    """Yield times without end; each process draws the same numbers and keeps its own."""
    draws = starmap(Random(options.seed).random, repeat(()))
    levels = islice(accumulate(map(log1p, map(neg, draws)), sub, initial=0.0), 1, None)
    # Without a number of requests it need not be known which is the first after the warm-up.
    warm = 0 if options.requests is None else instant(options.warmup)
    for number, level in enumerate(levels):
        at = table.due_ns(level)
        if at >= warm:
            rest = chain((level,), levels)
            mine = islice(rest, (place - number) % of, options.requests, of)
            yield from map(table.due_ns, mine)
            return
        if number % of == place:
            yield at
