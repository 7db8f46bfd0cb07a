"""Decide which rate to try next in the search for the highest that meets an expectation."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import exp, inf, isnan, log
from typing import NamedTuple

__all__ = ["HIGHEST", "Found", "Search", "severity"]

#: Requests/s that a search without a ceiling does not go beyond.
HIGHEST = 10_000_000.0

_BOUND = 6.0  # of a severity, either way: a factor of 400
#: Half the interval, as a share of the rate, at which more steps are not worth their time.
_CLOSE = 0.02
#: A share of the first rate; what fails there fails at every rate.
_LOWEST = 2.0**-10

# Only near the limit does a curve of a server's waiting time hold: what lies further off than
# this says that it is met, or not, and no more.
_LEAST, _GREATEST = -1.5, 1.0
#: How far above the crossing the server is full, as a share: from a wall to a gentle slope.
_HEADROOMS = (0.001, 0.01, 0.03, 0.06, 0.12, 0.25, 0.6, 2.0)
#: How far log(p99) scatters from step to step, before anything is known: M/M/1 gives 0.15 to
#: 0.35 over 10 s. It counts as much as this many steps.
_SCATTER, _KNOWN = 0.2, 2.0
# A step that only says which side it is on has a scatter that nothing tells: 0.35, as a normal
# deviate. One may be wrong for a reason of its own, such as a cold start: at most this many nats.
_FIRM, _STRAY = 0.5 / 0.35**2, 6.0
# A step starts with an empty queue and ends before the queue has been all it can be, so that a
# full server looks better than it is. For M/M/1 the mean of log(p99) is low by q / (1 + q), q
# being this many times 1 / (headroom**2 * requests of the step), which is four times the
# queue's relaxation time by the length of the step: fitted to simulated steps of 8 000 to
# 10 000 requests, where it is low by 0.01, 0.15 and 0.39. Other servers are more or less
# regular, so it is taken as anything from nothing to twice as much.
_UNSEEN = 15.0
_SHARES_UNSEEN = (0.0, 0.5, 1.0, 1.5, 2.0)
# In turn the middle of what is believed and its lower part: both sides of the crossing tell the
# slope, and what is below it is less distorted and no burden to the server.
_AIMS = (0.5, 0.2)
_CELLS, _PASSES = 20, 3

_Steps = Sequence[tuple[float, float]]
_Belief = list[tuple[float, float]]


class Found(NamedTuple):
    """The highest rate that meets the expectation, and its 95 % interval, in requests/s."""

    rate: float
    low: float
    high: float


def severity(terms: Iterable[tuple[float, float, bool]]) -> float:
    """Return how the worst of *terms* stands to its limit: below 0 all are met.

    A term is (figure, limit, whether it must be below): it counts as log(figure / limit), or
    the negative of that, from -6 to 6.  A figure that is not a number, for want of a sample,
    counts as not met.
    """
    return max((_term(*term) for term in terms), default=-_BOUND)


def _term(figure: float, limit: float, below: bool) -> float:  # noqa: FBT001 - part of a term
    small, great = (figure, limit) if below else (limit, figure)
    if isnan(figure) or great <= 0 or small == inf:
        return _BOUND
    if small <= 0 or great == inf:
        return -_BOUND
    return min(max(log(small / great), -_BOUND), _BOUND)


class Search:
    """The search for the highest rate, in at most *most* steps that last *seconds* each.

    First outward from *first_rate*, by factors of 2, 4, 8 and so on, until one rate meets the
    expectation and one does not.  Then all steps are held against curves that rise as the
    waiting time of a queue does, and the next rate is near the crossing of the likely ones.
    """

    def __init__(
        self,
        first_rate: float,
        most: int = 12,
        ceiling: float = HIGHEST,
        seconds: float = 10.0,
    ) -> None:
        if not (first_rate > 0 and ceiling > 0):
            raise ValueError(f"rates are more than 0, not {first_rate} and {ceiling}")
        self._first = min(first_rate, ceiling)
        self._most = most
        self._ceiling = ceiling
        self._seconds = seconds
        self._steps: list[tuple[float, float]] = []
        self._belief: _Belief = []

    @property
    def edge(self) -> str | None:
        """What the result is instead of a crossing, or None.

        ``highest``: each rate tried met the expectation, up to the ceiling or, out of steps, to
        the rate that is given; ``lowest``: none did.
        """
        if all(severity < 0 for _, severity in self._steps):
            return "highest"
        return "lowest" if all(severity >= 0 for _, severity in self._steps) else None

    def next_rate(self) -> float | None:
        """Return the rate to try next, None when the result is near enough or steps are out."""
        if len(self._steps) >= self._most:
            return None
        if not self._steps:
            return self._first
        if self.edge:
            return self._outward()
        rate, low, high = self.result()
        if max(high - rate, rate - low) <= _CLOSE * rate:
            return None
        near = sum(_LEAST < severity < _GREATEST for _, severity in self._steps)
        return self._believed(_AIMS[near % len(_AIMS)])

    def found(self, rate: float, severity: float) -> None:
        """Take note that a step at *rate* came to *severity*: below 0, it was met."""
        self._steps.append((rate, severity))
        self._steps.sort()
        if self.edge is None:
            self._belief = _belief(self._steps, self._seconds)

    def result(self) -> Found:
        """Return what is known by now; see `edge` for what it is when there is no crossing.

        All three are the highest rate tried when each met the expectation; the rate is 0 and
        the interval ends at the lowest one tried when none did.
        """
        if self.edge == "highest":
            rate = max((rate for rate, _ in self._steps), default=0.0)
            return Found(rate, rate, rate)
        if self.edge == "lowest":
            return Found(0.0, 0.0, self._steps[0][0])
        low, high = _bracket(self._steps)  # between two steps nothing was seen
        return Found(
            self._believed(0.5),
            min(low, self._believed(0.025)),
            min(max(high, self._believed(0.975)), self._ceiling),
        )

    def _outward(self) -> float | None:
        factor = 2.0 ** len(self._steps)
        if self.edge == "highest":
            top = self._steps[-1][0]
            return min(top * factor, self._ceiling) if top < self._ceiling else None
        bottom, lowest = self._steps[0][0], self._first * _LOWEST
        return max(bottom / factor, lowest) if bottom > lowest else None

    def _believed(self, q: float) -> float:
        return min(_quantile(self._belief, q), self._ceiling)


def _belief(steps: _Steps, seconds: float) -> _Belief:
    """Return crossings, in order, with how likely each is (a grid made finer three times)."""
    low, high = _bracket(steps)
    low, high = log(low / 1.5), log(high * 1.5)
    clear = [(rate, min(max(severity, _LEAST), _GREATEST)) for rate, severity in steps]
    curves: list[tuple[float, float, float]] = []
    for _ in range(_PASSES):
        width = (high - low) / _CELLS
        cells = [exp(low + (cell + 0.5) * width) for cell in range(_CELLS)]
        curves = [
            (crossing, headroom, _likelihood(clear, crossing, headroom))
            for crossing in cells
            for headroom in _HEADROOMS
        ]
        belief = [(crossing, weight) for crossing, _, weight in curves]
        low = log(_quantile(belief, 0.002)) - width
        high = log(_quantile(belief, 0.998)) + width
    return sorted(
        (crossing * (1 - share * _unseen(headroom, crossing * seconds)), weight)
        for crossing, headroom, weight in curves
        for share in _SHARES_UNSEEN
    )


def _bracket(steps: _Steps) -> tuple[float, float]:
    """Return the rates between which the fewest and least severities contradict the sides."""
    costs = [
        sum(min(severity, 1.0) for _, severity in steps[:at] if severity > 0)
        - sum(max(severity, -1.0) for _, severity in steps[at:] if severity < 0)
        for at in range(len(steps) + 1)
    ]
    at = max(place for place, cost in enumerate(costs) if cost == min(costs))
    low = steps[at - 1][0] if at else steps[0][0] / 2
    return low, steps[at][0] if at < len(steps) else steps[-1][0] * 2


def _likelihood(steps: _Steps, crossing: float, headroom: float) -> float:
    """Return how well *steps* go with a curve, the scatter being unknown.

    The curve is that of M/M/1: p99 = ln 100 / (mu - rate) is 1 / (1 - rate / mu) in shape, for
    mu = crossing * (1 + headroom).  Nothing on it is faster than the fastest step, because
    other servers have a floor.  Steps near the limit count by Student's t.
    """
    floor = min(severity for _, severity in steps)
    full = 1 + headroom
    clear = full - headroom * exp(-_GREATEST)
    total, informed = _KNOWN * _SCATTER**2, _KNOWN
    against = 0.0
    for rate, severity in steps:
        x = rate / crossing
        expected = max(log(headroom / (full - x)), floor) if x < clear else _GREATEST
        square = (severity - expected) ** 2
        if _LEAST < severity < _GREATEST:
            total += square
            informed += 1
        else:
            against += min(square * _FIRM, _STRAY)
    return float(exp(-against) * total ** (-informed / 2))


def _unseen(headroom: float, requests: float) -> float:
    """Return the share of the rate by which a short step sees the crossing too high."""
    q = _UNSEEN / (headroom**2 * requests)
    return min(headroom * q / (1 + q), 0.25)


def _quantile(belief: _Belief, q: float) -> float:
    """Return the crossing that a share *q* of the weight lies below or at."""
    sums = list(accumulate(weight for _, weight in belief))
    return belief[min(bisect_left(sums, q * sums[-1]), len(belief) - 1)][0]
