"""Read from the operating system what processes have cost: CPU seconds and memory."""

import multiprocessing
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["Reading", "cpu_of", "memory_of", "memory_of_all", "reading", "seconds_in"]

_USER, _SYSTEM = 11, 12  # fields of /proc/PID/stat, counted behind the name in brackets


class Reading(NamedTuple):
    """The CPU seconds used until the monotonic instant ``at``."""

    at: float
    own_user: float
    own_system: float
    workers: float
    server: float


def reading(site_pid: int) -> Reading:
    """Read this process, its worker processes and the server; to within 10 ms each."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return Reading(
        time.monotonic(),
        own.ru_utime,
        own.ru_stime,
        sum(cpu_of(pid) for pid in _workers()),
        cpu_of(site_pid),
    )


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process, those of its threads that ended included."""
    path = Path(f"/proc/{pid}/stat")
    if path.exists():
        fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = int(fields[_USER]) + int(fields[_SYSTEM])
        return ticks / os.sysconf("SC_CLK_TCK")
    asked = ["ps", "-o", "cputime=", "-p", str(pid)]
    return seconds_in(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def seconds_in(clock: str) -> float:
    """Return the seconds in what ps prints, such as `1-02:03:04` or `0:01.25`."""
    days, _, time_of_day = clock.strip().rpartition("-")
    seconds = 0.0
    for part in time_of_day.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds + 86_400 * int(days or 0)


def memory_of(pid: int) -> int:
    """Return the PSS of a process in bytes: a page shared by two counts half in each.

    Only Linux tells it; elsewhere an OSError is raised.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Pss:"):
            return 1024 * int(line.split()[1])
    raise OSError(f"no PSS of process {pid}")


def memory_of_all() -> int:
    """Return the PSS of this process and its worker processes."""
    return sum(memory_of(pid) for pid in (os.getpid(), *_workers()))


def _workers() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]
