"""Blocking code does a loop no harm if asyncio.to_thread hands it to a thread."""

import asyncio
import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from html.parser import HTMLParser
from typing import NamedTuple

from bench.exhibits.beat import beating, percentile
from bench.exhibits.beside import gil_enabled, switching_every
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.few_threads import answered, most_threads, threads_of_a_loop
from bench.subinterpreters import PAGE, pools

__all__ = ["judge", "measure", "must_show"]

AT_ONCE = 2  # jobs
INLINE, THREAD = "inline", "to_thread"
#: Seconds: nobody is made to let go of the GIL during a job; whoever does, does so by himself.
NEVER = 100.0
BUSY, OWN = "names looked up while they block", "names looked up if others block"

Work = Callable[[], object]


def read(page: str, times: int) -> None:
    """Parse a page so many times, in Python: the GIL is held."""
    for _ in range(times):
        HTMLParser().feed(page)


class _Run(NamedTuple):
    """Jobs a second, and how late (ms, p99) another task of the loop was meanwhile."""

    rate: float
    late: float


def measure(scale: Scale) -> list[Figure]:
    """Do the same jobs in the loop itself, in threads, and in the pools that there are."""
    works: dict[str, Work] = {
        "Python": partial(read, PAGE.decode(), scale.pick(3, 1)),
        "C": partial(hashlib.pbkdf2_hmac, "sha256", PAGE, b"crawl", scale.pick(50_000, 40_000)),
    }
    runs = _runs(works, scale)
    turns = {
        f"turns of the loop, {work} {way}": [
            float(asyncio.run(_turns(job, way))) for _ in range(scale.rounds)
        ]
        for work, job in works.items()
        for way in (INLINE, THREAD)
    }
    return [
        Figure("GIL enabled", "", [float(gil_enabled())]),
        *(Figure(f"late, {name}", "ms", [one.late for one in some]) for name, some in runs.items()),
        *(Figure(f"jobs/s, {name}", "", [one.rate for one in some]) for name, some in runs.items()),
        *(Figure(name, "", values) for name, values in turns.items()),
        Figure("threads of a loop", "", [asyncio.run(threads_of_a_loop())]),
        Figure("min(32, cores + 4)", "", [most_threads()]),
        Figure(BUSY, "", [asyncio.run(answered(own=False))]),
        Figure(OWN, "", [asyncio.run(answered(own=True))]),
    ]


def judge(found: Found) -> Judgement:
    """Look whether a loop has turns beside work that holds the GIL, and that lets go of it."""
    held, free = (found[f"turns of the loop, {work} {THREAD}"] for work in ("Python", "C"))
    python, c = (_told(found, work) for work in ("Python", "C"))
    threads = found["threads of a loop"]
    why = (
        f"the p99 by which another task is late, and jobs/s, are for Python {python}; for C that "
        f"lets go of the GIL {c}. If nobody is made to let go of it the loop has {held.text()} "
        f"turns beside a thread of Python and {free.text()} beside one of C. It has "
        f"{threads.text()} such threads, min(32, cores + 4) being "
        f"{found['min(32, cores + 4)'].text()}; while they block, {found[BUSY].text()} names are "
        f"looked up, and {found[OWN].text()} if the threads that block are others."
    )
    if max(free.values) == 0:
        return Judgement(Verdict.REFUTED, f"Not at all: {why}")
    if max(held.values) == 0:
        return Judgement(Verdict.LIMITED, f"Not if it holds the GIL, nor if it is much: {why}")
    if not found["GIL enabled"].median:
        return Judgement(
            Verdict.OUTDATED, f"It is so without a GIL, as since 3.13 it may be: {why}"
        )
    return Judgement(Verdict.HOLDS, f"It is so: {why}")


def must_show(found: Found) -> bool:
    """The loop has turns beside a thread unless that holds the GIL; and its threads are few."""
    names = [f"{work} {way}" for work in ("Python", "C") for way in (INLINE, THREAD)]
    turns = {name: max(found[f"turns of the loop, {name}"].values) for name in names}
    blocked = [turns[f"Python {INLINE}"], turns[f"C {INLINE}"]]
    blocked += [turns[f"Python {THREAD}"]] if found["GIL enabled"].median else []
    few = found["threads of a loop"].median == found["min(32, cores + 4)"].median
    shared = found[BUSY].median == 0 < found[OWN].median
    return max(blocked) == 0 < turns[f"C {THREAD}"] and few and shared


def _told(found: Found, work: str) -> str:
    kinds = (INLINE, THREAD, "in processes", "in sub-interpreters")
    names = {kind: f"{work} {kind}" for kind in kinds if f"late, {work} {kind}" in found}
    return ", ".join(
        f"{found[f'late, {name}'].text()} and {found[f'jobs/s, {name}'].text()} {kind}"
        for kind, name in names.items()
    )


def _runs(works: dict[str, Work], scale: Scale) -> dict[str, list[_Run]]:
    """Return the runs of each work done in each way, made in shuffled rounds."""
    runs = defaultdict[str, list[_Run]](list)
    with ExitStack() as stack:
        ways: dict[str, Executor | None] = {INLINE: None, THREAD: None}
        for kind, make in pools().items():
            if kind != "threads" and not scale.quick:
                ways[f"in {kind}"] = stack.enter_context(make(AT_ONCE))
        cells = [(work, way) for work in works for way in ways]
        for work, way in cells:
            asyncio.run(_jobs(works[work], way, ways[way], AT_ONCE))  # workers start
        for number in range(scale.rounds):
            for work, way in random.Random(number).sample(cells, len(cells)):
                run = asyncio.run(_jobs(works[work], way, ways[way], scale.pick(16, AT_ONCE)))
                runs[f"{work} {way}"].append(run)
    return runs


async def _do(work: Work, way: str, pool: Executor | None = None) -> None:
    """Do one job, in the loop, in one of its threads, or in a pool."""
    if way == INLINE:
        work()
    elif way == THREAD:
        await asyncio.to_thread(work)
    else:
        await asyncio.get_running_loop().run_in_executor(pool, work)


async def _jobs(work: Work, way: str, pool: Executor | None, jobs: int) -> _Run:
    async def some() -> None:
        for _ in range(jobs // AT_ONCE):
            await _do(work, way, pool)
            await asyncio.sleep(0)

    async with beating() as late:
        began = time.perf_counter()
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        rate = jobs / (time.perf_counter() - began)
    return _Run(rate, percentile(late, 99))


async def _turns(work: Work, way: str) -> int:
    """Return how many turns another task of the loop has from the start of a job to its end."""
    async with beating() as late:

        def watched() -> int:
            before = len(late)
            work()
            return len(late) - before

        with switching_every(NEVER):
            return watched() if way == INLINE else await asyncio.to_thread(watched)
