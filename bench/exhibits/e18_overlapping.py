"""Coroutines that are awaited one by one run in sequence; made into tasks they overlap."""

import asyncio
import hashlib
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from bench.cell import BenchError
from bench.exhibits.asking import HOST, aask, has_server, request_for
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, SkippedError, Verdict
from bench.exhibits.forgotten import TASKS, errors_of_a_group, errors_of_bare_tasks, left
from bench.stand import set_up

__all__ = ["judge", "measure", "must_show"]

IN_FLIGHT = 4  # the bound
FAILED, BARE, GROUP = "tasks that fail", "errors heard of, bare tasks", "errors heard of, a group"
LEFT, HELD = "tasks left if nobody holds them", "tasks left if somebody does"

Visit = Callable[[int], Awaitable[bytes]]


async def in_sequence(visit: Visit, pages: int) -> list[bytes]:
    """Await one page after the other."""
    return [await visit(number) for number in range(pages)]


async def as_tasks(visit: Visit, pages: int) -> list[bytes]:
    """Make a task for each page, as many as there are."""
    tasks = [asyncio.ensure_future(visit(number)) for number in range(pages)]
    return [await task for task in tasks]


async def in_a_group(visit: Visit, pages: int) -> list[bytes]:
    """Make a task when there is room for it, in a group that owns all of them."""
    room = asyncio.Semaphore(IN_FLIGHT)

    async def visit_and_leave(number: int) -> bytes:
        try:
            return await visit(number)
        finally:
            room.release()

    tasks = []
    async with asyncio.TaskGroup() as group:
        for number in range(pages):
            await room.acquire()
            tasks.append(group.create_task(visit_and_leave(number)))
    return [task.result() for task in tasks]


WAYS = {"in sequence": in_sequence, "as tasks": as_tasks, "in a group": in_a_group}


class _Seen(NamedTuple):
    """What the server had open at once, seconds, and a proof of the work."""

    most: int
    seconds: float
    digest: str


def measure(scale: Scale) -> list[Figure]:
    """Fetch the same pages in three ways, and let tasks fail, and let go of them."""
    if not has_server():
        raise SkippedError("This Python lacks the packages of our test server.")
    pages, found = scale.pick(32, 8), defaultdict[str, list[_Seen]](list)
    with set_up(size="2kB", links=5, pages=pages, latency="50ms") as stand:
        for number in range(scale.rounds):
            for name in random.Random(number).sample(list(WAYS), len(WAYS)):
                stand.running.reset()
                began = time.perf_counter()
                bodies = asyncio.run(WAYS[name](_visitor(stand.running.port), pages))
                seconds = time.perf_counter() - began
                digest = hashlib.sha256(b"".join(bodies)).hexdigest()
                most = stand.running.truth()["in_flight_max"]
                found[name].append(_Seen(most, seconds, digest))
    if len({one.digest for runs in found.values() for one in runs}) > 1:
        raise BenchError("not the same pages in sequence and in tasks")
    return [
        Figure("pages", "", [pages]),
        Figure("bound of the group", "", [IN_FLIGHT]),
        Figure(FAILED, "", [TASKS]),
        *(
            figure
            for name, runs in found.items()
            for figure in (
                Figure(f"requests at once, {name}", "", [one.most for one in runs]),
                Figure(f"seconds, {name}", "s", [one.seconds for one in runs]),
            )
        ),
        Figure(BARE, "", [asyncio.run(errors_of_bare_tasks())]),
        Figure(GROUP, "", [asyncio.run(errors_of_a_group())]),
        Figure(LEFT, "", [asyncio.run(left(held=False))]),
        Figure(HELD, "", [asyncio.run(left(held=True))]),
    ]


def judge(found: Found) -> Judgement:
    """Compare what the server had open at once, and look what became of bare tasks."""
    one, all_, some = (found[f"requests at once, {name}"] for name in WAYS)
    slow, fast, bounded = (found[f"seconds, {name}"] for name in WAYS)
    failed, bare, alone, held = (found[name] for name in (FAILED, BARE, LEFT, HELD))
    why = (
        f"{found['pages'].text()} pages in sequence have {one.text()} request open at once and "
        f"take {slow.text()}, as tasks {all_.text()} and {fast.text()}, in a group with a bound "
        f"{some.text()} and {bounded.text()}. Of {failed.text()} bare tasks that fail their maker "
        f"hears {bare.text()} errors, of a group {found[GROUP].text()}; of "
        f"as many that wait {alone.text()} are left after a collection of garbage if nobody holds "
        f"them, and {held.text()} if somebody does."
    )
    if one.median > 1 or all_.median <= 1:
        return Judgement(Verdict.REFUTED, why)
    if bare.median < failed.median or alone.median < held.median:
        return Judgement(Verdict.LIMITED, f"Tasks need an owner and a bound. {why}")
    return Judgement(Verdict.HOLDS, why)


def must_show(found: Found) -> bool:
    """One request at a time in sequence, more as tasks, the bound kept; bare tasks are lost."""
    one, all_, some = (max(found[f"requests at once, {name}"].values) for name in WAYS)
    bare, group, alone, held = (found[name].median for name in (BARE, GROUP, LEFT, HELD))
    bound = found["bound of the group"].median
    return one == 1 < some <= bound < all_ and bare == alone == 0 < min(group, held)


def _visitor(port: int) -> Visit:
    async def visit(number: int) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            return await aask(reader, writer, request_for(f"/p/{number}"))
        finally:
            writer.close()
            await writer.wait_closed()

    return visit
