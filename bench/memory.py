"""Whether memory stays flat on a long list: its slope over the records, and its peak."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.ceiling import ceiling
from bench.cell import Cell, Measured
from bench.layout import Table
from bench.machine import machine
from bench.results import Results
from bench.rounds import run_rounds
from bench.slope import slope
from bench.stand import set_up

__all__ = ["FULL", "QUICK", "Scale", "measure", "tables"]

DIFFERENT = 500  # bodies; the URLs are all different
READINGS = 200


@dataclass(frozen=True)
class Scale:
    """How long the list of each mode is; memory is looked at from the first tenth on."""

    pages: Mapping[str, int]
    in_flight: int = 8


FULL = Scale(pages={"threads": 200_000, "hybrid": 1_000_000})
QUICK = Scale(pages={"threads": 20_000, "hybrid": 20_000})


def measure(scale: Scale = FULL) -> Results:
    """Crawl a long list of small pages and read the memory on the way; raises BenchError."""
    with set_up(size="1kB", pages=DIFFERENT) as stand:
        for mode, pages in scale.pages.items():
            stand.write_list(mode, pages, _path)
        most = ceiling(stand, "threads")
        cells = [
            Cell(work=mode, mode=mode, concurrency=scale.in_flight, pages=pages)
            for mode, pages in scale.pages.items()
        ]
        every = max(1, min(scale.pages.values()) // READINGS)
        measured = run_rounds(stand, cells, 1, sample_every=every)
    return Results(
        name="memory",
        machine=machine(),
        how=[
            f"Pages of 1 kB, all URLs different, {scale.in_flight} in flight, records written "
            "to a file; PSS of the crawl and its workers.",
            "The slope is that of least squares from the first tenth to the end, ± two standard "
            "errors.",
        ],
        settings={},
        ceiling_per_s=most,
        cells=measured,
    )


def tables(results: Results) -> list[Table]:
    """Return one table: a row for each mode."""
    return [
        Table(
            title="Memory on a long list",
            columns=("mode", "from", "to", "bytes a URL", "MB first", "MB last", "peak MB"),
            rows=[_row(run) for run in sorted(results.cells, key=lambda run: run.cell.pages)],
            notes=results.notes,
        )
    ]  # fmt: skip


def _row(run: Measured) -> list[str]:
    first, last = run.cell.pages // 10, run.cell.pages
    late = [(float(count), float(size)) for count, size in run.memory if count >= first]
    peak = max(size for _, size in run.memory)
    return [
        run.cell.mode,
        str(first),
        str(last),
        slope(late).text(),
        *(f"{size / 1e6:.1f}" for size in (late[0][1], late[-1][1], peak)),
    ]


def _path(number: int) -> str:
    """Return a path of its own for each line; no page of 1 kB has room for so many links."""
    return f"/p/{number % DIFFERENT}?links={1000 + number // DIFFERENT}"
