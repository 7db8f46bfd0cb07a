"""Measure the grid: a fresh interpreter for each cell, shuffled rounds, going on after a break."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bench.ceiling import ceiling
from bench.cell import Errand, run
from bench.grid.gil import held
from bench.grid.part import Head, Part
from bench.grid.plan import DIFFERENT, FULL, QUICK, Scale, Step, cell_of, planned, seconds
from bench.grid.results import GridResults, GridRun
from bench.machine import machine
from bench.results import FOLDER
from bench.rounds import say, warm_up
from bench.stand import Stand, set_up

__all__ = ["FULL", "PART", "QUICK", "measure"]

PART = FOLDER / "grid.part.jsonl"
ANY = "any"  # the list of all pages without latency


def measure(scale: Scale = FULL, path: Path = PART, *, fresh: bool = False) -> GridResults:
    """Measure what of *scale* is not in the file at *path* yet; raises BenchError.

    What is there counts only if settings and machine are the same, and unless *fresh*.
    """
    cores, part = _cores(), Part(path)
    settings = scale.settings() | {"cores": float(cores)}
    known = part.head
    if known is not None and (fresh or not known.fits(machine(), settings)):
        known = None
    port = known.port if known else 0
    with set_up(size="30kB", links=60, pages=DIFFERENT, port=port) as stand:
        stand.write_list(ANY, DIFFERENT, lambda number: f"/p/{number}?latency=0ms")
        for point in scale.points:
            stand.write_list(point.name, point.pages, point.path)
        warm_up(stand, [ANY])
        head = known or _head(stand, list(scale.blocks), settings)
        if known:
            say(f"Going on after {len(part.runs)} runs; --fresh starts anew.")
            part.go_on()
        else:
            part.begin(head)
        _run_all(stand, list(planned(scale, cores)), part, cores)
    return GridResults(
        name="grid",
        machine=head.machine,
        how=_how(scale),
        settings=settings,
        ceiling_per_s=head.ceiling_per_s,
        gil=head.gil,
        cells=part.runs,
    )


def _head(stand: Stand, works: Sequence[str], settings: dict[str, float]) -> Head:
    page = f"{stand.running.url}/p/0"
    return Head(
        machine=machine(),
        settings=settings,
        ceiling_per_s=ceiling(stand, ANY),
        gil={work: held(page, work) for work in works},
        port=stand.running.port,
    )


def _run_all(stand: Stand, steps: list[Step], part: Part, cores: int) -> None:
    done = {(one.round, one.point, one.mode) for one in part.runs}
    left = [step for step in steps if (step.round, step.point, step.mode) not in done]
    total = sum(seconds(step, cores) for step in left)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=300) as progress:
        bar = progress.add_task("", total=total)
        for number, step in enumerate(left, start=len(steps) - len(left) + 1):
            what = f"{number} of {len(steps)}: {step.mode}, {step.point.name}"
            progress.update(bar, description=what)
            errand = Errand(
                cell=cell_of(step),
                source=str(stand.lists[step.point.name]),
                site_pid=stand.running.pid,
                cores=stand.cores,
            )
            part.add(GridRun(round=step.round, point=step.point, run=run(errand, stand.running)))
            progress.advance(bar, seconds(step, cores))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _how(scale: Scale) -> list[str]:
    return [
        "Pages of 30 kB with 60 links; crawl and server share all cores; a fresh interpreter for "
        "each run.",
        f"Medians of {scale.rounds} shuffled rounds, with the least and the greatest; what is "
        "compared ran in the same round, the modes of a point one after the other.",
        "serial has one page in flight and processes one a worker, whatever the others have: each "
        "ran once a round for its work and latency, and counts where at least so many are allowed.",
        "hybrid's place is free again when its page waits to be analysed: with one in flight it "
        "has more than one page in hand.",
        "The server's own count must have seen the number in flight that threads, async and hybrid "
        "were given, within 5 %, unless the crawl had used up its CPU; where it did not, the point "
        "is refused. Without latency there is nothing for it to see.",
    ]
