"""Threads that wait for I/O are little troubled by the GIL, for they let go of it meanwhile."""

import random
import time
from collections import defaultdict
from itertools import product
from statistics import quantiles
from typing import NamedTuple

from bench.ceiling import MOST, ceiling
from bench.cell import BenchError
from bench.exhibits.beside import computing, gil_enabled, switching_every
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.stand import Stand, set_up
from crawler import Options, Record, crawl

__all__ = ["BUSY", "DEFAULT", "judge", "measure", "must_show"]

IN_FLIGHT = 4
LATENCY = "10ms"
DEFAULT = 5.0  # ms: the switch interval, unless somebody sets it
INTERVALS = (0.5, 1.0, 2.0, DEFAULT, 10.0)
BUSY = (0, 1, 2)  # threads that execute Python beside those that wait
NAP = 0.001  # seconds
#: Part of a switch interval: who is later than that after a wait was kept waiting for the GIL.
LATE = 0.5


class _Seen(NamedTuple):
    """What became of a crawl, and how late a thread went on after its waits (ms)."""

    digests: frozenset[str]
    pages_per_s: float
    at_once: float
    gap: float
    late_p50: float
    late_p99: float


WHAT = {
    "pages_per_s": ("pages/s", ""),
    "at_once": ("requests at once", ""),
    "gap": ("gap between requests, p99", "ms"),
    "late_p50": ("late after a wait, p50", "ms"),
    "late_p99": ("late after a wait, p99", "ms"),
}


def measure(scale: Scale) -> list[Figure]:
    """Crawl, and wait in one thread, beside threads that compute, at each switch interval."""
    pages, naps = scale.pick(20, 8), scale.pick(30, 10)
    intervals, busy = ((DEFAULT,), BUSY[:2]) if scale.quick else (INTERVALS, BUSY)
    cells = list(product(busy, intervals))
    found = defaultdict[tuple[int, float], list[_Seen]](list)
    with set_up(size="30kB", links=60, pages=pages) as stand:
        stand.write_list("near", pages, "/p/{}".format)
        stand.write_list("far", pages, f"/p/{{}}?latency={LATENCY}".format)
        _seen(stand, "near", naps)  # the server makes each page once
        for number in range(scale.rounds):
            for others, interval in random.Random(number).sample(cells, len(cells)):
                with switching_every(interval / 1000), computing(others):
                    found[others, interval].append(_seen(stand, "far", naps))
        seen = [one for runs in found.values() for one in runs]
        if len({one.digests for one in seen}) > 1:
            raise BenchError("not the same work beside busy threads")
        if not scale.quick and max(one.pages_per_s for one in seen) > MOST * ceiling(stand, "near"):
            raise BenchError("the crawl took too large a share of what the server can give")
    alone = {interval: [one.pages_per_s for one in found[0, interval]] for interval in intervals}
    figures = [Figure("GIL enabled", "", [float(gil_enabled())])]
    for (others, interval), runs in found.items():
        for field, (name, unit) in WHAT.items():
            values = [getattr(one, field) for one in runs]
            figures.append(Figure(f"{name}, {others} busy", unit, values, interval))
        times = [a / one.pages_per_s for a, one in zip(alone[interval], runs, strict=True)]
        figures.append(Figure(f"times as slow, {others} busy", "", times, interval))
    return figures


def judge(found: Found) -> Judgement:
    """Look how late a thread goes on after a wait, alone and beside one that computes."""
    alone, late = (_at_default(found, "late after a wait, p50", busy) for busy in (0, 1))
    at_once, slower = _at_default(found, "requests at once", 0), _at_default(found, "times as slow")
    why = (
        f"Alone, threads have {at_once.text()} requests open at once, and after a wait a thread is "
        f"{alone.text()} late. Beside one that computes it is {late.text()} late (p50; p99 "
        f"{_at_default(found, 'late after a wait, p99').text()}), as it must win the GIL back "
        f"at a switch interval of {late.at:g} ms, and the crawl is {slower.text()} times as slow."
    )
    if at_once.median <= 1:
        return Judgement(Verdict.REFUTED, why)
    if not found["GIL enabled"].median:
        return Judgement(Verdict.OUTDATED, f"{why} Since 3.13 a Python may be built without GIL.")
    if late.median > LATE * DEFAULT:
        return Judgement(Verdict.LIMITED, f"Only as long as no other thread computes. {why}")
    return Judgement(Verdict.HOLDS, why)


def must_show(found: Found) -> bool:
    """While some threads wait others ask: the server had several requests open at once."""
    return all(max(_at_default(found, "requests at once", busy).values) > 1 for busy in (0, 1))


def _at_default(found: Found, name: str, busy: int = 1) -> Figure:
    [figure] = [one for one in found.curve(f"{name}, {busy} busy") if one.at == DEFAULT]
    return figure


def _seen(stand: Stand, work: str, naps: int) -> _Seen:
    """Crawl in threads and ask the server what it saw; then wait in this thread."""
    records: list[Record] = []
    stand.running.reset()
    options = Options(mode="threads", concurrency=IN_FLIGHT)
    report = crawl(str(stand.lists[work]), options, on_record=records.append)
    if report.failures:
        raise BenchError(f"not all pages came: {report.outcomes}")
    truth = stand.running.truth()
    late = [_late() for _ in range(naps)]
    percents = quantiles(late, n=100, method="inclusive")
    return _Seen(
        digests=frozenset(str(one.sha256) for one in records),
        pages_per_s=report.pages_per_s,
        at_once=truth["in_flight_max"],
        gap=truth["histograms"]["interarrival_ns"]["p99"] / 1e6,
        late_p50=percents[49],
        late_p99=percents[98],
    )


def _late() -> float:
    """Return how many ms after the end of a short wait this thread goes on."""
    began = time.perf_counter()
    time.sleep(NAP)
    return 1000 * (time.perf_counter() - began - NAP)
