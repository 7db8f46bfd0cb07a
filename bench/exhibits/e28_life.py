"""A process is new, ready, running, waiting or ended, and the system moves it between these."""

import os
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, SkippedError, Verdict
from bench.exhibits.turns import Way, by_turns
from bench.stand import set_up
from bench.works import python_heavy

__all__ = ["judge", "measure", "must_show"]

EVERY = 0.005  # seconds between two samples
CHILDREN = 20
#: What tells that a state was seen, in the order of a life.
#: Linux calls the first three R: new is who has had no core yet, ready who waits for one.
SEEN = {
    "new": "children that had not run yet",
    "ready": "ready",
    "running": "running",
    "waiting": "waiting",
    "ended": "children that had ended",
}


class _Sample(NamedTuple):
    """A process at an instant: seconds on a core and ready for one, and switches until then."""

    at: float
    running: float
    ready: float
    gave_way: int
    was_put_off: int
    waits_in: str


def measure(scale: Scale) -> list[Figure]:
    """Watch children from fork to end; then the workers of a crawl that share one core."""
    if not Path("/proc/self/schedstat").exists():
        raise SkippedError("This system does not tell the states of a process.")
    found, waits = defaultdict[str, list[float]](list), Counter[str]()
    workers, pages = scale.pick(3, 2), scale.pick(60, 4)
    core = [min(os.sched_getaffinity(0))]
    way = Way("processes", workers=workers, analyse=python_heavy, cores=core)
    once = Scale(rounds=1, quick=scale.quick)
    for _ in range(1 if scale.quick else scale.rounds):
        unborn, ended = _forked(core)
        found[SEEN["new"]].append(unborn)
        found[SEEN["ended"]].append(ended)
    with set_up(size="30kB", links=60, pages=pages) as stand:
        for _ in range(1 if scale.quick else scale.rounds):
            with _sampled() as lives:
                by_turns(stand, "/p/{}?latency=5ms", pages, {"processes": way}, once)
            for what, value in _told([life for life in lives.values() if len(life) > 1]).items():
                found[what].append(value)
            waits.update(one.waits_in for life in lives.values() for one in life)
    del waits["0"]  # it did not wait, or the system does not tell where
    units = dict.fromkeys(("ready", "running", "waiting"), "%")
    return [
        Figure("children", "", [CHILDREN]),
        *(Figure(what, units.get(what, ""), values) for what, values in found.items()),
        *(Figure(f"samples that wait in {where}", "", [count]) for where, count in waits.items()),
    ]


def judge(found: Found) -> Judgement:
    """Name the states that were seen, and who moved the workers out of running."""
    unseen = [state for state, what in SEEN.items() if found[what].median == 0]
    why = (
        f"Of {found['children'].text()} children {found[SEEN['new']].text()} were seen before "
        f"they first ran and {found[SEEN['ended']].text()} between their end and their "
        "parent’s taking note of it; "
        "the workers of a crawl that share one core are running for "
        f"{found['running'].text()} of their time, ready for {found['ready'].text()} and waiting "
        f"for {found['waiting'].text()}; each gave way {found['times a worker gave way'].text()} "
        f"times to wait and was put off {found['times a worker was put off'].text()} times."
    )
    if unseen:
        return Judgement(Verdict.LIMITED, f"Not seen: {', '.join(unseen)}. {why}")
    return Judgement(Verdict.HOLDS, why)


def must_show(found: Found) -> bool:
    """All states were seen, and both ways out of running."""
    moves = ("times a worker gave way", "times a worker was put off")
    return all(found[what].median > 0 for what in (*SEEN.values(), *moves))


def _forked(core: list[int]) -> tuple[int, int]:
    """Fork children onto our own core; return how many were seen before and after they ran."""
    unborn = ended = 0
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, core)
    for _ in range(CHILDREN):
        child = os.fork()
        if not child:
            os._exit(0)
        unborn += _read(child, "schedstat").split()[0] == "0"  # nanoseconds on a core
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # waits and collects nothing
        ended += _read(child, "stat").rpartition(")")[2].split()[0] == "Z"
        os.waitpid(child, 0)
    os.sched_setaffinity(0, usable)
    return unborn, ended


@contextmanager
def _sampled() -> Iterator[dict[str, list[_Sample]]]:
    """Sample all worker processes of ours until the body ends."""
    lives = defaultdict[str, list[_Sample]](list)
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


def _sample(pid: str) -> _Sample:
    running, ready, _ = map(int, _read(pid, "schedstat").split())
    counts = dict(line.split(":", 1) for line in _read(pid, "status").splitlines())
    return _Sample(
        time.monotonic(),
        running / 1e9,
        ready / 1e9,
        int(counts["voluntary_ctxt_switches"]),
        int(counts["nonvoluntary_ctxt_switches"]),
        _read(pid, "wchan").partition(".")[0],
    )


def _told(lives: list[list[_Sample]]) -> dict[str, float]:
    """Return the shares of the states in percent, and how often a worker left its core."""
    each = [
        [last - first for first, last in zip(life[0][:-1], life[-1][:-1], strict=True)]
        for life in lives
    ]
    time_all, running, ready, gave_way, put_off = map(sum, zip(*each, strict=True))
    return {
        "running": 100 * running / time_all,
        "ready": 100 * ready / time_all,
        "waiting": max(0.0, 100 * (time_all - running - ready) / time_all),
        "times a worker gave way": gave_way / len(lives),
        "times a worker was put off": put_off / len(lives),
    }


def _read(pid: int | str, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")
