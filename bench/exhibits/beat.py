"""The beat of an event loop: a task that wants a turn now and then, and how late it gets each."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil

__all__ = ["beat", "beating", "percentile"]

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


def percentile(late: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of all do not exceed."""
    return sorted(late)[ceil(percent / 100 * len(late)) - 1]
