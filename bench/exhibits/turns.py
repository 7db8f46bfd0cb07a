"""Crawl by turns in this interpreter, and count what a page cost: CPU and switches of context."""

import hashlib
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

from bench.ceiling import MOST, ceiling
from bench.cell import BenchError
from bench.exhibits.exhibit import Figure, Scale, SkippedError
from bench.lanes import Lane, read
from bench.stand import Stand
from bench.steady import SteadyPart
from bench.works import Work, lexbor
from crawler import Options, Record, crawl

__all__ = ["Turn", "Usage", "Way", "by_turns", "ends", "figure", "usage"]

#: The part of the pages that come before those that count, at least: workers start meanwhile.
WARM = 3


class Way(NamedTuple):
    """How to crawl: in which mode, with what to think about, on which cores (all if none)."""

    mode: str
    concurrency: int = 1
    workers: int | None = None
    analyse: Work = lexbor
    cores: Sequence[int] = ()
    traced: bool = False


class Turn(NamedTuple):
    """What a page cost in a crawl, of which a third does not count, nor the end.

    CPU seconds of the crawl's own process and of its workers, and switches of context of
    both: voluntary where a thread had to wait, involuntary where another one was given its
    core.  ``most`` is the greatest number of requests that the server had open.
    """

    digest: str
    pages: int
    pages_per_s: float
    own: float
    workers: float
    voluntary: float
    involuntary: float
    most: int
    lanes: Sequence[Lane]

    @property
    def cpu(self) -> float:
        """CPU seconds a page of all processes."""
        return self.own + self.workers

    @property
    def switches(self) -> float:
        """All switches of context a page."""
        return self.voluntary + self.involuntary

    @property
    def stay(self) -> float:
        """CPU seconds from one switch to the next; all of them if there was none."""
        return self.cpu / max(self.switches, 1 / self.pages)


def by_turns(
    stand: Stand, path: str, pages: int, ways: Mapping[str, Way], scale: Scale
) -> dict[str, list[Turn]]:
    """Crawl so many pages, each at *path* with its number for {}, in shuffled rounds, or in one.

    Raises BenchError if not all found the same, or if one took more of the server than may be
    compared; SkippedError where the system does not count switches for each process.
    """
    if not Path("/proc/self/schedstat").exists():
        raise SkippedError("This system does not count the switches of other processes.")
    stand.write_list("turns", pages, path.format)
    stand.write_list("at once", pages, "/p/{}".format)
    _crawl(stand, "at once", Way("async", 16))  # the server makes each page once
    found: dict[str, list[Turn]] = {name: [] for name in ways}
    for number in range(1 if scale.quick else scale.rounds):
        for name in random.Random(number).sample(list(ways), len(ways)):
            found[name].append(_crawl(stand, "turns", ways[name]))
    for turns in zip(*found.values(), strict=True):
        if len({turn.digest for turn in turns}) > 1:
            raise BenchError(f"not the same work: {', '.join(ways)}")
    fastest = max(turn.pages_per_s for turns in found.values() for turn in turns)
    if not scale.quick and fastest > MOST * ceiling(stand, "at once"):
        raise BenchError(f"{fastest:.0f} pages/s are too large a share of what the server can give")
    return found


def figure(name: str, unit: str, turns: Sequence[Turn], of: Callable[[Turn], float]) -> Figure:
    """Return one figure of the turns of a way, round by round."""
    return Figure(name, unit, [of(turn) for turn in turns])


class Usage(NamedTuple):
    """CPU seconds and switches of context until the monotonic instant ``at``."""

    at: float
    own: float
    workers: float
    voluntary: int
    involuntary: int


def _crawl(stand: Stand, work: str, way: Way) -> Turn:
    pages = len(stand.lists[work].read_bytes().splitlines())
    lanes, usable = list[Lane](), os.sched_getaffinity(0)
    stand.running.reset()
    os.sched_setaffinity(0, way.cores or usable)
    steady = SteadyPart(pages, *ends(pages, max(way.concurrency, way.workers or 1)), usage)
    digests: list[str] = []

    def on_record(record: Record) -> None:
        digests.append(str(record.sha256))
        steady.recorded()

    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.json")
        options = Options(
            mode=way.mode,
            concurrency=way.concurrency,
            workers=way.workers,
            trace=str(trace) if way.traced else None,
        )
        try:
            report = crawl(
                str(stand.lists[work]), options, analyse=way.analyse, on_record=on_record
            )
        finally:
            os.sched_setaffinity(0, usable)
        if way.traced:
            lanes, _ = read(trace)
    if report.outcomes != {"ok": pages}:
        raise BenchError(f"{way.mode} did not get all pages: {report.outcomes}")
    seconds, own, workers, voluntary, involuntary = (
        (last - first) / steady.pages for first, last in zip(*steady.readings(), strict=True)
    )
    return Turn(
        digest=hashlib.sha256("".join(sorted(digests)).encode()).hexdigest(),
        pages=steady.pages,
        pages_per_s=1 / seconds,
        own=own,
        workers=workers,
        voluntary=voluntary,
        involuntary=involuntary,
        most=stand.running.truth()["in_flight_max"],
        lanes=lanes,
    )


def ends(pages: int, in_flight: int) -> tuple[int, int]:
    """Return how many pages come before those that count, and how many after them.

    Pages that wait alike come in waves, as many as are in flight; only whole ones count.
    """
    most = max(1, pages // 2)
    warm = in_flight * ceil(pages / WARM / in_flight)
    return min(warm, most), min(in_flight, most)


def usage() -> Usage:
    """Read this process and its child processes, all threads of them."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    used, voluntary, involuntary = 0.0, own.ru_nvcsw, own.ru_nivcsw
    for child in multiprocessing.active_children():
        for task in Path(f"/proc/{child.pid}/task").iterdir():
            used += int((task / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
            lines = (task / "status").read_text(encoding="utf-8").splitlines()
            counts = dict(line.split(":", 1) for line in lines)
            voluntary += int(counts["voluntary_ctxt_switches"])
            involuntary += int(counts["nonvoluntary_ctxt_switches"])
    return Usage(time.monotonic(), own.ru_utime + own.ru_stime, used, voluntary, involuntary)
