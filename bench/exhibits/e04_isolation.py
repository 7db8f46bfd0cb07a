"""Processes are isolated from each other, while one bad thread can crash its whole process."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context

import msgspec

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.stand import Stand, set_up
from crawler import (
    Analysed,
    BlockingWireTransport,
    Fetched,
    FetchRules,
    Options,
    Record,
    analyse,
    crawl,
    fetch,
    target_of,
)  # fmt: skip

__all__ = ["aborts", "judge", "measure", "must_show"]

PAGES = 16
#: The first page of the list ends its process; the others come later than that.
LATE = "50ms"
ROUNDS = 3  # it is a count, the same each time
ISOLATING = ("processes", "hybrid")
PLAIN = "a plain process pool"
QUICK = ("threads", PLAIN, "processes")
WAYS = (*QUICK, "async", "hybrid")


def measure(scale: Scale) -> list[Figure]:
    """Crawl a list with one page that aborts what analyses it, and count the records."""
    ways, rounds = (QUICK, 1) if scale.quick else (WAYS, ROUNDS)
    workers = scale.pick(2, 1)
    found: dict[str, list[Counter[str]]] = {way: [] for way in ways}
    with set_up(size="2kB", links=5, pages=PAGES) as stand:
        stand.write_list("all", PAGES, lambda n: f"/p/{n}?latency={LATE}" if n else "/p/0?abort=1")
        for number in range(rounds):
            for way in random.Random(number).sample(ways, len(ways)):
                crawled = _in_plain_pool if way == PLAIN else partial(_in_mode, way)
                found[way].append(crawled(stand, workers))
    return [Figure("good pages", "", [PAGES - 1]), *_figures(found)]


def judge(found: Found) -> Judgement:
    """Count the good pages that one bad page costs."""
    threads, plain, ours = (found[f"good pages lost, {way}"] for way in QUICK)
    why = (
        f"of {found['good pages'].text()} good pages one that aborts costs {threads.text()} with "
        f"threads, {plain.text()} with {PLAIN}, which breaks with all that waits in it, and "
        f"{ours.text()} in our mode processes, which has new workers do the pages one by one."
    )
    if min(threads.values) == 0 or max(ours.values) > 0:
        return Judgement(Verdict.REFUTED, f"Not here: {why}")
    if max(plain.values) > 0:
        return Judgement(Verdict.LIMITED, f"A crash ends one process, but may lose more: {why}")
    return Judgement(Verdict.HOLDS, f"It is so: {why}")


def must_show(found: Found) -> bool:
    """Threads and a plain pool lose good pages; our workers lose none and blame one page."""
    threads, plain = (found[f"good pages lost, {way}"] for way in ("threads", PLAIN))
    isolating = [way for way in ISOLATING if f"good pages lost, {way}" in found]
    return (
        min(*threads.values, *plain.values) > 0
        and all(found[f"good pages lost, {way}"].median == 0 for way in isolating)
        and all(found[f"records of the bad page, {way}"].median == 1 for way in isolating)
    )


def aborts(fetched: Fetched) -> Analysed:
    """Analyse a page; one of them ends the process, as a fault in C code would."""
    if "abort" in fetched.url:
        os.abort()
    return analyse(fetched)


def _figures(found: dict[str, list[Counter[str]]]) -> Iterator[Figure]:
    for way, counts in found.items():
        lost = [PAGES - 1 - one["ok"] for one in counts]
        yield Figure(f"good pages lost, {way}", "", lost)
        blamed = [one["analyse-error"] for one in counts]
        yield Figure(f"records of the bad page, {way}", "", blamed)


def _in_mode(mode: str, stand: Stand, workers: int) -> Counter[str]:
    """Crawl, in a process of its own if that will end, and count the records on the disk."""
    output = stand.folder / "pages.jsonl"
    output.unlink(missing_ok=True)
    task = (str(stand.lists["all"]), mode, workers, str(output))
    if mode in ISOLATING:
        _crawl(*task)
    else:
        child = get_context("spawn").Process(target=_crawl, args=task)
        child.start()
        child.join()
    lines = output.read_bytes().splitlines() if output.exists() else []
    return Counter(msgspec.json.decode(line, type=Record).outcome for line in lines)


def _crawl(source: str, mode: str, workers: int, output: str) -> None:
    options = Options(mode=mode, concurrency=PAGES, workers=workers, output=output)
    crawl(source, options, analyse=aborts)


def _in_plain_pool(stand: Stand, workers: int) -> Counter[str]:
    """Hand each page to a pool of the standard library, and count the results."""
    outcomes = Counter[str]()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        urls = stand.lists["all"].read_text(encoding="ascii").split()
        for page in [pool.submit(_page, url) for url in urls]:
            lost = isinstance(page.exception(), BrokenProcessPool)
            outcomes["lost" if lost else page.result()] += 1
    return outcomes


def _page(url: str) -> str:
    with BlockingWireTransport() as http:
        fetched = fetch(http, target_of(url), FetchRules.of(Options(), "bench"))
        aborts(fetched)
        return fetched.outcome
