"""Load tools against each other: the same load on nginx, in rounds, each in another order."""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bench.cell import BenchError
from bench.load_contest import Looks, Turn, contest
from bench.load_results import LoadResults, tables
from bench.machine import machine
from bench.nginx import CONNECTIONS, programs, static
from bench.rounds import say
from bench.tools import TOOLS, Tool, present

__all__ = ["FULL", "QUICK", "Scale", "measure", "tables"]

PAGE = (b"<p>A page of ten thousand bytes.</p>\n" * 300)[:10_000]
SET_UP = "bench/load_setup.sh"


@dataclass(frozen=True)
class Scale:
    """How often each tool has its turn, and when it is looked at."""

    rounds: int
    looks: Looks


FULL = Scale(rounds=5, looks=Looks(2.0, 9.0))
QUICK = Scale(rounds=1, looks=Looks(1.0, 3.0))


def measure(scale: Scale = FULL) -> LoadResults:
    """Give each tool of this machine its turn in each round; raises BenchError."""
    needed = programs()
    *cores, last = sorted(os.sched_getaffinity(0))
    if not cores:
        raise BenchError("nginx needs a core to itself and its client another one")
    tools, versions = present()
    missing = [tool.name for tool in TOOLS if tool not in tools]
    if missing:
        say(f"not on this machine: {', '.join(missing)}; {SET_UP} and make peers install them")
    cells: list[Turn] = []
    with static(needed.nginx, PAGE, [last]) as page:
        for number in range(scale.rounds):
            for tool in random.Random(number).sample(tools, len(tools)):
                turn = contest(tool, page, cores, scale.looks)
                say(
                    f"round {number + 1} of {scale.rounds}: {tool.name}: "
                    f"{turn.requests_per_s:.0f} requests/s, {1e6 * turn.cpu:.1f} µs"
                )
                cells.append(turn)
    stamp = machine()
    return LoadResults(
        name="load",
        machine=msgspec.structs.replace(
            stamp, versions=stamp.versions | needed.versions | versions
        ),
        how=_how(scale, tools, missing),
        settings={"connections": CONNECTIONS},
        ceiling_per_s=None,
        cells=cells,
    )


def _how(scale: Scale, tools: Sequence[Tool], missing: Sequence[str]) -> list[str]:
    begin, end = scale.looks
    found = [
        f"Medians of {scale.rounds} rounds, each with all tools in another order, with the least "
        "and the greatest; a goal is reached if the median does. nginx has one worker on a core "
        "to itself, the tool the other cores.",
        f"Requests are those that nginx counts and CPU is that of all processes of the tool, both "
        f"from {begin:g} s to {end:g} s after its first request: neither start-up nor report is "
        "in them.",
        *(f"{tool.name}: `{' '.join(tool.words)}`." for tool in tools),
    ]
    if missing:
        found.append(f"Not on this machine, and left out: {', '.join(missing)}.")
    return found
