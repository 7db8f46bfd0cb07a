"""Many connections at once: 200 that wait 100 ms, 10 000 that wait a second; what each takes."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.bounds import bound
from bench.ceiling import ceiling
from bench.cell import Cell, Measured
from bench.layout import Table
from bench.machine import machine
from bench.results import Results
from bench.rounds import by_cell, run_rounds, warm_up
from bench.spread import spread
from bench.stand import set_up

__all__ = ["FULL", "QUICK", "Scale", "measure", "tables"]

DIFFERENT = 500
SIZE = "2kB"


@dataclass(frozen=True)
class Scale:
    """For each latency in ms the connections that wait so long, and the pages they fetch.

    The first is also what the memory of the others is held against.
    """

    held: dict[int, tuple[int, int]]
    rounds: int
    modes: Sequence[str] = ("async", "hybrid")


FULL = Scale(held={100: (200, 20_000), 1000: (10_000, 100_000)}, rounds=3)
QUICK = Scale(held={100: (200, 2000), 1000: (2000, 8000)}, rounds=1)


def measure(scale: Scale = FULL) -> Results:
    """Crawl pages of 2 kB that are long in coming; raises BenchError."""
    with set_up(size=SIZE, pages=DIFFERENT) as stand:
        stand.write_list("warm-up", DIFFERENT, lambda number: f"/p/{number}")
        for latency, (_, pages) in scale.held.items():
            stand.write_list(str(latency), pages, partial(_path, latency))
        warm_up(stand, ["warm-up"])
        most = ceiling(stand, "warm-up")
        cells = [
            Cell(work=str(latency), mode=mode, concurrency=places, pages=pages, warm=places)
            for latency, (places, pages) in scale.held.items()
            for mode in scale.modes
        ]
        measured = run_rounds(stand, cells, scale.rounds, sample_every=2000)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Results(
        name="connections",
        machine=machine(),
        how=_how(scale),
        settings={"cores": cores or 1},
        ceiling_per_s=most,
        cells=measured,
    )


def tables(results: Results) -> list[Table]:
    """Return one table: a row for each mode and latency."""
    cells = by_cell(results.cells)
    order = sorted(cells, key=lambda cell: (cell.concurrency, cell.mode))
    return [
        Table(
            title="Connections held open",
            columns=(
                "mode", "in flight", "seen", "latency ms", "pages/s", "of in flight / latency",
                "of the bound", "bound", "loop ms", "kB each",
            ),
            rows=[_row(results, cells, cell) for cell in order],
            left=frozenset({"mode", "bound"}),
            notes=results.notes,
        )
    ]  # fmt: skip


def _row(results: Results, cells: dict[Cell, list[Measured]], cell: Cell) -> list[str]:
    runs, latency = cells[cell], float(cell.work) / 1000
    cores = int(results.settings["cores"])
    bounds = [bound(run, latency=latency, cores=cores, pinned=False) for run in runs]
    simple = cell.concurrency / latency
    return [
        cell.mode,
        str(cell.concurrency),
        f"{median(run.in_flight_max for run in runs):.0f}",
        f"{1000 * latency:.0f}",
        spread(run.pages_per_s for run in runs).text(),
        f"{spread(run.pages_per_s / simple for run in runs).text(scale=100)} %",
        f"{spread(_shares(runs, [most.pages_per_s for most in bounds])).text(scale=100)} %",
        bounds[0].name,
        f"{1000 * median(run.cost.own for run in runs):.2f}",
        _each(cells, cell),
    ]


def _shares(runs: list[Measured], most: list[float]) -> list[float]:
    return [run.pages_per_s / least for run, least in zip(runs, most, strict=True)]


def _each(cells: dict[Cell, list[Measured]], cell: Cell) -> str:
    """Return how much memory each connection more than in the smallest cell takes, in kB."""
    fewest = min(
        (other for other in cells if other.mode == cell.mode), key=lambda one: one.concurrency
    )
    if fewest == cell:
        return ""
    more = _peak(cells[cell]) - _peak(cells[fewest])
    return f"{more / (cell.concurrency - fewest.concurrency) / 1000:.1f}"


def _peak(runs: list[Measured]) -> float:
    return median(max(size for _, size in run.memory) for run in runs)


def _path(latency: int, number: int) -> str:
    return f"/p/{number % DIFFERENT}?latency={latency}ms"


def _how(scale: Scale) -> list[str]:
    return [
        f"Pages of {SIZE}, all on one host; crawl and server share all cores.",
        f"Medians of {scale.rounds} runs in shuffled rounds, with the least and the greatest.",
        "`of in flight / latency` is against Little's law with pages that cost nothing, `of the "
        "bound` against the least of that with the CPU a page counted in, one thread, and all "
        "cores; `bound` says which.",
        "`kB each` is the peak memory (PSS, workers included) beyond that with fewer "
        "connections, for each connection more.",
    ]
