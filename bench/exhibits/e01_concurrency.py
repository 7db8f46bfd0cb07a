"""Concurrent tasks take turns; parallel ones run at the same time, which takes several cores."""

import os
import threading

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.spent import Spent, spent
from bench.exhibits.turns import Turn, Way, by_turns, figure
from bench.lanes import most_at_once
from bench.stand import set_up
from bench.timeline import run_of
from bench.works import python_heavy

__all__ = ["judge", "measure", "must_show"]

LATENCY, SURE_LATENCY = 2, 20  # ms; the latter is for counting requests however busy the machine
WAYS = {
    "serial": Way("serial", analyse=python_heavy, traced=True),
    "async": Way("async", 8, analyse=python_heavy, traced=True),
    "processes": Way("processes", workers=2, analyse=python_heavy, traced=True),
}
#: What keeps more cores busy than this runs in parallel.
ONE_CORE = 1.2


def measure(scale: Scale) -> list[Figure]:
    """Crawl the same pages with a timeline; then let two threads compute side by side."""
    pages = scale.pick(50, 10)
    with set_up(size="30kB", links=60, pages=pages) as stand:
        ways = {name: way for name, way in WAYS.items() if not (scale.quick and way.workers)}
        latency = scale.pick(LATENCY, SURE_LATENCY)
        found = by_turns(stand, f"/p/{{}}?latency={latency}ms", pages, ways, scale)
    spin = scale.pick(4_000_000, 1_000_000)
    pairs = [_two_threads(spin) for _ in range(scale.rounds)]
    return [
        Figure("cores to be had", "", [len(os.sched_getaffinity(0))]),
        *(
            figure(f"{what}, {name}", "", turns, of)
            for name, turns in found.items()
            for what, of in (
                ("requests at once", lambda turn: turn.most),
                ("pages analysed at once", _analysed_at_once),
                ("overlap", _overlap),
                ("cores busy", lambda turn: turn.cpu * turn.pages_per_s),
            )
        ),
        Figure("thread waits for the GIL", "%", [_share(pair, "waiting") for pair in pairs]),
        Figure("thread runs", "%", [_share(pair, "running") for pair in pairs]),
    ]


def judge(found: Found) -> Judgement:
    """Tell by the timeline what overlaps, and by the CPU seconds a second what is parallel."""
    turns, overlap, cores = (
        found[name] for name in ("cores busy, async", "overlap, async", "cores to be had")
    )
    parallel = found.curve("cores busy, processes")  # none in a hurried run
    why = (
        f"On {cores.text()} cores async does {overlap.text()} things at once, waiting included, "
        f"and keeps {turns.text()} cores busy"
        f"{''.join(f'; processes keep {busy.text()} busy' for busy in parallel)}. There is a third "
        "state: of two threads that compute, each waits for the GIL for "
        f"{found['thread waits for the GIL'].text()} of its time."
    )
    if overlap.median <= 1 or turns.median > ONE_CORE:
        return Judgement(Verdict.REFUTED, why)
    if not parallel:
        return Judgement(Verdict.LIMITED, f"Nothing parallel was measured. {why}")
    if parallel[0].median > ONE_CORE:
        return Judgement(Verdict.HOLDS, why)
    return Judgement(Verdict.LIMITED, f"There was no second core to spare. {why}")


def must_show(found: Found) -> bool:
    """Serial has one request at a time; async has many, but analyses one page at a time."""
    most, other = (found[f"requests at once, {mode}"].median for mode in ("async", "serial"))
    return other == found["pages analysed at once, async"].median == 1 < most


def _overlap(turn: Turn) -> float:
    """Return how many lanes did something, or waited for the network, on average."""
    return run_of("", list(turn.lanes), [turn.digest], 0.0).overlap


def _analysed_at_once(turn: Turn) -> float:
    spans = [span for lane in turn.lanes for span in lane.spans if span.name == "analyse"]
    return most_at_once(spans)


def _two_threads(times: int) -> list[Spent]:
    """Return what the time of two threads that compute went to."""

    def spin() -> None:
        for _ in range(times):
            pass

    found: list[Spent] = []
    threads = [threading.Thread(target=lambda: found.append(spent(spin))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _share(spent_by: list[Spent], what: str) -> float:
    total = sum(one.waiting + one.running for one in spent_by)  # as if each had a core
    return 100 * sum(float(getattr(one, what)) for one in spent_by) / total
