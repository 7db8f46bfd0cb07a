"""Threads share memory, which can lead to race conditions if it is not managed carefully."""

import random
import socket
from collections.abc import Callable, Mapping
from functools import partial
from threading import Barrier, Lock, Thread

from bench.exhibits.asking import HOST, ask, has_server, request_for
from bench.exhibits.beside import gil_enabled, switching_every
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.stand import Stand, set_up

__all__ = ["judge", "measure", "must_show"]

THREADS = 4
TIMES = 100_000  # of each thread: enough that it is interrupted on any machine
PAGES = 20
OFTEN = 1e-6  # seconds of a switch interval: threads take turns as often as they can


class _Shared:
    """What all threads change: a count, and the pages that were seen."""

    def __init__(self) -> None:
        self.count = 0
        self.seen = set[int]()
        self.lock = Lock()


def _add(shared: _Shared, times: int) -> None:
    for _ in range(times):
        shared.count += 1


def _read_call_write(shared: _Shared, times: int) -> None:
    for _ in range(times):
        shared.count = _one_more(shared.count)


def _with_a_lock(shared: _Shared, times: int) -> None:
    for _ in range(times):
        with shared.lock:
            shared.count = _one_more(shared.count)


def _one_more(count: int) -> int:
    return count + 1


def _fetch_then_add(shared: _Shared, fetch: Callable[[int], object]) -> None:
    for page in range(PAGES):
        if page not in shared.seen:
            fetch(page)
            shared.seen.add(page)


def _add_then_fetch(shared: _Shared, fetch: Callable[[int], object]) -> None:
    for page in range(PAGES):
        if page not in shared.seen:
            shared.seen.add(page)
            fetch(page)


def _claim_then_fetch(shared: _Shared, fetch: Callable[[int], object]) -> None:
    for page in range(PAGES):
        with shared.lock:
            is_new = page not in shared.seen
            shared.seen.add(page)
        if is_new:
            fetch(page)


#: How to count, and how often each thread does: a lock is slow where it is fought for.
COUNTING = {
    "n += 1": (_add, TIMES),
    "n = f(n)": (_read_call_write, TIMES),
    "n = f(n) with a lock": (_with_a_lock, TIMES // 20),
}
#: The second is a race as well, between two lines that hardly any thread is interrupted between.
CRAWLING = {
    "seen after the fetch": _fetch_then_add,
    "seen before the fetch": _add_then_fetch,
    "seen with a lock": _claim_then_fetch,
}
PLAIN, CALLING, LOCKED = COUNTING
LATE, SOON, CLAIMED = CRAWLING


def measure(scale: Scale) -> list[Figure]:
    """Count to the same number and crawl the same pages in threads, with a lock and without."""
    figures = [
        Figure("GIL enabled", "", [float(gil_enabled())]),
        Figure("threads", "", [THREADS]),
        *_by_turns("updates lost", "%", {way: partial(_lost, way) for way in COUNTING}, scale),
    ]
    if not has_server():
        return figures
    with set_up(size="2kB", links=5, pages=PAGES, latency="2ms") as stand:
        ways = {way: partial(_fetched_again, way, stand) for way in CRAWLING}
        crawled = _by_turns("fetched again", "", ways, scale)
    return [*figures, Figure("pages", "", [PAGES]), *crawled]


def judge(found: Found) -> Judgement:
    """Look what was lost or done again without a lock, and whether a lock helps."""
    plain, calling, locked = (found[f"updates lost, {way}"] for way in COUNTING)
    why = (
        f"Of the updates of {found['threads'].text()} threads {plain.text()} are lost by {PLAIN}, "
        f"{calling.text()} by {CALLING}, and {locked.text()} by {LOCKED}"
    )
    if "pages" in found:
        late, soon, claimed = (found[f"fetched again, {way}"].text() for way in CRAWLING)
        why += (
            f"; of {found['pages'].text()} pages {late} are fetched again if one counts as {LATE}, "
            f"{soon} if {SOON}, and {claimed} if {CLAIMED}"
        )
    if not max(calling.values):
        return Judgement(Verdict.REFUTED, f"{why}.")
    if max(plain.values):
        return Judgement(Verdict.HOLDS, f"{why}.")
    by_whom = "The GIL" if found["GIL enabled"].median else "Luck"
    return Judgement(
        Verdict.HOLDS, f"{why}. {by_whom} hides the first from anybody who tests n += 1 only."
    )


def must_show(found: Found) -> bool:
    """Something is lost without a lock, and nothing with one."""
    lost = {way: max(found[f"updates lost, {way}"].values) for way in (CALLING, LOCKED)}
    if "pages" not in found:
        return lost[LOCKED] == 0 < lost[CALLING]
    again = {way: max(found[f"fetched again, {way}"].values) for way in (LATE, CLAIMED)}
    return lost[LOCKED] == again[CLAIMED] == 0 < min(lost[CALLING], again[LATE])


def _by_turns(
    what: str, unit: str, ways: Mapping[str, Callable[[], float]], scale: Scale
) -> list[Figure]:
    values: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(scale.rounds):
        for way in random.Random(number).sample(list(ways), len(ways)):
            values[way].append(ways[way]())
    return [Figure(f"{what}, {way}", unit, found) for way, found in values.items()]


def _lost(way: str) -> float:
    """Return how many percent of all updates are missing in the count."""
    shared, (count, times) = _Shared(), COUNTING[way]
    with switching_every(OFTEN):
        _together(partial(count, shared, times))
    return 100 - 100 * shared.count / (THREADS * times)


def _fetched_again(way: str, stand: Stand) -> float:
    """Return how many requests the server had that were not the first for their page."""
    shared = _Shared()

    def crawl() -> None:
        with socket.create_connection((HOST, stand.running.port)) as connection:
            CRAWLING[way](shared, lambda page: ask(connection, request_for(f"/p/{page}")))

    stand.running.reset()
    _together(crawl)
    requests: int = stand.running.truth()["requests"]
    return requests - PAGES


def _together(task: Callable[[], object]) -> None:
    """Have all threads do the task, all of them from the same instant."""
    start = Barrier(THREADS)

    def wait_and_do() -> None:
        start.wait()
        task()

    threads = [Thread(target=wait_and_do) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
