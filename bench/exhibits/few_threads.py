"""The few threads that a loop has for blocking calls, which look up names, too."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager

__all__ = ["answered", "most_threads", "threads_of_a_loop"]

JOBS = 64  # more than the threads that any loop has by default
PATIENCE = 0.1  # seconds


def most_threads() -> int:
    """Return min(32, cores + 4), as the documentation of ThreadPoolExecutor has it."""
    cores = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    return int(min(32, cores + 4))


async def threads_of_a_loop() -> int:
    """Return how many threads a loop starts for calls that all block."""
    before = threading.active_count()
    async with _blocked(None):
        return threading.active_count() - before


async def answered(*, own: bool) -> int:
    """Return how many of one look-up of a name are answered while other calls block.

    These are in the loop's threads, or in some of their *own*.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(most_threads()) as pool:
        async with _blocked(pool if own else None):
            look_up = loop.create_task(loop.getaddrinfo("localhost", 80))
            # Behind JOBS calls that block it cannot be answered, however long one waits.
            done, _ = await asyncio.wait([look_up], timeout=None if own else PATIENCE)
        await look_up
        return len(done)


@asynccontextmanager
async def _blocked(executor: Executor | None) -> AsyncIterator[None]:
    """Have JOBS calls block, in the threads of the loop if there are no others."""
    loop, end = asyncio.get_running_loop(), threading.Event()
    calls = [loop.run_in_executor(executor, end.wait) for _ in range(JOBS)]
    try:
        yield
    finally:
        end.set()
        await asyncio.wait(calls)
