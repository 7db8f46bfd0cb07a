"""Python runs in parallel in processes only, and only where there are several cores."""

import os

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, SkippedError, Verdict, ratio
from bench.exhibits.turns import Turn, Way, by_turns, figure
from bench.stand import set_up
from bench.subinterpreters import scaling
from bench.works import python_heavy

__all__ = ["judge", "measure"]

CORES = (1, 2)
#: Times as fast on two cores, or with two workers, from which on there is parallelism.
PARALLEL = 1.3


def measure(scale: Scale) -> list[Figure]:
    """Crawl with the same workers on one core and on two; then try other kinds of workers."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < max(CORES):
        raise SkippedError("This machine gives us one core only.")
    workers, pages = scale.pick(2, 1), scale.pick(80, 6)
    ways = {
        f"cores: {count}": Way(
            "processes", workers=workers, analyse=python_heavy, cores=usable[:count]
        )
        for count in CORES
    }
    with set_up(size="30kB", links=60, pages=pages) as stand:
        found = by_turns(stand, "/p/{}", pages, ways, scale)
    rates = [
        figure(f"pages/s, {name}", "", turns, lambda turn: turn.pages_per_s)
        for name, turns in found.items()
    ]
    kinds = {} if scale.quick else scaling(scale.rounds, times=30)
    return [
        Figure("workers", "", [workers]),
        *rates,
        ratio("times as fast on 2 cores", rates[1], rates[0]),
        figure("times as fast by Amdahl’s law", "", found["cores: 1"], _amdahl),
        *(Figure(f"2 {kind} over 1", "", ratios) for kind, ratios in kinds.items()),
    ]


def judge(found: Found) -> Judgement:
    """Look at what a second core, and a second worker of each kind, made faster."""
    faster, law = found["times as fast on 2 cores"], found["times as fast by Amdahl’s law"]
    kinds = [kind for kind in ("threads", "sub-interpreters") if f"2 {kind} over 1" in found]
    others = {kind: found[f"2 {kind} over 1"] for kind in kinds}
    said = "".join(
        f"; 2 {kind} are {one.text()} times as fast as 1" for kind, one in others.items()
    )
    why = (
        f"The same processes are {faster.text()} times as fast on 2 cores as on 1 "
        f"({law.text()} by Amdahl’s law){said}."
    )
    parallel = [kind for kind, one in others.items() if one.median > PARALLEL]
    if found["workers"].median < max(CORES):
        return Judgement(Verdict.LIMITED, f"A hurried run has no worker for a second core. {why}")
    if faster.median <= PARALLEL:
        once = max(faster.values) > PARALLEL  # others may have needed the second core
        return Judgement(Verdict.LIMITED if once else Verdict.REFUTED, why)
    if "threads" in parallel:
        return Judgement(Verdict.OUTDATED, f"{why} Since 3.13 a Python may be built without GIL.")
    if parallel:
        return Judgement(Verdict.OUTDATED, f"{why} Since 3.14 there are sub-interpreters, too.")
    return Judgement(Verdict.HOLDS, why)


def _amdahl(turn: Turn) -> float:
    """Return 1/(s + (1 - s)/2), s being the parent's share of a page's CPU (Amdahl, 1967).

    The law lets the parent work alone; it works beside its workers, so they may do better.
    """
    alone = turn.own / turn.cpu
    return 1 / (alone + (1 - alone) / max(CORES))
