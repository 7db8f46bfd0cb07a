"""Whether memory stays flat on a long list: its slope over the records, and its peak."""

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
MODES = ("threads", "hybrid")


@dataclass(frozen=True)
class Scale:
    """How long the list is; memory is looked at from the first tenth on."""

    pages: int
    in_flight: int = 8


FULL = Scale(pages=200_000)
QUICK = Scale(pages=20_000)


def measure(scale: Scale = FULL) -> Results:
    """Crawl a long list of small pages and read the memory on the way; raises BenchError."""
    with set_up(size="1kB", pages=DIFFERENT) as stand:
        stand.write_list("long-list", scale.pages, _path)
        most = ceiling(stand, "long-list")
        cells = [
            Cell(work="long-list", mode=mode, concurrency=scale.in_flight, pages=scale.pages)
            for mode in MODES
        ]
        measured = run_rounds(stand, cells, 1, sample_every=max(1, scale.pages // READINGS))
    return Results(
        name="memory",
        machine=machine(),
        how=[
            f"Pages of 1 kB, {scale.pages} different URLs, {scale.in_flight} in flight, records "
            "written to a file; PSS of the crawl and its workers.",
            "The slope is that of least squares from the first tenth to the end, ± two standard "
            "errors.",
        ],
        settings={"from": scale.pages // 10, "to": scale.pages},
        ceiling_per_s=most,
        cells=measured,
    )


def tables(results: Results) -> list[Table]:
    """Return one table: a row for each mode."""
    first, last = int(results.settings["from"]), int(results.settings["to"])
    runs = sorted(results.cells, key=lambda run: MODES.index(run.cell.mode))
    return [
        Table(
            title=f"Memory between {first} and {last} URLs",
            columns=(
                "mode", "bytes a URL", f"MB at {first}", f"MB at {last}", "peak MB", "pages/s",
            ),
            rows=[_row(run, first) for run in runs],
            notes=results.notes,
        )
    ]  # fmt: skip


def _row(run: Measured, first: int) -> list[str]:
    late = [(float(count), float(size)) for count, size in run.memory if count >= first]
    peak = max(size for _, size in run.memory)
    return [
        run.cell.mode,
        slope(late).text(),
        *(f"{size / 1e6:.1f}" for size in (late[0][1], late[-1][1], peak)),
        f"{run.pages_per_s:.0f}",
    ]


def _path(number: int) -> str:
    """Return a path of its own for each line; no page of 1 kB has room for so many links."""
    return f"/p/{number % DIFFERENT}?links={1000 + number // DIFFERENT}"
