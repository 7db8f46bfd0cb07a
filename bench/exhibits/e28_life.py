"""A process is new, ready, running, waiting or ended, and the system moves it between these."""

import os
from collections import Counter, defaultdict
from pathlib import Path

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, SkippedError, Verdict
from bench.exhibits.lives import sampled, told
from bench.exhibits.turns import Way, by_turns
from bench.stand import set_up
from bench.works import python_heavy

__all__ = ["judge", "measure", "must_show"]

#: So many children are forked, and on a machine so busy that no new one is seen, more.
CHILDREN, MOST_CHILDREN = 20, 400
FORKED = ("children", "children that had not run yet", "children that had ended")
#: What tells that a state was seen, in the order of a life.
#: Linux calls the first three R: new is who has had no core yet, ready who waits for one.
SEEN = {
    "new": "children that had not run yet",
    "ready": "ready",
    "running": "running",
    "waiting": "waiting",
    "ended": "children that had ended",
}


def measure(scale: Scale) -> list[Figure]:
    """Watch children from fork to end; then the workers of a crawl that share one core."""
    if not Path("/proc/self/schedstat").exists():
        raise SkippedError("This system does not tell the states of a process.")
    found, waits = defaultdict[str, list[float]](list), Counter[str]()
    workers, pages = scale.pick(3, 2), scale.pick(60, 4)
    core = [min(os.sched_getaffinity(0))]
    way = Way("processes", workers=workers, analyse=python_heavy, cores=core)
    once = Scale(rounds=1, quick=scale.quick)
    rounds = scale.pick(scale.rounds, 1)
    for _ in range(rounds):
        for what, count in zip(FORKED, _forked(core), strict=True):
            found[what].append(count)
    with set_up(size="30kB", links=60, pages=pages) as stand:
        for _ in range(rounds):
            with sampled() as lives:
                by_turns(stand, "/p/{}?latency=5ms", pages, {"processes": way}, once)
            for what, value in told(list(lives.values())).items():
                found[what].append(value)
            waits.update(one.waits_in for life in lives.values() for one in life)
    del waits["0"]  # it did not wait, or the system does not tell where
    units = dict.fromkeys(("ready", "running", "waiting"), "%")
    return [
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


def _forked(core: list[int]) -> tuple[int, int, int]:
    """Fork children onto our own core; return how many, and of these the new and the ended."""
    children = new = ended = 0
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, core)
    while children < (CHILDREN if new else MOST_CHILDREN):
        child = os.fork()
        if not child:
            os._exit(0)
        children += 1
        new += _read(child, "schedstat").startswith("0 ")  # nanoseconds on a core
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # waits and collects nothing
        ended += _read(child, "stat").rpartition(")")[2].split()[0] == "Z"
        os.waitpid(child, 0)
    os.sched_setaffinity(0, usable)
    return children, new, ended


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")
