"""A loop that waits and processes that compute are best together; the article omits that."""

import os
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.bounds import place_cost, rate
from bench.ceiling import MOST, ceiling
from bench.cell import BenchError, Cell, Cost, Errand
from bench.child import Watch
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.stand import Stand, set_up
from bench.works import WORKS
from crawler import Options, crawl

__all__ = ["LIMITS", "Run", "bounds", "check", "judge", "measure", "must_show"]

LATENCY = 0.005  # seconds that the server thinks about a page
IN_FLIGHT = 32
MODES = ("async", "processes", "hybrid")
LIMITS = ("its number in flight", "the CPU of the parent", "the cores")
#: Pages of each work; in the first quarter hybrid fills its batches.
PAGES, QUICK = {"lexbor": 400, "python_heavy": 160}, {"python_heavy": 24}
SAID = {"lexbor": "light pages", "python_heavy": "heavy pages"}
#: Times as fast as the better of the others; less may be noise.
SURELY = 1.1


class Run(NamedTuple):
    """What came of a crawl, in its steady part; ``most`` is what the server had open at once."""

    digest: str
    pages_per_s: float
    cost: Cost
    most: int


def measure(scale: Scale) -> list[Figure]:
    """Crawl light and heavy pages with a loop, with processes, and with both."""
    plan, workers = (QUICK, 1) if scale.quick else (PAGES, 2)
    figures = [Figure("workers", "", [workers])]
    with set_up(size="30kB", links=60, pages=max(plan.values())) as stand:
        for work, pages in plan.items():
            stand.write_list(work, pages, f"/p/{{}}?latency={1000 * LATENCY:g}ms".format)
            stand.write_list("at once", pages, "/p/{}".format)
            # It also has the server make each page for the first time.
            most = None if scale.quick else ceiling(stand, "at once")
            runs: dict[str, list[Run]] = {mode: [] for mode in MODES}
            for number in range(1 if scale.quick else scale.rounds):
                for mode in random.Random(number).sample(MODES, len(MODES)):
                    cell = Cell(
                        work=work, mode=mode, concurrency=IN_FLIGHT, pages=pages, warm=pages // 4
                    )
                    runs[mode].append(_run(stand, cell, workers))
            check([run for some in runs.values() for run in some], most)
            figures += _figures(SAID[work], runs, workers)
    return figures


def judge(found: Found) -> Judgement:
    """Compare both together with the better of the two alone, round by round."""
    known = [said for said in SAID.values() if _lead(said) in found]
    why = "; ".join(_told(found, said) for said in known) + "."
    ahead = [found[_lead(said)].median > SURELY for said in known]
    if all(ahead):
        return Judgement(Verdict.HOLDS, f"On this machine: {why}")
    if any(ahead):
        return Judgement(Verdict.LIMITED, f"Not for all pages: {why}")
    return Judgement(Verdict.REFUTED, f"Not here: {why}")


def must_show(found: Found) -> bool:
    """Processes alone have a request for each worker; with a loop there are many."""
    most = {mode: found[f"requests at once, {mode} on heavy pages"].median for mode in MODES}
    return most["processes"] <= found["workers"].median < min(most["async"], most["hybrid"])


def _lead(said: str) -> str:
    return f"hybrid over the better of the others, {said}"


def _bound(limit: str, mode: str, said: str) -> str:
    return f"most pages/s by {limit}, {mode} on {said}"


def _told(found: Found, said: str) -> str:
    rates = [
        f"{mode} gives {found[f'pages/s, {mode} on {said}'].text()} pages/s, limited by "
        + min(LIMITS, key=lambda limit: found[_bound(limit, mode, said)].median)
        for mode in MODES
    ]
    lead = found[_lead(said)].text()
    return (
        f"hybrid does {said} {lead} times as fast as the better of the others ({', '.join(rates)})"
    )


def _figures(said: str, runs: dict[str, list[Run]], workers: int) -> Iterator[Figure]:
    for mode, some in runs.items():
        name = f"{mode} on {said}"
        yield Figure(f"pages/s, {name}", "", [run.pages_per_s for run in some])
        yield Figure(f"CPU, {name}", "ms/page", [1000 * run.cost.client for run in some])
        yield Figure(f"requests at once, {name}", "", [run.most for run in some])
        cores = len(os.sched_getaffinity(0))
        places = workers if mode == "processes" else IN_FLIGHT
        most = zip(*(bounds(run.cost, places, cores, mode) for run in some), strict=True)
        for limit, values in zip(LIMITS, most, strict=True):
            yield Figure(_bound(limit, mode, said), "", values)
    rates = zip(*([run.pages_per_s for run in runs[mode]] for mode in MODES), strict=True)
    yield Figure(_lead(said), "", [hybrid / max(others) for *others, hybrid in rates])


def bounds(cost: Cost, places: int, cores: int, mode: str) -> tuple[float, float, float]:
    """Return what each of LIMITS allows: by Little's law, and by the CPU of a page."""
    least = 1e-6  # CPU is read to 10 ms only, which may be none
    in_flight = rate(places, LATENCY + place_cost(mode, cost))
    return in_flight, 1 / max(cost.own, least), cores / max(cost.client + cost.server, least)


def _run(stand: Stand, cell: Cell, workers: int) -> Run:
    source = str(stand.lists[cell.work])
    watch = Watch(Errand(cell=cell, source=source, site_pid=stand.running.pid, cores=[]))
    options = Options(mode=cell.mode, concurrency=cell.concurrency, workers=workers)
    stand.running.reset()
    crawl(source, options, analyse=WORKS[cell.work], on_record=watch)
    return Run(watch.digest, *watch.steady(), stand.running.truth()["in_flight_max"])


def check(runs: Sequence[Run], most: float | None) -> None:
    """Raise BenchError for other work, or for too much of what the server can give."""
    if len({run.digest for run in runs}) > 1:
        raise BenchError("not the same work in all modes")
    if most and max(run.pages_per_s for run in runs) > MOST * most:
        raise BenchError("a rate is too large a share of what the server can give")
