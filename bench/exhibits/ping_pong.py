"""Ping-pong between two threads or two processes on one core, where each pass is a switch."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from statistics import median
from threading import Thread
from typing import NamedTuple

from bench.exhibits.turns import usage

__all__ = ["Passing", "play"]

PASSES = 500  # in a game; a short one, because the speed of a core drifts


class Passing(NamedTuple):
    """What a pass of the ball costs: CPU seconds, and switches of context of both sides."""

    cpu: float
    switches: float


def play(rounds: int, games: int) -> dict[str, list[Passing]]:
    """Return the median of so many games in each round: with a thread, a process and nobody.

    With nobody one thread does what both sides do, and never has to wait.  Both sides use
    little memory: what a larger program finds gone from its caches is not measured.
    """
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(usable)])
    found: dict[str, list[Passing]] = {"processes": [], "threads": [], "nobody": []}
    try:
        # The process first: nothing should fork while there are threads.
        with _partner(Process) as process, _partner(Thread) as thread, _nobody() as nobody:
            kinds = dict(zip(found, (process, thread, nobody), strict=True))
            for number in range(rounds):
                played: dict[str, list[Passing]] = {kind: [] for kind in kinds}
                turns = [*kinds] * games
                for kind in random.Random(number).sample(turns, len(turns)):
                    played[kind].append(_game(kinds[kind]))
                for kind, passings in played.items():
                    found[kind].append(Passing(*map(median, zip(*passings, strict=True))))
    finally:
        os.sched_setaffinity(0, usable)
    return found


def _game(a_pass: Callable[[], object]) -> Passing:
    before = usage()
    for _ in range(PASSES):
        a_pass()
    _, own, others, *switches = (b - a for a, b in zip(before, usage(), strict=True))
    return Passing((own + others) / PASSES, sum(switches) / PASSES)


@contextmanager
def _partner(make: Callable[..., Thread | Process]) -> Iterator[Callable[[], object]]:
    """Start another thread or process; yield what passes it the ball and waits for it."""
    ours, theirs = Pipe()
    other = make(target=_return, args=(theirs,))
    other.start()

    def a_pass() -> None:
        ours.send_bytes(b"ball")
        ours.recv_bytes()

    a_pass()  # it is there
    yield a_pass
    ours.send_bytes(b"")
    other.join()


@contextmanager
def _nobody() -> Iterator[Callable[[], object]]:
    ours, theirs = Pipe()

    def a_pass() -> None:
        ours.send_bytes(b"ball")
        theirs.send_bytes(theirs.recv_bytes())
        ours.recv_bytes()

    yield a_pass


def _return(theirs: Connection) -> None:
    while ball := theirs.recv_bytes():
        theirs.send_bytes(ball)
