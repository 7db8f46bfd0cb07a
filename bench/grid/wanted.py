"""How many cores the pages in flight could keep busy, and whether hybrid pays by that."""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from bench.grid.edges import cpu_ms
from bench.grid.plan import Point
from bench.grid.results import GridResults
from bench.grid.tables import rates
from bench.grid.winners import compared, ratios
from bench.spread import Spread, spread

__all__ = ["Lead", "cores_wanted", "leads"]

#: Modes that compute in one process, and so on one core at most while the GIL is held.
ONE_PROCESS = ("serial", "threads", "async")


class Lead(NamedTuple):
    """At how many *points* hybrid was measured, at how many surely ahead, and by how much.

    The lead is over the fastest mode of one process at the point, and the median of its rounds.
    """

    points: int
    ahead: int
    lead: Spread


def cores_wanted(results: GridResults, point: Point) -> float | None:
    """Return N * c / (L + c), for N in flight, the latency L and the CPU c of a page.

    By Little's law it is how many pages would be computed at once if there were cores enough.
    None where c was not measured.
    """
    cost = cpu_ms(results, point.work)
    return None if cost is None else point.places * cost / (point.latency_ms + cost)


def leads(results: GridResults) -> tuple[Lead, Lead] | None:
    """Return hybrid's lead where less than a core is wanted, and elsewhere; None if unknown."""
    known = list(_known(results))
    kinds = [[one for one in known if (one[0] < 1) == below] for below in (True, False)]
    if not all(kinds):
        return None
    below, above = (
        Lead(len(kind), sum(sure for _, sure, _ in kind), spread(lead for *_, lead in kind))
        for kind in kinds
    )
    return below, above


def _known(results: GridResults) -> Iterator[tuple[float, bool, float]]:
    """Yield for each point the cores wanted, whether hybrid is surely ahead, and its lead."""
    for point, modes in results.at().items():
        found, wanted = rates(modes), cores_wanted(results, point)
        others = [found[mode] for mode in ONE_PROCESS if mode in found]
        if wanted is not None and others and "hybrid" in found:
            best = max(others, key=median)
            ours = found["hybrid"]
            yield wanted, compared(ours, best) > 0, ratios(ours, best).median
