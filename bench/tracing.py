"""What `--trace` costs a page: the same crawl with and without it, in pairs, in every mode."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from bench.ceiling import ceiling
from bench.cell import Cell, Measured
from bench.layout import Table
from bench.machine import machine
from bench.results import Results
from bench.rounds import run_rounds, say, warm_up
from bench.spread import spread
from bench.stand import Stand, set_up
from crawler import MODES

__all__ = ["FULL", "MOST", "QUICK", "Scale", "added", "measure", "tables"]

WORK = "30 kB, 0 ms"
IN_FLIGHT = 50
DIFFERENT = 1000
#: The share of a page's CPU that a trace may take.
MOST = 0.03


@dataclass(frozen=True)
class Scale:
    """How many pages in one run, and how many pairs."""

    pages: int
    rounds: int


FULL = Scale(pages=4000, rounds=10)
QUICK = Scale(pages=300, rounds=2)


def measure(scale: Scale = FULL) -> Results:
    """Crawl pages of 30 kB with 60 links in all modes; raises BenchError."""
    with set_up(size="30kB", links=60, pages=DIFFERENT) as stand:
        stand.write_list(WORK, scale.pages, lambda number: f"/p/{number % DIFFERENT}")
        stand.write_list("different", DIFFERENT, lambda number: f"/p/{number}")
        warm_up(stand, ["different"])
        most = ceiling(stand, "different")
        measured: list[Measured] = []
        for number in range(scale.rounds):
            for mode in random.Random(number).sample(MODES, len(MODES)):
                measured += _pair(stand, mode, scale.pages, is_first=bool(number % 2))
                say(f"pair {len(measured) // 2} of {scale.rounds * len(MODES)}: {mode}")
    return Results(
        name="trace",
        machine=machine(),
        how=[
            f"Pages of 30 kB with 60 links, 0 ms, {IN_FLIGHT} in flight where the mode has a "
            f"choice; {scale.pages} pages a run.",
            f"Medians of {scale.rounds} pairs in shuffled rounds, with the least and the "
            "greatest; the two of a pair run one after the other, now this one first, now that.",
            f"The CPU of workers included; the goal is {MOST:.0%} of a page's.",
        ],
        settings={"most": MOST},
        ceiling_per_s=most,
        cells=measured,
    )


def _pair(stand: Stand, mode: str, pages: int, *, is_first: bool) -> list[Measured]:
    """Crawl with a trace and without, one right after the other: machines change their speed."""
    plain = Cell(work=WORK, mode=mode, concurrency=IN_FLIGHT, pages=pages, warm=IN_FLIGHT)
    order = (True, False) if is_first else (False, True)
    return [
        run_rounds(stand, [msgspec.structs.replace(plain, traced=traced)], 1, tell=_silent)[0]
        for traced in order
    ]


def _silent(_line: str) -> None:
    """Tell nobody."""


def added(measured: Sequence[Measured], mode: str) -> list[tuple[float, float]]:
    """Return for each round the CPU seconds of a page, and how much more with a trace."""
    plain, traced = (
        [one.cost.client for one in measured if (one.cell.mode, one.cell.traced) == (mode, wanted)]
        for wanted in (False, True)
    )
    return [(without, with_it - without) for without, with_it in zip(plain, traced, strict=True)]


def tables(results: Results) -> list[Table]:
    """Return one table: a row for each mode."""
    return [
        Table(
            title="What a trace costs a page",
            columns=("mode", "CPU µs", "more with a trace µs", "more %", "within the goal"),
            rows=[_row(mode, added(results.cells, mode)) for mode in MODES],
            left=frozenset({"mode", "within the goal"}),
            notes=results.notes,
        )
    ]


def _row(mode: str, pairs: list[tuple[float, float]]) -> list[str]:
    shares = [more / without for without, more in pairs]
    return [
        mode,
        spread(without for without, _ in pairs).text(scale=1e6),
        spread(more for _, more in pairs).text(scale=1e6),
        spread(shares).text(1, scale=100),
        "yes" if median(shares) < MOST else "no",
    ]
