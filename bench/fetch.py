"""What a request costs the client, at 1, 50 and 1000 in flight, for ours and for four others."""

import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

import msgspec

from bench.ceiling import ceiling
from bench.cell import BenchError, environment
from bench.clients import AWAITING, BLOCKING
from bench.fetcher import Errand, Fetching
from bench.interpreters import peers
from bench.layout import Table
from bench.machine import machine
from bench.results import Kept, Run
from bench.rounds import say
from bench.spread import spread
from bench.stand import Stand, set_up

__all__ = ["FULL", "QUICK", "FetchResults", "FetchRun", "Scale", "measure", "run_client", "tables"]

DIFFERENT = 50
OURS = "wire"
OF_THE_PROJECT = (OURS, "httpx")  # the others come from `make peers`
CLIENTS = (*AWAITING, *BLOCKING)
FEW, SOME, MANY = 1, 50, 1000


@dataclass(frozen=True)
class Scale:
    """How long each cell is measured, and how often; *longer* has those that need more time.

    At 1000 in flight httpx answers some 10 to 200 requests a second, and each of the 1000 must
    have its turn.
    """

    seconds: float
    rounds: int
    in_flight: Sequence[int] = (FEW, SOME, MANY)
    clients: Sequence[str] = CLIENTS
    longer: Mapping[tuple[str, int], float] = field(default_factory=dict)

    def cells(self) -> list[tuple[str, int]]:
        """Return each client with each number in flight; a thousand threads make no sense."""
        return [
            (client, in_flight)
            for client in self.clients
            for in_flight in self.in_flight
            if in_flight < MANY or client in AWAITING
        ]


FULL = Scale(seconds=3, rounds=5, longer={("httpx", MANY): 30})
QUICK = Scale(seconds=0.5, rounds=2, in_flight=(FEW, SOME))


class FetchRun(msgspec.Struct, kw_only=True, frozen=True):
    """One client with so many in flight; CPU in seconds of one request, the digest of all pages."""

    who: str
    in_flight: int
    digest: str
    answers: int
    pages_per_s: float
    client: float
    server: float
    connected_s: float


class FetchResults(Kept, kw_only=True, frozen=True):
    """Everything that was measured, round after round."""

    cells: list[FetchRun]

    @property
    def runs(self) -> Sequence[Run]:
        """All runs."""
        return self.cells

    def refuse(self) -> None:
        """Raise BenchError if somebody got other pages."""
        if len({one.digest for one in self.cells}) > 1:
            found = sorted({f"{one.who}: {one.digest[:12]}" for one in self.cells})
            raise BenchError(f"not kept: not the same pages: {', '.join(found)}")


def measure(scale: Scale = FULL) -> FetchResults:
    """Ask for pages of 10 kB with each client in a fresh interpreter; raises BenchError."""
    others = [name for name in scale.clients if name not in OF_THE_PROJECT]
    guests = peers([*others, "uvloop"]) if others else None
    with set_up(pinned=True, size="10kB", pages=DIFFERENT) as stand:
        stand.write_list("pages", DIFFERENT, lambda number: f"/p/{number}")
        most = ceiling(stand, "pages")
        measured: list[FetchRun] = []
        cells = scale.cells()
        for number in range(scale.rounds):
            for client, in_flight in random.Random(number).sample(cells, len(cells)):
                python = guests.python if guests and client in others else sys.executable
                seconds = scale.longer.get((client, in_flight), scale.seconds)
                found = run_client(stand, "pages", (client, in_flight), seconds, python)
                measured.append(found)
                say(
                    f"{len(measured)} of {scale.rounds * len(cells)}: {client}, {in_flight} in "
                    f"flight: {1e6 * found.client:.0f} µs, {found.pages_per_s:.0f} requests/s"
                )
        pinned = bool(stand.cores)
    stamp = machine()
    versions = stamp.versions | (guests.versions if guests else {})
    return FetchResults(
        name="fetch",
        machine=msgspec.structs.replace(stamp, versions=versions),
        how=_how(scale, pinned=pinned),
        settings={"pinned": float(pinned)},
        ceiling_per_s=most,
        cells=measured,
    )


def run_client(
    stand: Stand, work: str, cell: tuple[str, int], seconds: float, python: str = sys.executable
) -> FetchRun:
    """Ask for the pages of a work in a fresh interpreter *python*; raises BenchError if it fails.

    The *cell* is a client and a number in flight.
    """
    client, in_flight = cell
    errand = Errand(
        client=client,
        in_flight=in_flight,
        seconds=seconds,
        source=str(stand.lists[work]),
        site_pid=stand.running.pid,
        cores=stand.cores,
    )
    done = subprocess.run(
        [python, "-m", "bench.fetcher", json.dumps(asdict(errand))],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{client} with {in_flight} in flight ended with {done.returncode}")
    found = Fetching(**json.loads(done.stdout.splitlines()[-1]))
    return FetchRun(who=client, in_flight=in_flight, **asdict(found))


def tables(results: FetchResults) -> list[Table]:
    """Return one table: a row for each client and number in flight."""
    cells: dict[tuple[str, int], list[FetchRun]] = {}
    for run in results.cells:
        cells.setdefault((run.who, run.in_flight), []).append(run)
    order = sorted(cells, key=lambda cell: (CLIENTS.index(cell[0]), cell[1]))
    return [
        Table(
            title="The CPU of a request",
            columns=(
                "client",
                "in flight",
                "× wire",
                f"× at {SOME}",
                "CPU µs",
                "requests/s",
                "server µs",
            ),
            rows=[_row(cell, cells) for cell in order],
            left=frozenset({"client"}),
            notes=results.notes,
        )
    ]


def _row(cell: tuple[str, int], cells: Mapping[tuple[str, int], list[FetchRun]]) -> list[str]:
    client, in_flight = cell
    runs = cells[cell]
    return [
        client,
        str(in_flight),
        _times(runs, cells.get((OURS, in_flight))),
        _times(runs, cells.get((client, SOME))),
        spread(run.client for run in runs).text(scale=1e6),
        spread(run.pages_per_s for run in runs).text(),
        f"{1e6 * median(run.server for run in runs):.0f}",
    ]


def _times(runs: Sequence[FetchRun], others: Sequence[FetchRun] | None) -> str:
    """Say how many times the CPU of *others* a request cost in the same round."""
    if others is None:
        return ""
    ratios = (one.client / other.client for one, other in zip(runs, others, strict=True))
    return spread(ratios).text(2)


def _how(scale: Scale, *, pinned: bool) -> list[str]:
    where = (
        "The server has one core to itself and the client the others."
        if pinned
        else "Client and server share the only core."
    )
    return [
        "Pages of 10 kB over connections that stay open, asked for again and again by as many "
        "tasks or threads as are in flight; every client got the same bytes.",
        where,
        "`CPU µs` is user and system time of the client's process for one request, after "
        "everybody in flight has had a first answer on a connection of his own.",
        f"Medians of {scale.rounds} runs of {scale.seconds:g} s in shuffled rounds, with the least "
        "and the greatest; ratios compare runs of the same round.",
        *(
            f"{client} at {in_flight} was given {seconds:g} s, as it needs them."
            for (client, in_flight), seconds in scale.longer.items()
        ),
        "wire is our fetch stage on our transport, from the text of a URL to the body; httpx and "
        "aiohttp have no limit on connections; all three run on uvloop.",
        "requests and urllib3 run in threads, each with a session or pool of its own.",
    ]
