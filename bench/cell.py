"""One cell of a grid: what is crawled and how, what came of it, and a fresh interpreter for it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from fixtures.running import Running

__all__ = ["BenchError", "Cell", "Cost", "Errand", "Measured", "environment", "run"]


class BenchError(Exception):
    """A measurement could not be made, or must not be kept; the message says why."""


class Cell(msgspec.Struct, kw_only=True, frozen=True):
    """One way to do one work.

    ``work`` names a list of pages: cells of the same work must find the same.  ``warm``
    records come before the steady part of a run and as many after it, if there are enough.
    ``analyser`` is one of `bench.works.WORKS`; the first is the crawl's own.  With ``traced``
    a timeline is written, too.
    """

    work: str
    mode: str
    concurrency: int
    pages: int
    warm: int = 1
    analyser: str = "lexbor"
    traced: bool = False


class Errand(msgspec.Struct, kw_only=True, frozen=True):
    """A cell on its way to a fresh interpreter, with what it must know of this one run.

    ``began`` is the monotonic time of the start; memory is read every ``sample_every``
    records, or never (0).  An empty list of ``cores`` means any.
    """

    cell: Cell
    source: str
    site_pid: int
    cores: list[int]
    sample_every: int = 0
    began: float = 0.0


class Cost(msgspec.Struct, kw_only=True, frozen=True):
    """CPU seconds a page in the steady part: the crawl's own process, its workers, the server."""

    own_user: float
    own_system: float
    workers: float
    server: float

    @property
    def own(self) -> float:
        """What the crawl's own process used."""
        return self.own_user + self.own_system

    @property
    def client(self) -> float:
        """What the crawl used, workers included."""
        return self.own + self.workers


class Measured(msgspec.Struct, kw_only=True, frozen=True):
    """What came of one run of a cell.

    ``digest`` is over the sorted SHA-256 of all pages.  ``pages_per_s`` and ``cost`` are of
    the steady part; ``stages`` divides the client's CPU seconds a page.  ``startup_s`` goes from
    the start of the interpreter to the first record.  ``in_flight_max`` is the server's own
    count, ``in_flight_p50`` that at the median arrival, ``bound`` what the crawl's report says.
    ``memory`` has records and bytes (PSS).
    """

    cell: Cell
    ok: int
    digest: str
    pages_per_s: float
    startup_s: float
    cost: Cost
    stages: dict[str, float]
    in_flight_mean: float
    bound: str
    in_flight_max: int = 0
    in_flight_p50: int = 0
    memory: list[tuple[int, int]] = []


def environment() -> dict[str, str]:
    """Return an environment in which a child finds these packages wherever it starts."""
    home = str(Path(__file__).resolve().parent.parent)
    paths = filter(None, (home, os.environ.get("PYTHONPATH")))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def run(errand: Errand, running: Running) -> Measured:
    """Run one cell in a fresh interpreter; its last line is the result.

    Raises BenchError if the interpreter fails; what it said of that is on stderr already.
    """
    running.reset()
    sent = msgspec.structs.replace(errand, began=time.monotonic())
    done = subprocess.run(
        [sys.executable, "-m", "bench.child", msgspec.json.encode(sent).decode()],
        stdout=subprocess.PIPE, text=True, env=environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        cell = errand.cell
        raise BenchError(f"{cell.mode} on {cell.work} ended with {done.returncode}")
    measured = msgspec.json.decode(done.stdout.splitlines()[-1], type=Measured)
    truth = running.truth()
    return msgspec.structs.replace(
        measured,
        in_flight_max=truth["in_flight_max"],
        in_flight_p50=truth["histograms"]["concurrency"]["p50"],
    )
