"""Limits and faults come out the same in every model; the article omits them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.faulty import FAULTS, IN_FLIGHT, WORKERS, Crawled, Page, crawled, urls_of
from bench.exhibits.waiting import stopped
from bench.stand import set_up
from crawler import MODES

__all__ = ["judge", "measure", "must_show"]

QUICK = ("reset at once", "body cut short", "endless body", "silence")
ROUNDS = 3  # most of it is counts


def measure(scale: Scale) -> list[Figure]:
    """Crawl a list with every fault in each mode, and stop a crawl in each."""
    faults, modes = (QUICK, ("threads", "async")) if scale.quick else (tuple(FAULTS), MODES)
    rounds = range(1 if scale.quick else ROUNDS)
    crawls: dict[str, list[Crawled]] = {mode: [] for mode in modes}
    with set_up(size="2kB", links=5, pages=1000) as stand:
        urls = urls_of(stand.running.url, faults)
        for number in rounds:
            for mode in random.Random(number).sample(modes, len(modes)):
                crawls[mode].append(crawled(urls, mode) if scale.quick else _fresh(urls, mode))
    return [
        Figure("pages", "", [len(urls)]),
        Figure("faults", "", [len(faults)]),
        *_counts(crawls, len(urls)),
        *_outcomes(crawls, faults),
        *(() if scale.quick else _costs(crawls, rounds)),
    ]


def judge(found: Found) -> Judgement:
    """Count the pages that have no record, or another one than in the first mode."""
    modes = _modes(found)
    lost, unlike, failed = (
        sum(max(found[f"{what}, {mode}"].values) for mode in modes)
        for what in ("lost", "unlike the first mode", "good pages failed")
    )
    costs = [
        f"{mode} {found[f'most memory, {mode}'].text()} and {found[f'time to stop, {mode}'].text()}"
        for mode in modes
        if f"time to stop, {mode}" in found
    ]
    cost = f"; most memory, and time to stop at once: {', '.join(costs)}" if costs else ""
    why = (
        f"of {found['pages'].text()} pages, {found['faults'].text()} of them with faults, in "
        f"{len(modes)} modes {lost:g} have no record, {unlike:g} have another than in "
        f"{modes[0]}, and {failed:g} good ones failed{cost}."
    )
    if lost or failed:
        return Judgement(Verdict.REFUTED, f"Not in ours: {why}")
    if unlike:
        return Judgement(Verdict.LIMITED, f"Not each of them in ours: {why}")
    return Judgement(Verdict.HOLDS, f"If it is built in, as in ours: {why}")


def must_show(found: Found) -> bool:
    """In each mode each page has the same record, and the bad ones failed and no other."""
    alike = ("lost", "unlike the first mode", "good pages failed")
    return all(
        [found[f"{what}, {mode}"].median for what in alike] == [0, 0, 0]
        and found[f"bad pages failed, {mode}"].median == found["faults"].median
        for mode in _modes(found)
    )


def _modes(found: Found) -> list[str]:
    return [mode for mode in MODES if f"lost, {mode}" in found]


def _fresh(urls: dict[str, str], mode: str) -> Crawled:
    """Crawl in a fresh interpreter, so that its memory is its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        return fresh.submit(crawled, urls, mode).result()


def _costs(crawls: Mapping[str, Sequence[Crawled]], rounds: range) -> Iterator[Figure]:
    """Yield the most memory of each mode, and how a crawl in it stops that waits for answers."""
    stops: dict[str, list[tuple[float, int]]] = {mode: [] for mode in crawls}
    with set_up(size="2kB", links=5, pages=1000) as stand:
        for number in rounds:
            for mode in random.Random(number).sample(list(stops), len(stops)):
                places = {"serial": 1, "processes": WORKERS}.get(mode, IN_FLIGHT)
                seconds, records = stopped(stand, mode, places)
                stops[mode].append((1000 * seconds, places - records))
    for mode, runs in stops.items():
        yield Figure(f"most memory, {mode}", "MB", [one.megabytes for one in crawls[mode]])
        yield Figure(f"time to stop, {mode}", "ms", [ms for ms, _ in runs])
        yield Figure(f"lost by stopping, {mode}", "", [lost for _, lost in runs])


def _counts(crawls: Mapping[str, Sequence[Crawled]], pages: int) -> Iterator[Figure]:
    first = next(iter(crawls.values()))
    for mode, runs in crawls.items():
        lost = [pages - len({page.url for page in run.pages}) for run in runs]
        yield Figure(f"lost, {mode}", "", lost)
        both = [_records(run) ^ _records(other) for run, other in zip(runs, first, strict=True)]
        unlike = [len({url for url, *_ in differing}) for differing in both]
        yield Figure(f"unlike the first mode, {mode}", "", unlike)
        for which, bad in (("good", False), ("bad", True)):
            failed = [sum(_failed(page, bad=bad) for page in run.pages) for run in runs]
            yield Figure(f"{which} pages failed, {mode}", "", failed)


def _records(run: Crawled) -> set[tuple[str, str, str]]:
    return {(page.url, page.outcome, page.digest) for page in run.pages}


def _failed(page: Page, *, bad: bool) -> bool:
    return bool(page.fault) == bad and page.outcome != "ok"


def _outcomes(crawls: Mapping[str, Sequence[Crawled]], faults: Sequence[str]) -> Iterator[Figure]:
    """Yield how often a fault had an outcome, and after how long, at the place of each mode."""
    for fault, (mode, runs) in product(faults, crawls.items()):
        at = MODES.index(mode)
        found = [[page for page in run.pages if page.fault == fault] for run in runs]
        for outcome in sorted({page.outcome for pages in found for page in pages}):
            counts = [sum(page.outcome == outcome for page in pages) for pages in found]
            yield Figure(f"{fault}: {outcome}", "", counts, at)
        yield Figure(f"{fault} takes", "ms", [page.ms for pages in found for page in pages], at)
