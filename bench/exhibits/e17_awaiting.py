"""Await pauses only the coroutine that awaits; the rest of the program goes on meanwhile."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable

from bench.exhibits.beat import beating, turns_during
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.stdlib_analysis import analyse

__all__ = ["judge", "measure", "must_show"]

PAGE = b"<title>A page</title>" + b"<p>Some words and <a href='/p/1'>a link</a>.</p>" * 10
AWAITS, FEW = (1, 10, 100, 1000), (1, 10)  # pages analysed in coroutines that are awaited
TIMES = 100  # awaits of each kind, during which turns are counted


async def bytes_there() -> bytes:
    """Read what has been received already."""
    reader = asyncio.StreamReader()
    reader.feed_data(PAGE)
    return await reader.readexactly(len(PAGE))


async def bytes_to_come() -> bytes:
    """Read what is received later: the very same call."""
    reader = asyncio.StreamReader()
    asyncio.get_running_loop().call_soon(reader.feed_data, PAGE)
    return await reader.readexactly(len(PAGE))


async def item_there() -> bytes:
    """Take an item that is in the queue already."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queue.put_nowait(PAGE)
    return await queue.get()


async def item_to_come() -> bytes:
    """Take an item that is put into the queue later."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    asyncio.get_running_loop().call_soon(queue.put_nowait, PAGE)
    return await queue.get()


async def analysis() -> dict[str, object]:
    """Compute, as a coroutine may; there is nothing to wait for."""
    return analyse(PAGE, "http://127.0.0.1/p/0")


READY = {"bytes that are there": bytes_there, "an item that is there": item_there,
         "an analysis": analysis}  # fmt: skip
TO_COME = {"bytes to come": bytes_to_come, "an item to come": item_to_come}


def measure(scale: Scale) -> list[Figure]:
    """Count the turns of another task while each is awaited, and see how late it gets."""
    turns, still = defaultdict[str, list[float]](list), defaultdict[int, list[float]](list)
    paused, numbers = defaultdict[int, list[float]](list), FEW if scale.quick else AWAITS
    ways = {**READY, **TO_COME}
    for number in range(scale.rounds):
        for name in random.Random(number).sample(list(ways), len(ways)):
            turns[name].append(asyncio.run(_turns(ways[name])))
        for awaits in random.Random(number).sample(numbers, len(numbers)):
            still[awaits].append(asyncio.run(_stands_still(awaits, pausing=False)))
            paused[awaits].append(asyncio.run(_stands_still(awaits, pausing=True)))
    return [
        *(Figure(_turns_of(name), "", values) for name, values in turns.items()),
        *(Figure("loop stands still", "ms", still[at], at) for at in numbers),
        *(Figure("loop stands still, with pauses", "ms", paused[at], at) for at in numbers),
    ]


def judge(found: Found) -> Judgement:
    """Compare the turns of another task beside awaits that have to wait and that have not."""
    to_come, ready = ([found[_turns_of(one)] for one in kind] for kind in (TO_COME, READY))
    one, *_, many = found.curve("loop stands still")
    paused = found.curve("loop stands still, with pauses")[-1]
    told = ", ".join(f"{found[_turns_of(name)].text()} for {name}" for name in (*TO_COME, *READY))
    why = (
        f"For each await another task has this many turns: {told}. With {one.at:g} analysis "
        f"awaited the loop stands still for {one.text()}, with {many.at:g} in a row for "
        f"{many.text()}, and for {paused.text()} if there is a pause after each."
    )
    if min(min(one.values) for one in to_come) == 0:
        return Judgement(Verdict.REFUTED, why)
    if max(max(one.values) for one in ready) > 0:
        return Judgement(Verdict.HOLDS, why)
    return Judgement(Verdict.LIMITED, f"Only if what is awaited has to wait. {why}")


def must_show(found: Found) -> bool:
    """Another task has turns beside what is to come, and never one beside what is there."""
    ready = max(max(found[_turns_of(name)].values) for name in READY)
    return ready == 0 < min(min(found[_turns_of(name)].values) for name in TO_COME)


def _turns_of(name: str) -> str:
    return f"turns of another task, {name}"


async def _turns(awaited: Callable[[], Awaitable[object]]) -> float:
    """Return how many turns another task has for each await."""

    async def again_and_again() -> None:
        for _ in range(TIMES):
            await awaited()

    return await turns_during(again_and_again()) / TIMES


async def _stands_still(awaits: int, *, pausing: bool) -> float:
    """Return the ms by which the latest turn of another task is late during so many awaits."""
    async with beating() as late:
        for _ in range(awaits):
            await analysis()
            if pausing:
                await asyncio.sleep(0)
    return max(late)
