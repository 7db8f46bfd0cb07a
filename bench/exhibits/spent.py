"""What the time of a thread went to: running, ready for a core that was not free, or waiting."""

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["Spent", "spent"]


class Spent(NamedTuple):
    """Seconds of a thread, and how often it gave up its core in order to wait."""

    wall: float
    running: float
    ready: float
    waits: int

    @property
    def waiting(self) -> float:
        """The seconds in which the thread could not have used a core."""
        return max(0.0, self.wall - self.running - self.ready)

    @property
    def waiting_share(self) -> float:
        """The part of its time that a thread with a core of its own would have waited."""
        return self.waiting / (self.waiting + self.running)


def spent(task: Callable[[], object]) -> Spent:
    """Run *task* in this thread and return what its time went to.

    Only Linux tells when a thread was ready, and counts for each thread how often it waited;
    elsewhere both are 0.
    """
    before = _read()
    task()
    wall, running, ready, waits = (now - then for now, then in zip(_read(), before, strict=True))
    return Spent(wall, running, ready, int(waits))


def _read() -> tuple[float, float, float, int]:
    """Read the clocks of this thread (Documentation/scheduler/sched-stats.rst in Linux)."""
    ready, waits = 0.0, 0
    if (path := Path("/proc/thread-self/schedstat")).exists():
        ready = int(path.read_text(encoding="ascii").split()[1]) / 1e9
        waits = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    return time.perf_counter(), time.thread_time(), ready, waits
