"""Multiprocessing bypasses the GIL, which makes it the best for CPU-bound work."""

import multiprocessing
import pickle
import random
import time
from collections.abc import Iterator, Sequence
from functools import cache

from bench.cell import BenchError
from bench.exhibits.crossing import Border, border, drive
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.paying import SIZES, WAYS, pays, speed_up, speed_ups
from bench.meter import cpu_of
from bench.stand import set_up
from bench.works import python_light
from crawler import BlockingWireTransport, Fetched, FetchRules, Options, Outcome, fetch, target_of

__all__ = ["judge", "measure"]

SIZE = "100kB"
PAGE = "http://127.0.0.1/page"
HERE, URL = "not crossing", "as a URL"
CROSSING = (*WAYS, URL)
#: Times as fast as one process; less may be noise.
SURELY = 1.2


def measure(scale: Scale) -> list[Figure]:
    """Give pages to a pool that need nothing but CPU; then pages that are fetched and analysed."""
    workers = scale.pick(2, 1)
    with border(max(SIZES.values()), workers) as ours:
        return [
            Figure("workers", "", [workers]),
            *speed_ups(scale, ours),
            *_real_pages(scale, ours),
        ]


def judge(found: Found) -> Judgement:
    """Look whether much work is faster in a pool, and whether little work is slower."""
    curve = found.curve(speed_up("10 kB", "pickled"))
    little, much = curve[0], curve[-1]
    shares = {way: found[f"parent's share of CPU, {way}"].text() for way in CROSSING}
    workers = found["workers"].text()
    why = (
        f"at {much.at:g} ms of CPU a page of 10 kB {workers} workers are {much.text()} times as "
        f"fast as this process, at {little.at:g} ms {little.text()} times{_where(found)}. Of the "
        f"CPU of a page that is fetched the parent uses {shares['pickled']} if it crosses "
        f"pickled, {shares['in shared memory']} in shared memory and {shares[URL]} as a URL."
    )
    if max(much.values) < SURELY:  # in no round; others may have needed the second core
        return Judgement(Verdict.REFUTED, f"Not here: {why}")
    if little.median > 1 and much.median > SURELY:
        return Judgement(Verdict.HOLDS, f"However little it is: {why}")
    return Judgement(Verdict.LIMITED, f"Only if there is enough of it, and a core to spare: {why}")


def _where(found: Found) -> str:
    """Say from how much work on it pays, for small pages and large ones."""
    names = {size: pays(size, "pickled") for size in ("10 kB", "1 MB")}
    known = [f"{found[name].text()} at {size}" for size, name in names.items() if name in found]
    return f"; it pays from {' and from '.join(known)}" if known else ""


def _real_pages(scale: Scale, ours: Border) -> Iterator[Figure]:
    """Fetch and analyse pages here, or there, or fetch them here and analyse them there."""
    pages, ways = scale.pick(100, 10), (HERE, *CROSSING)
    costs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    with set_up(size=SIZE, links=60, pages=pages) as stand:
        urls = [f"{stand.running.url}/p/{number}" for number in range(pages)]
        expected = _digests(HERE, ours, urls)  # the server makes each page once
        _digests(URL, ours, urls)  # workers connect
        for number in range(scale.rounds):
            for way in random.Random(number).sample(ways, len(ways)):
                parent, workers = time.process_time(), _of_workers()
                if _digests(way, ours, urls) != expected:
                    raise BenchError(f"not the same work: {way}")
                costs[way].append((time.process_time() - parent, _of_workers() - workers))
        body = _body(urls[0])
    sent = {"pickled": body, "in shared memory": (0, len(body)), URL: urls[0]}
    for way, runs in costs.items():
        yield Figure(f"CPU of the parent, {way}", "ms/page", [1000 * a / pages for a, _ in runs])
        yield Figure(f"CPU of all, {way}", "ms/page", [1000 * (a + b) / pages for a, b in runs])
        if way in sent:
            yield Figure(f"to a worker, {way}", "B/page", [len(pickle.dumps(sent[way]))])
            shares = [100 * parent / (parent + workers) for parent, workers in runs]
            yield Figure(f"parent's share of CPU, {way}", "%", shares)


def _digests(way: str, ours: Border, urls: Sequence[str]) -> list[str]:
    """Return the digests of all pages."""
    if way == HERE:
        return [_visit(url) for url in urls]
    if way == URL:
        return drive(lambda number: ours.pool.submit(_visit, urls[number]), len(urls))
    cross = WAYS[way]
    return drive(lambda number: cross(ours, number, _analyse, _body(urls[number])), len(urls))


@cache
def _http() -> BlockingWireTransport:
    """Return the one client of this process, with its open connection."""
    return BlockingWireTransport()


def _body(url: str) -> bytes:
    return fetch(_http(), target_of(url), FetchRules.of(Options(), "bench")).body or b""


def _analyse(body: bytes) -> str:
    page = Fetched(url=PAGE, final_url=PAGE, outcome=Outcome.OK, status=200, body=body)
    return str(python_light(page).sha256)


def _visit(url: str) -> str:
    return _analyse(_body(url))


def _of_workers() -> float:
    return sum(cpu_of(child.pid) for child in multiprocessing.active_children() if child.pid)
