"""The five modes on the same pages, with and without latency: speed, and where the CPU goes."""

from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.ceiling import ceiling
from bench.cell import Cell, Measured
from bench.layout import Table
from bench.machine import machine
from bench.results import Results
from bench.rounds import by_cell, by_round, run_rounds, warm_up
from bench.spread import spread
from bench.stand import set_up
from crawler import MODES

__all__ = ["FULL", "QUICK", "Scale", "measure", "tables"]

IN_FLIGHT = 50
STAGES = ("fetch", "analyse", "write", "rest")
NO_CHOICE = ("serial", "processes")  # the number in flight is given


@dataclass(frozen=True)
class Scale:
    """How many pages at each latency, and how often; the first latency is the least.

    All pages together must be below some 40 MB, or the server makes them again and again.
    """

    pages: dict[str, int]
    rounds: int
    in_flight: int = IN_FLIGHT


FULL = Scale(pages={"0ms": 1000, "50ms": 300}, rounds=3)
QUICK = Scale(pages={"0ms": 200, "50ms": 100}, rounds=2)


def measure(scale: Scale = FULL) -> Results:
    """Crawl pages of 30 kB with 60 links in all modes; raises BenchError."""
    with set_up(size="30kB", links=60, pages=max(scale.pages.values())) as stand:
        for latency, pages in scale.pages.items():
            stand.write_list(latency, pages, partial(_path, latency))
        warm_up(stand, scale.pages)
        most = ceiling(stand, next(iter(scale.pages)))
        cells = [
            Cell(
                work=latency,
                mode=mode,
                concurrency=scale.in_flight,
                pages=pages,
                warm=1 if mode in NO_CHOICE else min(scale.in_flight, pages // 4),
            )
            for latency, pages in scale.pages.items()
            for mode in MODES
        ]
        measured = run_rounds(stand, cells, scale.rounds)
    return Results(
        name="modes",
        machine=machine(),
        how=_how(scale),
        settings={},
        ceiling_per_s=most,
        cells=measured,
    )


def tables(results: Results) -> list[Table]:
    """Return a table for each latency, a row for each mode."""
    cells = by_cell(results.cells)
    works = sorted({cell.work for cell in cells})
    found = []
    for work in works:
        runs = {cell.mode: cells[cell] for cell in cells if cell.work == work}
        found.append(
            Table(
                title=f"Five modes, 30 kB pages, latency {work.removesuffix('ms')} ms",
                columns=("mode", "× serial", "pages/s", "in flight", "CPU ms", *STAGES, "server"),
                rows=[_row(runs[mode], runs["serial"]) for mode in MODES],
                notes=results.notes if work == works[-1] else (),
            )
        )
    return found


def _row(runs: list[Measured], serial: list[Measured]) -> list[str]:
    return [
        runs[0].cell.mode,
        spread(by_round(runs, serial)).text(2),
        spread(run.pages_per_s for run in runs).text(),
        f"{median(run.in_flight_mean for run in runs):.0f}",
        f"{1000 * median(run.cost.client for run in runs):.2f}",
        *(f"{1000 * median(run.stages[stage] for run in runs):.2f}" for stage in STAGES),
        f"{1000 * median(run.cost.server for run in runs):.2f}",
    ]


def _how(scale: Scale) -> list[str]:
    return [
        f"Pages of 30 kB with 60 links, {scale.in_flight} in flight where the mode has a choice; "
        "crawl and server share all cores.",
        f"Medians of {scale.rounds} runs in shuffled rounds, with the least and the greatest; "
        "`× serial` compares runs of the same round.",
        "`in flight` is the mean that the client had, waiting for a connection included.",
        "`CPU ms` is what a page costs the client without start-up, the four columns after it "
        "divide it up, `server` is what it costs the server.",
    ]


def _path(latency: str, number: int) -> str:
    return f"/p/{number}?latency={latency}"
