"""Hand computing to a process: in batches, to a pool that is made once, from fresh interpreters."""

import asyncio
import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

PAGES = [f"page {number} " * 500 for number in range(32)]
BATCH = 8


def words(pages: Sequence[str]) -> tuple[int, int]:
    """Return the id of this process, and how many different words it found in each page, summed."""
    return os.getpid(), sum(len(set(page.split())) for page in pages)


async def compute(pages: Sequence[str]) -> dict[str, float]:
    """Return how many words there were, and where they were counted."""
    loop = asyncio.get_running_loop()
    batches = [pages[start : start + BATCH] for start in range(0, len(pages), BATCH)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(awaited(loop, pool, batch)) for batch in batches]
    found = [task.result() for task in tasks]
    return {
        "words": sum(count for _, count in found),
        "batches": len(found),
        "batches computed here": sum(process == os.getpid() for process, _ in found),
    }


async def awaited(
    loop: asyncio.AbstractEventLoop, pool: ProcessPoolExecutor, batch: Sequence[str]
) -> tuple[int, int]:
    """Return what the pool makes of a batch; raises what it raises."""
    return await loop.run_in_executor(pool, words, batch)


def main() -> dict[str, float]:
    """Count the words of all pages."""
    return asyncio.run(compute(PAGES))


if __name__ == "__main__":  # without this line each worker would start the program anew
    print(json.dumps(main()))
