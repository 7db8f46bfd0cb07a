"""Read from the operating system what processes have cost: CPU seconds and memory."""

import contextlib
import multiprocessing
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "Reading", "cpu_of", "cpu_of_family", "memory_of", "memory_of_all", "reading", "seconds_in",
]  # fmt: skip

# Fields of /proc/PID/stat, counted behind the name in brackets.
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14


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
        return _seconds(_fields(path), _USER, _SYSTEM)
    asked = ["ps", "-o", "cputime=", "-p", str(pid)]
    return seconds_in(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)


def cpu_of_family(pid: int) -> float:
    """Return the CPU seconds of a process and of its descendants, those that ended included.

    Only where there is /proc; elsewhere an OSError is raised.
    """
    fields = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            fields[int(path.parent.name)] = _fields(path)
    if pid not in fields:
        raise OSError(f"no process {pid} in /proc")
    family = {pid}
    while more := {one for one, its in fields.items() if int(its[_PARENT]) in family} - family:
        family |= more
    return sum(
        _seconds(fields[one], _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM) for one in family
    )


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


def _fields(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rpartition(")")[2].split()


def _seconds(fields: list[str], *places: int) -> float:
    ticks: int = sum(int(fields[place]) for place in places)
    return ticks / os.sysconf("SC_CLK_TCK")


def _workers() -> list[int]:
    return [child.pid for child in multiprocessing.active_children() if child.pid is not None]
