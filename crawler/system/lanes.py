"""Which thread of which process this is, and how late its loop is."""

import asyncio
import os
import threading
from collections.abc import Callable

from crawler.core.spans import Where
from crawler.system.clock import now

__all__ = ["here", "watch_lateness"]

#: Seconds from one look at a loop to the next; a look costs some 20 us, as much as the rest of
#: a page's trace.
EVERY = 0.05


class _Here(threading.local):
    """Made by each thread when it first asks."""

    def __init__(self) -> None:
        self.where: Where = os.getpid(), threading.current_thread().name


_here = _Here()


def here() -> Where:
    """Return the process and the name of the thread that asks."""
    return _here.where


async def watch_lateness(late: Callable[[float, float], object]) -> None:
    """Tell *late*, again and again, when this was to go on and when the loop let it."""
    while True:
        due = now() + EVERY
        await asyncio.sleep(EVERY)
        late(due, now())
