"""The test server itself: its speed against nginx, the truth of its delays, and their memory."""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPConnection
from typing import Any
from unittest import mock

import msgspec

from bench.cell import BenchError, environment
from bench.goals import Delays, Round, ServerResults, tables
from bench.machine import machine
from bench.nginx import CONNECTIONS, Page, Programs, Speed, programs, static, wrk
from bench.repeat import Repeated, compared, dealt, visit
from bench.rounds import say
from bench.stand import Stand, set_up
from bench.timetable import Asked, Errand
from fixtures.running import serve
from fixtures.truth.histogram import Histogram

__all__ = ["FULL", "QUICK", "Load", "Scale", "measure", "tables"]

RATE = 1000  # requests a second
STEADY = ("20ms", "lognormal(20ms,200ms)")
FREE = 1000  # connections for a steady rate, far more than are ever in use
DIFFERENT = 10  # pages
NEXT_TO_NONE = 1e-12  # a share so small that its quantile is the least value
THREADS = 16
ENCODINGS = ("", "&encode=gzip", "&encode=br", "&encode=zstd")
REPEATED = "latency=exponential(5ms)&fault=10%25:reset,10%25:truncate,10%25:503"


@dataclass(frozen=True)
class Load:
    """So many requests with a latency, leaving within some seconds; all wait at *look* seconds."""

    latency: str
    requests: int
    connections: int
    seconds: float
    look: float


@dataclass(frozen=True)
class Scale:
    """How long each part is measured, in seconds, and how often all of it.

    Each of the loads in *held* has one connection for a request, and all wait at once: the
    first falls due over some time, the others at one moment. The repetition asks for each of
    its *targets* so many *times*.
    """

    rounds: int
    wrk_s: int
    steady_s: float
    held: Sequence[Load]
    targets: int
    times: int

    def loads(self) -> list[Load]:
        """Return all loads, those with a steady rate first."""
        requests = round(RATE * self.steady_s)
        steady = (
            Load(latency, requests, FREE, self.steady_s, self.steady_s / 2) for latency in STEADY
        )
        return [*steady, *self.held]


FULL = Scale(
    rounds=5,
    wrk_s=5,
    steady_s=5,
    held=(
        Load("uniform(3s,5s)", 15_000, 15_000, seconds=1, look=2),
        Load("4s", 15_000, 15_000, seconds=0, look=2),
    ),
    targets=50,
    times=8,
)
QUICK = Scale(
    rounds=1,
    wrk_s=2,
    steady_s=2,
    held=(
        Load("uniform(2s,3s)", 3000, 3000, seconds=0.5, look=1.5),
        Load("2s", 3000, 3000, seconds=0, look=1.5),
    ),
    targets=20,
    times=4,
)


def measure(scale: Scale = FULL) -> ServerResults:
    """Measure in rounds, each part with a server of its own; raises BenchError."""
    found = programs()
    cells = [_round(scale, found, number) for number in range(scale.rounds)]
    stamp = machine()
    return ServerResults(
        name="server",
        machine=msgspec.structs.replace(stamp, versions=stamp.versions | found.versions),
        how=_how(scale),
        settings={"rate": RATE, "waiting": scale.held[0].requests},
        ceiling_per_s=None,
        cells=cells,
    )


def _round(scale: Scale, found: Programs, number: int) -> Round:
    """Measure every part once, in an order of this round's own."""
    parts: dict[str, Callable[[], Any]] = {
        "speeds": partial(_speeds, found, scale.wrk_s, number),
        "repetition": partial(_repeated, scale, number),
        "start": _ready,
        **{load.latency: partial(_delays, load) for load in scale.loads()},
    }
    done: dict[str, Any] = {}
    for name in random.Random(number).sample(list(parts), len(parts)):
        done[name] = parts[name]()
        say(f"round {number + 1} of {scale.rounds}: {name}, {len(done)} of {len(parts)}")
    return Round(
        ours=done["speeds"]["ours"],
        nginx=done["speeds"]["nginx"],
        steady=[done[latency] for latency in STEADY],
        waiting=[done[load.latency] for load in scale.held],
        repeated=done["repetition"],
        ready=done["start"],
    )


def _ready() -> float:
    """Return the seconds from the call of `serve` until clients can connect.

    Of a second start, which finds the compiled code of the first.
    """
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ):
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        with serve():
            pass
        began = time.perf_counter()
        with serve():
            return time.perf_counter() - began


