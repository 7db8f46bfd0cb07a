"""What time it is and what the CPU has cost, in one place."""

import os
import resource
import time

__all__ = [
    "cpu_of_children",
    "cpu_of_process",
    "cpu_of_thread",
    "now",
    "now_ns",
    "usable_cores",
    "wall",
]

#: Monotonic seconds, the same in all processes of one machine.
now = time.monotonic
#: The same clock in whole nanoseconds.
now_ns = time.monotonic_ns
#: Seconds since 1970, for people and records only.
wall = time.time
#: CPU seconds of the calling thread.
cpu_of_thread = time.thread_time
#: CPU seconds of this process.
cpu_of_process = time.process_time


def cpu_of_children() -> float:
    """Return the CPU seconds of child processes that have ended and been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def usable_cores() -> int:
    """Return how many cores this process may run on, which can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
