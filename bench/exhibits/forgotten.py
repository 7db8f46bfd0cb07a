"""What becomes of tasks that nobody holds on to: of their errors, and of the tasks themselves."""

import asyncio
import gc
from asyncio import AbstractEventLoop
from typing import Any

__all__ = ["TASKS", "errors_of_a_group", "errors_of_bare_tasks", "left"]

TASKS = 8


async def errors_of_bare_tasks() -> int:
    """Return of how many errors somebody is told who waits for the tasks, but takes no results."""
    _be_quiet()
    heard = 0
    try:
        await asyncio.wait([asyncio.create_task(_fail()) for _ in range(TASKS)])
    except LookupError:
        heard += 1
    return heard


async def errors_of_a_group() -> int:
    """Return of how many errors somebody is told who has made the tasks in a group."""
    heard = 0
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(_fail())
    except* LookupError as errors:
        heard += len(errors.exceptions)
    return heard


async def left(*, held: bool) -> int:
    """Return how many tasks that wait outlive a collection of garbage.

    Each waits for something that only it knows of, so the loop does not hold it either.
    """
    _be_quiet()
    tasks = [asyncio.create_task(_wait()) for _ in range(TASKS)]
    await asyncio.sleep(0)  # all wait
    if not held:
        tasks.clear()
    gc.collect()
    return len(asyncio.all_tasks()) - 1  # one is our own


async def _fail() -> None:
    raise LookupError("no such page")


async def _wait() -> None:
    await asyncio.get_running_loop().create_future()


def _be_quiet() -> None:
    """Log nothing of what is lost: a program that has lost it does not read its own log."""

    def say_nothing(_loop: AbstractEventLoop, _lost: dict[str, Any]) -> None:
        pass

    asyncio.get_running_loop().set_exception_handler(say_nothing)
