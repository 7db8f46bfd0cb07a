"""Decide from the runs of each round which mode is fastest, and from where on; pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import median

from bench.spread import Spread, spread
from crawler import MODES

__all__ = ["MATTERS", "Change", "Verdict", "change", "compared", "fastest", "ratios"]

#: Nobody takes another mode for less.  Three rounds that all point one way do so by chance once
#: in four times, so a direction alone decides nothing.
MATTERS = 1.03

Rates = Sequence[float]
"""Pages a second of one mode, a round after the other."""


@dataclass(frozen=True)
class Verdict:
    """The fastest mode, or the simplest of those that are not surely slower.

    ``tied`` are all of these, simplest first; ``next`` the fastest of the others, None if there
    are none.  ``lead`` is how many times as fast as that the mode is, if it is decided.
    """

    mode: str
    tied: tuple[str, ...]
    next: str | None
    lead: Spread | None

    @property
    def decided(self) -> bool:
        """Whether one mode is surely faster than all others."""
        return len(self.tied) == 1


def ratios(ours: Rates, theirs: Rates) -> Spread:
    """Return how many times as fast as *theirs* in the same round *ours* was."""
    return spread(one / other for one, other in zip(ours, theirs, strict=True))


def compared(ours: Rates, theirs: Rates) -> int:
    """Return 1 if *ours* is faster in every round by more than MATTERS, -1 if slower, else 0."""
    if ratios(ours, theirs).least > MATTERS:
        return 1
    return -1 if ratios(theirs, ours).least > MATTERS else 0


def fastest(rates: Mapping[str, Rates]) -> Verdict:
    """Return which mode to take; raises ValueError without one.

    Where the interval of the ratios does not clear MATTERS, the simplest wins: the order of
    MODES is that of what they ask of a reader.
    """
    best = max(rates, key=lambda mode: median(rates[mode]))
    tied = tuple(
        mode for mode in MODES if mode in rates and compared(rates[best], rates[mode]) <= 0
    )
    others = [mode for mode in rates if mode not in tied]
    after = max(others, key=lambda mode: median(rates[mode]), default=None)
    lead = None
    if after is not None and len(tied) == 1:
        lead = ratios(rates[best], rates[after])
    return Verdict(tied[0], tied, after, lead)


@dataclass(frozen=True)
class Change:
    """From where on one is faster: surely at ``at``, and not surely yet at ``before``.

    ``before`` None: already at the first value.  ``at`` None: not even at the last.
    """

    before: float | None
    at: float | None


def change(verdicts: Iterable[tuple[float, int]]) -> Change:
    """Return the first value from which on every verdict is 1; values come in rising order."""
    known = list(verdicts)
    sure = [x for x, _ in takewhile(lambda one: one[1] == 1, reversed(known))]
    before = known[-len(sure) - 1][0] if len(sure) < len(known) else None
    return Change(before, sure[-1] if sure else None)
