"""Little's law: pages a second against what the number in flight, a thread and the cores allow."""

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.bounds import bound, thread_cost
from bench.ceiling import ceiling
from bench.cell import Cell, Measured
from bench.layout import Table
from bench.machine import machine
from bench.results import Results
from bench.rounds import by_cell, run_rounds, warm_up
from bench.spread import spread
from bench.stand import set_up

__all__ = ["FULL", "QUICK", "Scale", "measure", "tables"]

LATENCY = 0.1
GROWTH = 1.5  # of the loop's CPU a page, from which on it needs an explanation


@dataclass(frozen=True)
class Scale:
    """How many pages to crawl for each number in flight, and how often.

    The pages are a multiple of the number in flight, so that every place does as many.  The
    site has fewer *different* ones, which long lists ask for again.
    """

    pages: dict[int, int]
    rounds: int
    modes: Sequence[str] = ("threads", "async", "hybrid")
    different: int = 600

    def path(self, number: int) -> str:
        """Return the path of a line: sizes from 2 to 10 kB in turn."""
        page = number % self.different
        return f"/p/{page}?size={2 + page % 9}kB"


FULL = Scale(pages={16: 640, 64: 3072, 200: 8000}, rounds=3)
QUICK = Scale(pages={16: 160, 64: 320}, rounds=2)


def measure(scale: Scale = FULL, *, pinned: bool = False) -> Results:
    """Crawl pages of 2 to 10 kB that come after 100 ms; raises BenchError."""
    with set_up(pinned=pinned, latency=f"{LATENCY * 1000:g}ms", pages=scale.different) as stand:
        stand.write_list("warm-up", scale.different, scale.path)
        stand.write_list(
            "ceiling", scale.different, lambda number: f"{scale.path(number)}&latency=0"
        )
        for places, pages in scale.pages.items():
            stand.write_list(f"{places}-in-flight", pages, scale.path)
        warm_up(stand, ["warm-up"])
        most = ceiling(stand, "ceiling")
        # The steady part begins when every place has done one page.
        cells = [
            Cell(
                work=f"{places}-in-flight", mode=mode, concurrency=places, pages=pages, warm=places
            )
            for places, pages in scale.pages.items()
            for mode in scale.modes
        ]
        measured = run_rounds(stand, cells, scale.rounds)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Results(
        name="little",
        machine=machine(),
        how=_how(scale, pinned=bool(stand.cores)),
        settings={"latency": LATENCY, "cores": cores or 1, "pinned": float(bool(stand.cores))},
        ceiling_per_s=most,
        cells=measured,
    )


def tables(results: Results) -> list[Table]:
    """Return one table: a row for each mode and number in flight."""
    cells = by_cell(results.cells)
    order = sorted(cells, key=lambda cell: (_place(cell.mode), cell.concurrency))
    return [
        Table(
            title="Little's law at 100 ms",
            columns=(
                "mode", "in flight", "seen", "pages/s", "share", "allowed", "limit",
                "thread ms", "client ms", "server ms",
            ),
            rows=[_row(results, cells[cell]) for cell in order],
            left=frozenset({"mode", "limit"}),
            notes=[*_pool_note(results.cells), *results.notes],
        )
    ]  # fmt: skip


def _row(results: Results, runs: list[Measured]) -> list[str]:
    settings, cell = results.settings, runs[0].cell
    bounds = [
        bound(
            run,
            latency=settings["latency"],
            cores=int(settings["cores"]),
            pinned=bool(settings["pinned"]),
        )
        for run in runs
    ]
    shares = [run.pages_per_s / most.pages_per_s for run, most in zip(runs, bounds, strict=True)]
    return [
        cell.mode,
        str(cell.concurrency),
        f"{median(run.in_flight_max for run in runs):.0f}",
        spread(run.pages_per_s for run in runs).text(),
        f"{spread(shares).text(scale=100)} %",
        f"{median(most.pages_per_s for most in bounds):.0f}",
        Counter(most.name for most in bounds).most_common(1)[0][0],
        f"{1000 * median(thread_cost(run) for run in runs):.2f}",
        f"{1000 * median(run.cost.client for run in runs):.2f}",
        f"{1000 * median(run.cost.server for run in runs):.2f}",
    ]


def _how(scale: Scale, *, pinned: bool) -> list[str]:
    where = (
        "The server has one core to itself and the crawl the others."
        if pinned
        else "Crawl and server share all cores."
    )
    least = "1/client CPU, 1/server CPU" if pinned else "cores/(client + server CPU)"
    return [
        "Pages of 2 to 10 kB, each answered after 100 ms.",
        where,
        f"Medians of {scale.rounds} runs in shuffled rounds, with the least and the greatest; "
        "CPU a page without start-up, from the run itself.",
        "`seen` is the most requests the server had open at once.",
        "`allowed` is the least of: in flight/(latency + client CPU), 1/CPU of the one thread, "
        f"{least}; `limit` says which.",
        "The one thread is the process of the loop or of the threads, not hybrid's workers. "
        "Threads let go of the GIL in the kernel, and while they parse and hash: they may pass "
        "that limit.",
    ]


def _pool_note(measured: list[Measured]) -> list[str]:
    """Say where the time of the loop goes, if it grows with the number in flight."""
    on_loop = {
        cell.concurrency: median(run.cost.own for run in runs)
        for cell, runs in by_cell(measured).items()
        if cell.mode == "async"
    }
    if not on_loop:
        return []
    few, many = min(on_loop), max(on_loop)
    growth = on_loop[many] / on_loop[few] if on_loop[few] else math.nan
    if not growth > GROWTH:
        return []
    return [
        f"On the loop a page costs {1000 * on_loop[few]:.1f} ms of CPU at {few} in flight and "
        f"{1000 * on_loop[many]:.1f} ms at {many}: httpx's own pool looks through all its "
        "connections for each request. That, and not waiting, is what holds async and hybrid "
        "there."
    ]


def _place(mode: str) -> int:
    return FULL.modes.index(mode)
