"""Run a crawl as its users do, and learn its speed and cost from outside, the same for everybody.

The output file is looked at while it grows, and the processes' CPU with it, so that no crawl
has to carry a meter.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.cell import BenchError, environment
from bench.meter import cpu_of, cpu_of_family

__all__ = ["Look", "Steady", "steady", "watch"]

#: Seconds between two looks: often until there is a first record, then seldom, as a look costs
#: half a millisecond to some.
BEFORE, AFTERWARDS = 0.02, 0.25
#: What stands in buffers is written when a tool closes, which takes some of them a second; so
#: the steady part ends when this share of the output is there.
SHARE = 0.99


class Look(NamedTuple):
    """At a monotonic instant: bytes of output, and CPU seconds of the client and the server."""

    at: float
    written: int
    client: float
    server: float


class Steady(msgspec.Struct, kw_only=True, frozen=True):
    """From the first record on: pages a second, and CPU seconds of a page; and the time to it."""

    pages_per_s: float
    startup_s: float
    client: float
    server: float


def watch(command: Sequence[str], output: Path, site_pid: int) -> list[Look]:
    """Run *command* until it ends, and return the looks; raises BenchError if it fails.

    The first look is from before the start.
    """
    looks = [Look(time.monotonic(), 0, 0.0, cpu_of(site_pid))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment()) as child:
        ended = False
        try:
            while not ended:
                time.sleep(AFTERWARDS if looks[-1].written else BEFORE)
                ended = _has_ended(child.pid)
                looks.append(_look(child.pid, output, site_pid))
        except OSError as error:
            raise BenchError(f"the CPU of processes is unknown here: {error}") from None
        finally:
            child.kill()
    if child.returncode:  # kill() left it alone, as it had ended
        raise BenchError(f"{' '.join(command[:4])} ended with {child.returncode}")
    if not looks[-1].written:
        raise BenchError(f"{' '.join(command[:4])} wrote nothing")
    return looks


def steady(looks: Sequence[Look], pages: int) -> Steady:
    """Return the speed and cost of a crawl that wrote *pages* pages of much the same size."""
    final = looks[-1].written
    first = next(place for place, look in enumerate(looks) if look.written)
    last = max(place for place, look in enumerate(looks) if look.written <= SHARE * final)
    if last <= first:  # too short for more: from the look before the first record to the last
        first, last = first - 1, next(p for p, look in enumerate(looks) if look.written == final)
    begin, end = looks[first], looks[last]
    done = pages * (end.written - begin.written) / final
    return Steady(
        pages_per_s=done / (end.at - begin.at),
        startup_s=next(look for look in looks if look.written).at - looks[0].at,
        client=(end.client - begin.client) / done,
        server=(end.server - begin.server) / done,
    )


def _has_ended(pid: int) -> bool:
    """Tell without taking note of it, so that its CPU can still be read."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _look(pid: int, output: Path, site_pid: int) -> Look:
    written = output.stat().st_size if output.exists() else 0
    return Look(time.monotonic(), written, cpu_of_family(pid), cpu_of(site_pid))
