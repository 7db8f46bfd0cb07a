"""An event loop should offload CPU-bound work to a separate process."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import NamedTuple

import msgspec

from bench.cell import BenchError
from bench.exhibits.beat import turns_during
from bench.exhibits.crossing import AHEAD, border
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.paying import pays_from
from bench.exhibits.turns import usage
from bench.works import WORKS
from crawler import Fetched, Outcome
from fixtures.pages.website import Look, Website

__all__ = ["judge", "measure", "must_show"]

#: How many pages each work is done on: two of the largest batches at least.
PAGES = {"lexbor": 256, "python_light": 128, "python_heavy": 128}
QUICK = {"lexbor": 32, "python_heavy": 8}
BATCHES = (1, 8, 64)
INLINE = 0  # in place of a size of batch
HEAVY = 2  # pages during which turns are counted
#: Times as fast, or as much CPU; less may be noise.
SURELY = 1.2


class _Run(NamedTuple):
    """Seconds of a run, and CPU seconds of all its processes."""

    seconds: float
    cpu: float


_Runs = dict[int, list[_Run]]  # by size of batch


def measure(scale: Scale) -> list[Figure]:
    """Analyse the same pages in a loop, and from there in workers, in batches of some sizes."""
    plan, batches = (QUICK, BATCHES[:2]) if scale.quick else (PAGES, BATCHES)
    runs: dict[str, _Runs] = {work: {batch: [] for batch in (INLINE, *batches)} for work in plan}
    keys = list(product(plan, (INLINE, *batches)))
    workers = scale.pick(2, 1)
    with border(1, workers) as ours:
        asyncio.run(_offloaded(ours.pool, 1, "lexbor", _pages(AHEAD)))  # what is imported late
        for number in range(scale.rounds):
            for work, batch in random.Random(number).sample(keys, len(keys)):
                runs[work][batch].append(_run(ours.pool, batch, work, plan[work]))
        heavy = "python_heavy", _pages(HEAVY)
        inline = asyncio.run(turns_during(_inline(*heavy)))
        there = asyncio.run(turns_during(_elsewhere(ours.pool, *heavy)))
    return [
        Figure("workers", "", [workers]),
        Figure("turns of the loop, inline", "", [inline]),
        Figure("turns of the loop, offloaded", "", [there]),
        *(one for work, pages in plan.items() for one in _figures(work, pages, runs[work])),
    ]


def judge(found: Found) -> Judgement:
    """Look whether heavy work is faster elsewhere, and what light work costs there."""
    heavy = found.curve(_faster("python_heavy"))[0]
    light, cost = found.curve(_faster("lexbor")), found.curve(_dearer("lexbor"))
    where = f", and pays from {found[name].text()} on" if (name := _pays("lexbor")) in found else ""
    why = (
        f"one by one in {found['workers'].text()} workers, pages of "
        f"{found['CPU inline, python_heavy'].text()} are {heavy.text()} times as fast as inline, "
        f"and those of {found['CPU inline, lexbor'].text()} {light[0].text()} times, with "
        f"{cost[0].text()} times the CPU; a batch of {light[-1].at:g} of these is "
        f"{light[-1].text()} times as fast, with {cost[-1].text()} times the CPU{where}. While "
        f"heavy pages are analysed the loop has {found['turns of the loop, inline'].text()} turns "
        f"for others inline, and {found['turns of the loop, offloaded'].text()} if they are "
        "elsewhere."
    )
    if max(heavy.values) < SURELY:  # in no round; others may have needed the second core
        return Judgement(Verdict.REFUTED, f"Not here: {why}")
    always = heavy.median > SURELY and light[0].median > 1 and cost[0].median < SURELY
    if always:
        return Judgement(Verdict.HOLDS, f"However little it is: {why}")
    return Judgement(Verdict.LIMITED, f"If it is much at a time, and a core is free: {why}")


def must_show(found: Found) -> bool:
    """The loop stands still for work of its own, and turns while others do it."""
    inline, offloaded = (found[f"turns of the loop, {how}"] for how in ("inline", "offloaded"))
    return inline.median == 0 < offloaded.median


def _faster(work: str) -> str:
    return f"times as fast in batches, {work}"


def _dearer(work: str) -> str:
    return f"times the CPU in batches, {work}"


def _pays(work: str) -> str:
    return f"pays in batches of, {work}"


def _figures(work: str, pages: int, runs: _Runs) -> Iterator[Figure]:
    inline = runs.pop(INLINE)
    yield Figure(f"CPU inline, {work}", "ms", [1000 * one.cpu / pages for one in inline])
    curve = []
    for batch, there in runs.items():
        pairs = list(zip(inline, there, strict=True))
        curve.append(Figure(_faster(work), "", [a.seconds / b.seconds for a, b in pairs], batch))
        yield Figure(_dearer(work), "", [b.cpu / a.cpu for a, b in pairs], batch)
    yield from curve
    yield from pays_from(_pays(work), "pages", curve)


def _run(pool: ProcessPoolExecutor, batch: int, work: str, pages: int) -> _Run:
    """Do a work on so many pages; raises BenchError if it is not what one page gives here."""
    todo = _pages(pages)
    task = _inline(work, todo) if batch == INLINE else _offloaded(pool, batch, work, todo)
    before = usage()
    digests = asyncio.run(task)
    after = usage()
    if digests != _analyse(work, todo[:1]) * pages:
        raise BenchError(f"not the same work: {work} in batches of {batch}")
    cpu = after.own + after.workers - before.own - before.workers
    return _Run(after.at - before.at, cpu)


async def _inline(work: str, pages: list[Fetched]) -> list[str]:
    return _analyse(work, pages)


async def _elsewhere(pool: ProcessPoolExecutor, work: str, pages: list[Fetched]) -> list[str]:
    return await asyncio.get_running_loop().run_in_executor(pool, _analyse, work, pages)


async def _offloaded(
    pool: ProcessPoolExecutor, batch: int, work: str, pages: list[Fetched]
) -> list[str]:
    """Keep a few batches under way, as hybrid does."""
    places = asyncio.Semaphore(AHEAD)

    async def analysed(some: list[Fetched]) -> list[str]:
        try:
            return await _elsewhere(pool, work, some)
        finally:
            places.release()

    tasks = []
    async with asyncio.TaskGroup() as group:
        for first in range(0, len(pages), batch):
            await places.acquire()
            tasks.append(group.create_task(analysed(pages[first : first + batch])))
    return [digest for task in tasks for digest in task.result()]


def _analyse(work: str, pages: list[Fetched]) -> list[str]:
    return [str(WORKS[work](page).sha256) for page in pages]


def _pages(count: int) -> list[Fetched]:
    """Return copies of a page; of one and the same object only the first would cross."""
    url = "http://127.0.0.1/p/0"
    body = bytearray(Website(seed=7, pages=1).page(0, url, Look(size=30_000, links=60)))
    page = Fetched(url=url, final_url=url, outcome=Outcome.OK, status=200)
    return [msgspec.structs.replace(page, body=bytes(body)) for _ in range(count)]
