"""What this process has used of the machine: time it waited for a core, and memory."""

import resource
import sys
from pathlib import Path

__all__ = ["peak_memory", "waited_for_core"]


def waited_for_core() -> float | None:
    """Return the seconds in which this thread could have run and no core was free.

    None where the system does not tell; Linux does (Documentation/scheduler/sched-stats).
    """
    try:
        _, waited, _ = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return int(waited) / 1e9


def peak_memory() -> int:
    """Return the greatest memory that this process had at once, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
