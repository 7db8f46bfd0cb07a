"""Crawl for an exhibit: cells in fresh interpreters, the same work proven, the server no limit."""

from collections.abc import Callable, Sequence

from bench.ceiling import ceiling
from bench.cell import Cell, Measured
from bench.exhibits.exhibit import Figure, Scale
from bench.machine import machine
from bench.results import Results, checked
from bench.rounds import by_cell, run_rounds, warm_up
from bench.stand import Stand

__all__ = ["crawled", "figure"]

Runs = dict[Cell, list[Measured]]


def crawled(stand: Stand, cells: Sequence[Cell], scale: Scale) -> Runs:
    """Return the runs of each cell, made in shuffled rounds.

    Raises BenchError if cells of the same work had different digests, or if one took more of
    the server than may be compared.
    """
    works = list(dict.fromkeys(cell.work for cell in cells))
    warm_up(stand, works)
    most = None if scale.quick else min(ceiling(stand, work) for work in works)
    found = run_rounds(stand, cells, scale.rounds, tell=lambda _: None)
    checked(
        Results(
            name="exhibit", machine=machine(), how=[], settings={}, ceiling_per_s=most, cells=found
        )
    )
    return by_cell(found)


def figure(
    name: str, unit: str, runs: Sequence[Measured], of: Callable[[Measured], float]
) -> Figure:
    """Return one figure of the runs of a cell, round by round."""
    return Figure(name, unit, [of(one) for one in runs])