def _speeds(found: Programs, seconds: int, number: int) -> dict[str, Speed]:
    """Have wrk ask both servers for the same page, one after the other on the same core."""
    with _pinned(size="10kB") as stand:
        running = stand.running
        with contextlib.closing(HTTPConnection("127.0.0.1", running.port)) as connection:
            connection.request("GET", "/p/0")
            page = connection.getresponse().read()
        with static(found.nginx, page, sorted(os.sched_getaffinity(running.pid))) as rival:
            servers = {"ours": Page(f"{running.url}/p/0", running.pid), "nginx": rival}
            return {
                name: wrk(found.wrk, servers[name], seconds, stand.cores)
                for name in random.Random(number).sample(list(servers), len(servers))
            }


def _delays(load: Load) -> Delays:
    """Ask a fresh server for pages with a latency; memory that it freed before would be reused."""
    with _pinned(size="2kB", pages=DIFFERENT) as stand:
        errand = Errand(
            url=stand.running.url,
            query=f"latency={load.latency}",
            pages=DIFFERENT,
            requests=load.requests,
            connections=load.connections,
            seconds=load.seconds,
            look=load.look,
            site_pid=stand.running.pid,
            cores=stand.cores,
        )
        done = subprocess.run(
            [sys.executable, "-m", "bench.timetable", json.dumps(asdict(errand))],
            stdout=subprocess.PIPE, text=True, env=environment(), check=False,
        )  # fmt: skip
        if done.returncode:
            raise BenchError(f"asking for delays of {load.latency} ended with {done.returncode}")
        asked = Asked(**json.loads(done.stdout.splitlines()[-1]))
        truth = stand.running.truth()
    error = truth["histograms"]["service_ns"]
    least = Histogram.from_json(error).quantile(NEXT_TO_NONE)
    return Delays(
        latency=load.latency,
        answers=asked.answers,
        waiting=truth["in_flight_max"],
        least=least / 1e9,
        p50=error["p50"] / 1e9,
        p99=error["p99"] / 1e9,
        greatest=error["max"] / 1e9,
        earliest=asked.earliest,
        memory=asked.memory / load.connections,
    )


def _repeated(scale: Scale, number: int) -> Repeated:
    """Ask two servers with this round's seed for the same, first alone, then many at once."""
    targets = [f"/p/{page}?{REPEATED}{ENCODINGS[page % 4]}" for page in range(scale.targets)]
    options = {"seed": number, "pages": scale.targets, "size": "10kB"}
    with serve(**options) as running:
        alone = visit(running.url, dealt(targets, scale.times, 1, seed=0))
    # The address stands in the pages, so the second server has the same one.
    with serve(port=running.port, **options) as running:
        together = visit(running.url, dealt(targets, scale.times, THREADS, seed=number + 1))
    return compared(alone, together)


@contextlib.contextmanager
def _pinned(**options: object) -> Iterator[Stand]:
    """Serve on one core; raises BenchError where there is no other for the client."""
    with set_up(pinned=True, **options) as stand:
        if not stand.cores:
            raise BenchError("the server needs a core to itself and its client another one")
        yield stand


def _how(scale: Scale) -> list[str]:
    first, at_once = scale.held
    return [
        f"Medians of {scale.rounds} rounds, each with all parts in another order, with the least "
        "and the greatest; a goal is reached if the median does. The server has one core to "
        "itself, each client the others.",
        f"Speed: wrk with one thread and {CONNECTIONS} connections for {scale.wrk_s} s, on a page "
        "of 10 kB; nginx has one worker on the same core, the same page in a file that stays "
        "open, connections that stay open, and no access log.",
        f"Delays at a steady rate: {RATE} requests/s leave at random instants (Poisson) for "
        f"{scale.steady_s:g} s, whether or not earlier ones were answered.",
        f"Delays waiting at once: {first.requests} connections are open, and a request leaves on "
        f"each within {first.seconds:g} s; `{first.latency}` falls due over some time. With "
        f"`{at_once.latency}`, asked for all at once, all fall due together, and what is late is "
        "the time that so many answers take; no goal holds for that.",
        f"Repetition: {scale.targets} pages in four encodings, each {scale.times} times with "
        f"random delays and faults; a second server of the same seed is asked in another order "
        f"with {THREADS} at once. SHA-256 of the bodies, injected delays and outcomes of each "
        "page's request number k are compared.",
        "`serve` is called twice: the second start finds the code that the first has compiled.",
    ]
