"""What the grid comes to: its runs, and the points at which they must not be compared."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from bench.ceiling import MOST
from bench.cell import BenchError, Measured
from bench.grid.plan import CHOOSING, Point
from bench.results import Kept, Run

__all__ = ["GridResults", "GridRun", "refusal", "saturated"]

#: Modes may differ by so much in what they had in flight at most.
APART = 0.05
#: Used more than this, a core or all of them count as the limit; the crawl's own reports say so
#: of the same share.
BUSY = 0.85


class GridRun(msgspec.Struct, kw_only=True, frozen=True):
    """One run at a point, in a round."""

    round: int
    point: Point
    run: Measured

    @property
    def mode(self) -> str:
        """The mode that ran."""
        return self.run.cell.mode

    @property
    def pages_per_s(self) -> float:
        """How fast it was."""
        return self.run.pages_per_s


class GridResults(Kept, kw_only=True, frozen=True):
    """All runs; ``gil`` has the share of each work's CPU that holds the GIL."""

    gil: dict[str, float]
    cells: list[GridRun]

    @property
    def runs(self) -> Sequence[Run]:
        """All runs."""
        return self.cells

    @property
    def cores(self) -> int:
        """How many cores crawl and server shared."""
        return int(self.settings["cores"])

    def at(self) -> dict[Point, dict[str, list[GridRun]]]:
        """Return for each point the runs of each mode, a round after the other."""
        found: dict[Point, dict[str, list[GridRun]]] = defaultdict(lambda: defaultdict(list))
        for one in sorted(self.cells, key=lambda one: (one.point, one.round)):
            found[one.point][one.mode].append(one)
        return {point: dict(modes) for point, modes in found.items()}

    def refusals(self) -> dict[Point, str]:
        """Return the points that must not be compared, and why."""
        found = {
            point: refusal((one for runs in modes.values() for one in runs), self.cores)
            for point, modes in self.at().items()
        }
        for one in self.cells:
            if self.ceiling_per_s and one.pages_per_s > MOST * self.ceiling_per_s:
                found[one.point] = f"{one.mode} took more than {MOST:.0%} of what the server gives"
        return {point: reason for point, reason in found.items() if reason is not None}

    def refuse(self) -> None:
        """Raise BenchError if runs are missing, or if no point may be compared."""
        for point, modes in self.at().items():
            if any(len(runs) != self.settings["rounds"] for runs in modes.values()):
                raise BenchError(f"not kept: {point.name} was not run in every round")
        if len(self.refusals()) == len(self.at()):
            raise BenchError("not kept: every point of the grid is refused")


def refusal(runs: Iterable[GridRun], cores: int) -> str | None:
    """Return why the *runs* of one point must not be compared; None if they may.

    They must have found the same pages.  A mode that chooses its number in flight must have had
    that many open at the server at least once, within APART, or else have been held back by the
    CPU: then it is the mode, and not a limit of its client, that had fewer.  A server that
    answers at once never has many open, so without latency there is nothing to see.
    """
    runs = list(runs)
    if len({(one.run.ok, one.run.digest) for one in runs}) > 1:
        return "the modes did not do the same work"
    for one in runs:
        wanted, seen = one.point.places, one.run.in_flight_max
        if one.run.ok != one.run.cell.pages:
            return f"{one.mode} has {one.run.ok} ok records instead of {one.run.cell.pages}"
        if one.mode not in CHOOSING or not one.point.latency_ms:
            continue
        if seen > wanted * (1 + APART):
            return f"{one.mode} had {seen} in flight instead of {wanted}"
        if seen < wanted * (1 - APART) and not saturated(one.run, cores):
            return f"{one.mode} had {seen} in flight instead of {wanted}, and CPU left"
    return None


def saturated(run: Measured, cores: int) -> bool:
    """Tell whether *run* used up a core with its own process, or all cores with the server."""
    rate, cost = run.pages_per_s, run.cost
    return rate * cost.own >= BUSY or rate * (cost.client + cost.server) >= BUSY * cores
