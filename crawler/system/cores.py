"""Give this process and another cores of their own, where the system has more than one."""

import contextlib
import os
from collections.abc import Iterator

__all__ = ["apart"]


@contextlib.contextmanager
def apart(pid: int) -> Iterator[None]:
    """Keep the process *pid* on the last core, and this one and its children off it, inside."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    *others, last = sorted(before)
    if others:
        os.sched_setaffinity(pid, {last})
        os.sched_setaffinity(0, others)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
