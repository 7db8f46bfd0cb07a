"""What `--trace` costs a page: the same crawl with and without it, in pairs, in every mode."""

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from bench.ceiling import ceiling
from bench.cell import BenchError, Cell, Errand, Measured, environment
from bench.child import measure as measured
from bench.layout import Table
from bench.machine import machine
from bench.results import Results
from bench.rounds import say, warm_up
from bench.spread import spread
from bench.stand import Stand, set_up
from crawler import MODES

__all__ = ["FULL", "MOST", "QUICK", "Scale", "added", "measure", "middle", "tables"]

WORK = "30 kB, 0 ms"
IN_FLIGHT = 50
#: Whether a crawl has a trace, in the order of the crawls of a pair: what drifts hits both alike.
ORDER = (False, True, True, False, True, False, False, True) * 2
#: The share of a page's CPU that a trace may take.
MOST = 0.03


@dataclass(frozen=True)
class Scale:
    """How many pages in one crawl, and how many pairs of such crawls by turns."""

    pages: int
    rounds: int


FULL = Scale(pages=400, rounds=10)
QUICK = Scale(pages=150, rounds=1)


def measure(scale: Scale = FULL) -> Results:
    """Crawl pages of 30 kB with 60 links in all modes; raises BenchError."""
    with set_up(size="30kB", links=60, pages=scale.pages) as stand:
        stand.write_list(WORK, scale.pages, lambda number: f"/p/{number}")
        warm_up(stand, [WORK])
        most = ceiling(stand, WORK)
        found: list[Measured] = []
        for number in range(scale.rounds):
            for mode in random.Random(number).sample(MODES, len(MODES)):
                found += _pair(stand, mode, scale.pages)
                say(f"pair {len(found) // 2} of {scale.rounds * len(MODES)}: {mode}")
    return Results(
        name="trace",
        machine=machine(),
        how=[
            f"{scale.pages} pages of 30 kB with 60 links, 0 ms, {IN_FLIGHT} in flight where the "
            "mode has a choice.",
            f"Medians of {scale.rounds} pairs in shuffled rounds, with the least and the "
            "greatest; a pair is the median crawl of each kind, of an interpreter that crawls "
            f"{ORDER.count(True)} times with a trace and as often without, by turns.",
            f"The CPU of workers included, their start not; the goal is {MOST:.0%} of a page's.",
        ],
        settings={"most": MOST},
        ceiling_per_s=most,
        cells=found,
    )


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


def _pair(stand: Stand, mode: str, pages: int) -> list[Measured]:
    """Return the middle run without a trace and the middle run with one, in an interpreter."""
    cell = Cell(work=WORK, mode=mode, concurrency=IN_FLIGHT, pages=pages, warm=IN_FLIGHT)
    errand = Errand(
        cell=cell, source=str(stand.lists[WORK]), site_pid=stand.running.pid, cores=stand.cores
    )
    done = subprocess.run(
        [sys.executable, "-m", "bench.tracing", msgspec.json.encode(errand).decode()],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{mode} ended with {done.returncode}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=list[Measured])


def middle(runs: Sequence[Measured]) -> Measured:
    """Return that one of *runs* whose CPU is the median; the mean moves with one disturbed run."""
    return sorted(runs, key=lambda run: run.cost.client)[len(runs) // 2]


def main() -> None:
    """Do the errand that is given as JSON by turns, after once for nothing."""
    errand = msgspec.json.decode(sys.argv[1], type=Errand)
    runs: dict[bool, list[Measured]] = {False: [], True: []}
    measured(errand)
    for traced in ORDER:
        cell = msgspec.structs.replace(errand.cell, traced=traced)
        runs[traced].append(measured(msgspec.structs.replace(errand, cell=cell)))
    print(msgspec.json.encode([middle(runs[traced]) for traced in runs]).decode())


if __name__ == "__main__":
    main()
