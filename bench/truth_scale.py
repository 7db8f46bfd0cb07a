"""How much of each part of the truth is measured: enough to believe it, or only to see it work."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Lengths of runs in seconds, and how often each is made.

    ``rounds`` is how often all distributions have their turn.  A run that is not quiet is
    repeated, but not more than ``repeats`` times in all.
    """

    pacing_s: float
    rounds: int
    percentiles_s: float
    pairs: int
    pair_s: float
    requests: int
    searches: int
    step_s: float
    capacity_s: float
    stall_s: float
    stalls_s: float
    harms: int
    harm_s: float
    repeats: int
    screens: int
    screen_s: float


FULL = Scale(
    pacing_s=60,
    rounds=5,
    percentiles_s=3,
    pairs=5,
    pair_s=5,
    requests=10_000_000,
    searches=1,
    step_s=10,
    capacity_s=10,
    stall_s=1,
    stalls_s=60,
    harms=20,
    harm_s=2,
    repeats=60,
    screens=10,
    screen_s=3,
)
QUICK = Scale(
    pacing_s=3,
    rounds=1,
    percentiles_s=0.5,
    pairs=1,
    pair_s=1,
    requests=200_000,
    searches=1,
    step_s=0.7,
    capacity_s=2,
    stall_s=0.2,
    stalls_s=2,
    harms=1,
    harm_s=1.5,
    repeats=1,
    screens=1,
    screen_s=1,
)
