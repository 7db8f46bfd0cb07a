"""Run cells one at a time, in rounds, each round in another order, so that drift hits all alike."""

import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from bench.cell import Cell, Errand, Measured, run
from bench.stand import Stand

__all__ = ["by_cell", "by_round", "run_rounds", "warm_up"]

WARMING = 32  # in flight, while nothing is measured

Told = Callable[[str], object]


def say(line: str) -> None:
    """Tell a person on stderr how far it is."""
    print(line, file=sys.stderr, flush=True)


def warm_up(stand: Stand, works: Iterable[str]) -> None:
    """Have the server make the pages of each work once, so that no cell pays for it."""
    for work in works:
        pages = len(stand.lists[work].read_bytes().splitlines())
        run(
            _errand(stand, Cell(work=work, mode="threads", concurrency=32, pages=pages)),
            stand.running,
        )


def run_rounds(
    stand: Stand, cells: Sequence[Cell], rounds: int, *, sample_every: int = 0, tell: Told = say
) -> list[Measured]:
    """Return what came of each cell, round after round; raises BenchError."""
    measured: list[Measured] = []
    for number in range(rounds):
        for cell in random.Random(number).sample(cells, len(cells)):
            errand = msgspec.structs.replace(_errand(stand, cell), sample_every=sample_every)
            found = run(errand, stand.running)
            measured.append(found)
            tell(
                f"{len(measured)} of {rounds * len(cells)}: {cell.mode}, {cell.work}, "
                f"{cell.concurrency} in flight: {found.pages_per_s:.0f} pages/s"
            )
    return measured


def by_cell(measured: Iterable[Measured]) -> dict[Cell, list[Measured]]:
    """Return the runs of each cell, in the order in which they were made."""
    cells: dict[Cell, list[Measured]] = {}
    for one in measured:
        cells.setdefault(one.cell, []).append(one)
    return cells


def by_round(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Iterator[float]:
    """Yield how many times as fast *ours* was in each round as *theirs* in the same round."""
    for one, other in zip(ours, theirs, strict=True):
        yield one.pages_per_s / other.pages_per_s


def _errand(stand: Stand, cell: Cell) -> Errand:
    return Errand(
        cell=cell, source=str(stand.lists[cell.work]), site_pid=stand.running.pid, cores=stand.cores
    )
