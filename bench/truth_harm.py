"""Truth of the verdict: generators that are harmed on purpose, and quiet ones."""

import contextlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

from bench.cell import BenchError
from bench.rounds import say
from bench.truth_ground import Ground, our_server
from bench.truth_results import Harmed, Sabotage
from bench.truth_scale import Scale
from crawler import LoadOptions

__all__ = ["sabotage", "stolen"]

RATE = 1000
STOPPED_S = 0.2
STOP_AT = 0.3  # seconds after the load was seen
BURNERS = 2
BURN = "while True: pass"
QUIET = 0.01  # share of steal, and of waiting for a core, up to which a run is quiet
_STEAL = 7  # field of a line of /proc/stat, behind the name of the core
_FIELDS = 8  # those behind it are counted in others

Harm = Callable[[Ground, Event], None]


def sabotage(scale: Scale) -> Sabotage:
    """Stop the generator, burn its core, or leave it alone, in an order that is mixed."""
    harms: dict[str, Harm] = {"stopped": _stop, "burnt": _burn, "quiet": _leave}
    found: dict[str, list[Harmed]] = {name: [] for name in harms}
    turns = list(harms) * scale.harms
    random.Random(0).shuffle(turns)
    repeated = 0
    with our_server(cores=1) as ground:
        for number, name in enumerate(turns):
            while True:
                run = _run(ground, harms[name], scale.harm_s)
                is_as_wanted = name != "quiet" or max(run.steal, run.queue_share) <= QUIET
                if is_as_wanted or repeated >= scale.repeats:
                    break
                repeated += 1
            said = run.verdict if is_as_wanted else "not quiet"
            say(f"sabotage: {number + 1} of {len(turns)}: {name}: {said}")
            if is_as_wanted:
                found[name].append(run)
        return Sabotage(
            ran=ground.ledger.ran(), wanted=scale.harms, repeated=repeated,
            stopped=found["stopped"], burnt=found["burnt"], quiet=found["quiet"],
        )  # fmt: skip


def _run(ground: Ground, harm: Harm, seconds: float) -> Harmed:
    before = _cores()
    report = ground.run(LoadOptions(rate=RATE, duration=seconds), partial(harm, ground)).report
    [process] = report.processes
    return Harmed(
        verdict=report.verdict.word,
        lag_max_ms=report.lag.max_ms,
        queue_share=process.queue_share or 0.0,
        cpu_share=process.cpu_share,
        steal=stolen(before, _cores()),
    )


def _leave(_ground: Ground, _over: Event) -> None:
    """Do no harm."""


def _stop(ground: Ground, over: Event) -> None:
    """Stop the generator for a while, in the middle of its load; raises BenchError."""
    ground.under_load(over)
    pids = [child.pid for child in multiprocessing.active_children() if child.pid]
    if not pids or over.wait(STOP_AT):
        raise BenchError("the generator was gone before it could be stopped")
    for number, pause in ((signal.SIGSTOP, STOPPED_S), (signal.SIGCONT, 0.0)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        over.wait(pause)


def _burn(ground: Ground, over: Event) -> None:
    """Burn the core of the generator from the start of its load to its end."""
    with contextlib.ExitStack() as burning:
        ground.under_load(over)
        for _ in range(BURNERS):
            child = subprocess.Popen([sys.executable, "-I", "-S", "-c", BURN])
            burning.callback(child.wait)
            burning.callback(child.kill)
        over.wait()


def _cores() -> str:
    return Path("/proc/stat").read_text(encoding="ascii")


def stolen(before: str, after: str) -> float:
    """Return the share of a core that the machine took between two texts of /proc/stat.

    The core is that of which it took most.
    """
    shares = [0.0]
    for then, now in zip(_lines(before), _lines(after), strict=True):
        spent = [new - old for new, old in zip(now, then, strict=True)]
        shares.append(spent[_STEAL] / max(1, sum(spent)))
    return max(shares)


def _lines(text: str) -> list[list[int]]:
    """Return the first fields of each core."""
    lines = (line.split() for line in text.splitlines() if line.startswith("cpu"))
    return [list(map(int, words[1 : 1 + _FIELDS])) for words in lines if words[0] != "cpu"]
