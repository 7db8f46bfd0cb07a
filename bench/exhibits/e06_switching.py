"""Switching costs processes more than threads, and frequent switching slows a program down."""

import multiprocessing
import os
import random
from collections.abc import Callable
from functools import partial
from multiprocessing import Process
from multiprocessing.connection import Connection
from statistics import median
from threading import Thread
from typing import NamedTuple

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict, ratio
from bench.exhibits.turns import Turn, Usage, Way, by_turns, figure, usage
from bench.stand import set_up

__all__ = ["judge", "measure", "must_show"]

LATENCIES = (0.5, 5, 50)  # ms
IN_FLIGHT = 4  # in every mode
PASSES = 500
WAYS = {
    "threads": Way("threads", IN_FLIGHT),
    "async": Way("async", IN_FLIGHT),
    "processes": Way("processes", workers=IN_FLIGHT),
}
#: Costs that differ by less are alike: rounds of one kind differ by as much.
ALIKE = 1.1
#: Percent of a page's CPU from which on switches slow a crawl down.
MUCH = 5.0


class _Passing(NamedTuple):
    """What a pass of the ball costs: CPU seconds, and switches of context of both sides."""

    cpu: float
    switches: float


def measure(scale: Scale) -> list[Figure]:
    """Play ping-pong on one core, by oneself, between threads and between processes; crawl."""
    kinds: dict[str, Callable[[int], _Passing]] = {
        "nobody": _alone,
        "threads": partial(_between, Thread),
        "processes": partial(_between, Process),
    }
    games = [*kinds] * scale.pick(40, 1)  # short ones: the speed of a core drifts
    balls: dict[str, list[_Passing]] = {kind: [] for kind in kinds}
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(usable)])  # where two are at it, one core must switch
    try:
        for number in range(scale.rounds):
            played: dict[str, list[_Passing]] = {kind: [] for kind in kinds}
            for kind in random.Random(number).sample(games, len(games)):
                played[kind].append(kinds[kind](PASSES))
            for kind, found in played.items():
                balls[kind].append(_Passing(*map(median, zip(*found, strict=True))))
    finally:
        os.sched_setaffinity(0, usable)
    threads, *others = _switches(balls)
    return [threads, *others, *_crawls(scale, threads.median)]


def judge(found: Found) -> Judgement:
    """Compare a switch between threads with one between processes, and both with a page."""
    dearer, threads = found["process over thread"], found["switch between threads"]
    [switches, *_] = found.curve("switches a page, threads")
    [share, *_] = found.curve("switches of a page’s CPU, threads")
    why = (
        f"A switch between threads takes {threads.text()} of CPU and one between processes "
        f"{found['switch between processes'].text()}, {dearer.text()} times as much; a page at "
        f"{switches.at:g} ms switches {switches.text()} times in threads, which is "
        f"{share.text()} of its CPU."
    )
    more, slows = dearer.median > ALIKE, share.median > MUCH
    if more and slows:
        return Judgement(Verdict.HOLDS, why)
    if more or slows:
        part = "The first part" if more else "The second part"
        return Judgement(Verdict.LIMITED, f"{part} holds. {why}")
    return Judgement(Verdict.REFUTED, why)


def must_show(found: Found) -> bool:
    """Each pass between two switched, those of one's own did not, and threads do it most."""
    by_count = [found[f"switches a pass, {kind}"].median for kind in ("threads", "processes")]
    pages = zip(
        found.curve("switches a page, threads"), found.curve("switches a page, async"), strict=True
    )
    more = all(threads.median > loop.median for threads, loop in pages)
    return more and found["switches a pass, nobody"].median < 0.5 < min(by_count)


def _switches(balls: dict[str, list[_Passing]]) -> list[Figure]:
    """Return what a switch costs: what passing costs more between two than by oneself."""
    costs = {
        kind: Figure(
            f"switch between {kind}",
            "µs",
            [
                1e6 * (two.cpu - one.cpu) / two.switches
                for two, one in zip(balls[kind], balls["nobody"], strict=True)
            ],
        )
        for kind in ("threads", "processes")
    }
    return [
        *costs.values(),
        ratio("process over thread", costs["processes"], costs["threads"]),
        *(
            Figure(f"switches a pass, {kind}", "", [one.switches for one in runs])
            for kind, runs in balls.items()
        ),
    ]


def _crawls(scale: Scale, switch: float) -> list[Figure]:
    """Return switches and CPU of a page, and what part of that a *switch* of so many µs takes."""
    figures = []
    ways = {name: way for name, way in WAYS.items() if not (scale.quick and way.workers)}
    latencies = LATENCIES[:1] if scale.quick else LATENCIES
    pages = scale.pick(80, 20)
    kinds: dict[str, tuple[str, Callable[[Turn], float]]] = {
        "switches a page": ("", lambda turn: turn.switches),
        "voluntary switches a page": ("", lambda turn: turn.voluntary),
        "CPU a page": ("µs", lambda turn: 1e6 * turn.cpu),
        "switches of a page’s CPU": ("%", lambda turn: 1e-4 * switch * turn.switches / turn.cpu),
    }
    with set_up(size="30kB", links=60, pages=pages) as stand:
        for latency in latencies:
            found = by_turns(stand, f"/p/{{}}?latency={latency}ms", pages, ways, scale)
            figures += [
                Figure(f"{what}, {name}", unit, figure("", "", turns, of).values, latency)
                for name, turns in found.items()
                for what, (unit, of) in kinds.items()
            ]
    return figures


def _alone(passes: int) -> _Passing:
    """Do what both sides do in one thread, which never has to wait."""
    ours, theirs = multiprocessing.Pipe()
    before = usage()
    for _ in range(passes):
        ours.send_bytes(b"ball")
        theirs.send_bytes(theirs.recv_bytes())
        ours.recv_bytes()
    return _passing(before, usage(), passes)


def _between(make: Callable[..., Thread | Process], passes: int) -> _Passing:
    """Play with another thread or process; its start and its end are not counted."""
    ours, theirs = multiprocessing.Pipe()
    other = make(target=_return, args=(theirs, passes + 2))
    other.start()
    _pass(ours, 1)
    before = usage()
    _pass(ours, passes)
    after = usage()
    _pass(ours, 1)
    other.join()
    return _passing(before, after, passes)


def _pass(ours: Connection, times: int) -> None:
    for _ in range(times):
        ours.send_bytes(b"ball")
        ours.recv_bytes()


def _return(theirs: Connection, times: int) -> None:
    for _ in range(times):
        theirs.send_bytes(theirs.recv_bytes())


def _passing(before: Usage, after: Usage, passes: int) -> _Passing:
    _, own, others, *switches = (b - a for a, b in zip(before, after, strict=True))
    return _Passing((own + others) / passes, sum(switches) / passes)
