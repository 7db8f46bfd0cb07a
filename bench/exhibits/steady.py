"""Crawl by turns in this interpreter, and measure the steady part of each crawl."""

import random
from collections.abc import Mapping
from typing import NamedTuple

from bench.ceiling import MOST, ceiling
from bench.cell import BenchError, Cell, Errand
from bench.child import Watch
from bench.exhibits.exhibit import Scale
from bench.exhibits.turns import Way
from bench.stand import Stand
from crawler import Options, crawl

__all__ = ["Steady", "steady"]

#: The part of the pages before the steady one.  Records of some modes come in blocks, all alike
#: late; from one of them to another one that does not matter, from the start of a crawl it does.
WARM = 3


class Steady(NamedTuple):
    """Pages a second and CPU seconds a page, workers included; what the server had open at once."""

    digest: str
    pages_per_s: float
    cpu: float
    most: int


def steady(
    stand: Stand, path: str, pages: int, ways: Mapping[str, Way], scale: Scale
) -> dict[str, list[Steady]]:
    """Crawl so many pages, each at *path* with its number for {}, in shuffled rounds, or in one.

    Raises BenchError if not all found the same, or if one took more of the server than may be
    compared.
    """
    stand.write_list("steady", pages, path.format)
    stand.write_list("at once", pages, "/p/{}".format)
    _crawl(stand, "at once", pages, Way("async", 16))  # the server makes each page once
    found: dict[str, list[Steady]] = {name: [] for name in ways}
    for number in range(1 if scale.quick else scale.rounds):
        for name in random.Random(number).sample(list(ways), len(ways)):
            found[name].append(_crawl(stand, "steady", pages, ways[name]))
    runs = [run for some in found.values() for run in some]
    if len({run.digest for run in runs}) > 1:
        raise BenchError(f"not the same work: {', '.join(ways)}")
    fastest = max(run.pages_per_s for run in runs)
    if not scale.quick and fastest > MOST * ceiling(stand, "at once"):
        raise BenchError(f"{fastest:.0f} pages/s are too large a share of what the server can give")
    return found


def _crawl(stand: Stand, work: str, pages: int, way: Way) -> Steady:
    source = str(stand.lists[work])
    cell = Cell(
        work=work, mode=way.mode, concurrency=way.concurrency, pages=pages, warm=pages // WARM
    )
    watch = Watch(Errand(cell=cell, source=source, site_pid=stand.running.pid, cores=[]))
    options = Options(mode=way.mode, concurrency=way.concurrency, workers=way.workers)
    stand.running.reset()
    report = crawl(source, options, analyse=way.analyse, on_record=watch)
    if report.outcomes != {"ok": pages}:
        raise BenchError(f"{way.mode} did not get all pages: {report.outcomes}")
    pages_per_s, cost = watch.steady()
    most = stand.running.truth()["in_flight_max"]
    return Steady(watch.digest, pages_per_s, max(cost.client, 1e-6), most)
