"""What other tasks get of an event loop: how many turns, and how late they get them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from math import ceil

__all__ = ["beat", "beating", "percentile", "turns_during"]

BEAT = 0.001  # seconds


async def beat(late: list[float], every: float = BEAT) -> None:
    """Append after each beat how many ms too late it came; for ever."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(every)
        late.append(max(0.0, 1000 * (time.perf_counter() - began - every)))


@asynccontextmanager
async def beating() -> AsyncIterator[list[float]]:
    """Have the loop beat while the body runs, until the beat after it; yield how late each was."""
    late: list[float] = []
    task = asyncio.create_task(beat(late))
    await asyncio.sleep(0)  # the task has begun
    try:
        yield late
        await asyncio.sleep(BEAT)  # the next beat is due before this ends
    finally:
        task.cancel()


async def turns_during(work: Awaitable[object]) -> int:
    """Return how many turns another task, which always wants one, has while *work* is awaited."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    await asyncio.sleep(0)  # it has begun
    before = turns
    await work
    taken = turns - before
    other.cancel()
    return taken


def percentile(late: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of all do not exceed."""
    return sorted(late)[ceil(percent / 100 * len(late)) - 1]
