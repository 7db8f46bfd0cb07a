"""Sample worker processes while they live: on a core, ready for one, or waiting, and for what."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["Sample", "sampled", "told"]

EVERY = 0.005  # seconds between two samples


class Sample(NamedTuple):
    """A process at an instant: seconds on a core and ready for one, and switches until then."""

    at: float
    running: float
    ready: float
    gave_way: int
    was_put_off: int
    waits_in: str


@contextmanager
def sampled() -> Iterator[dict[str, list[Sample]]]:
    """Sample all worker processes of ours until the body ends."""
    lives = defaultdict[str, list[Sample]](list)
    over = threading.Event()

    def sample() -> None:
        while not over.wait(EVERY):
            for pid in _children():
                with suppress(OSError, ValueError):  # it has just ended
                    if "--multiprocessing-fork" in _read(pid, "cmdline"):
                        lives[pid].append(_sample(pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield lives
    finally:
        over.set()
        sampler.join()


def _children() -> list[str]:
    """Return our child processes; multiprocessing would collect the ended ones if it was asked."""
    children = list[str]()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            children += (task / "children").read_text(encoding="ascii").split()
    return children


def _sample(pid: str) -> Sample:
    running, ready, _ = map(int, _read(pid, "schedstat").split())
    counts = dict(line.split(":", 1) for line in _read(pid, "status").splitlines())
    return Sample(
        time.monotonic(),
        running / 1e9,
        ready / 1e9,
        int(counts["voluntary_ctxt_switches"]),
        int(counts["nonvoluntary_ctxt_switches"]),
        _read(pid, "wchan").partition(".")[0],
    )


def told(lives: Sequence[Sequence[Sample]]) -> dict[str, float]:
    """Return the shares of the states in percent, and how often a worker left its core."""
    each = [
        [last - first for first, last in zip(life[0][:-1], life[-1][:-1], strict=True)]
        for life in lives
        if len(life) > 1
    ]
    time_all, running, ready, gave_way, put_off = map(sum, zip(*each, strict=True))
    return {
        "running": 100 * running / time_all,
        "ready": 100 * ready / time_all,
        "waiting": max(0.0, 100 * (time_all - running - ready) / time_all),
        "times a worker gave way": gave_way / len(each),
        "times a worker was put off": put_off / len(each),
    }


def _read(pid: int | str, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")
