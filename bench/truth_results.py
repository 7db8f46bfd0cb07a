"""What is kept of the truth of `crawl load`, part by part, and when it is refused."""

from collections.abc import Sequence
from math import log
from pathlib import Path
from statistics import median

import msgspec

from bench.cell import BenchError
from bench.results import FOLDER, Kept, Run

__all__ = [
    "AnyPart", "Compared", "Failed", "Harmed", "Live", "Memory", "Pacing", "Part", "Percentiles",
    "Processes", "Ran", "Sabotage", "Search", "Searched", "Stalls", "TruthResults", "joined",
    "name_of",
]  # fmt: skip

ALLOWED_MS, ALLOWED = 1.0, 0.02


class Ran(msgspec.Struct, kw_only=True, frozen=True):
    """How the runs of a part went, added up, and when.

    ``errors`` are answers with errors, failures and timeouts, ``miscounted`` the requests that
    the tool sent and our server did not count, or the other way round.
    """

    date: str
    errors: int
    miscounted: int
    verdicts: dict[str, int]


class Part(msgspec.Struct, kw_only=True, frozen=True, tag_field="part"):
    """A part, by the name that its class has in lower case."""

    @property
    def pages_per_s(self) -> float:
        """No part is held against a ceiling."""
        return 0.0


class Pacing(Part, kw_only=True, frozen=True, tag="pacing"):
    """An open loop at a constant *rate*: gaps between arrivals, in ms, and requests/s as seen.

    Half of 1 % of the gaps are shorter than ``shortest_ms``, as many longer than ``longest_ms``.
    """

    ran: Ran
    rate: float
    seconds: float
    shortest_ms: float
    longest_ms: float
    seen_per_s: float
    lag_p99_ms: float

    @property
    def off_ms(self) -> float:
        """What 99 % of the gaps are off at most."""
        due = 1000 / self.rate
        return max(due - self.shortest_ms, self.longest_ms - due)


class Compared(msgspec.Struct, kw_only=True, frozen=True):
    """A quantile under a *latency*, in ms, run by run: ours, the server's, and our own floor."""

    latency: str
    q: float
    ours: list[float]
    theirs: list[float]
    floor: list[float]

    @property
    def off(self) -> list[float]:
        """How far ours was outside of what the server's is without and with the floor.

        The floor at p99 is of other requests than the server's p99, so it is added in part.
        """
        runs = zip(self.ours, self.theirs, self.floor, strict=True)
        return [_outside(ours - theirs, floor) for ours, theirs, floor in runs]

    @property
    def allowed(self) -> float:
        """How far it may be, in ms."""
        return max(ALLOWED_MS, ALLOWED * median(self.theirs))

    @property
    def share(self) -> float:
        """How much of that the median run takes."""
        return abs(median(self.off)) / self.allowed


def _outside(off: float, floor: float) -> float:
    """Return how far *off* is outside of what lies between 0 and *floor*."""
    return off - min(max(off, min(0.0, floor)), max(0.0, floor))


class Percentiles(Part, kw_only=True, frozen=True, tag="percentiles"):
    """Quantiles of all distributions, at a *rate* that is half of the capacity."""

    ran: Ran
    capacity_per_s: float
    rate: float
    rows: list[Compared]


class Processes(Part, kw_only=True, frozen=True, tag="processes"):
    """CPU seconds of a request at one rate with one process and with two, pair by pair.

    Of a run with two against our server: requests sent, as the server counted, as the histogram
    did; ``below`` are the quantiles of the response time that are less than the server's own.
    """

    ran: Ran
    rate: float
    one: list[float]
    two: list[float]
    sent: int
    counted: int
    recorded: int
    below: int

    @property
    def ratios(self) -> list[float]:
        """How many times as much two cost."""
        return [two / one for one, two in zip(self.one, self.two, strict=True)]


class Memory(Part, kw_only=True, frozen=True, tag="memory"):
    """Memory of all processes, in bytes: ``looks`` has requests and what was resident then.

    ``peak`` is the sum of the most that each process had; pages they share count in each.
    """

    ran: Ran
    requests: int
    requests_per_s: float
    peak: int
    looks: list[tuple[int, int]]

    @property
    def growth(self) -> float:
        """How much more it was at the end than after a tenth, as a share."""
        tenth = next(size for count, size in self.looks if count >= self.requests / 10)
        return self.looks[-1][1] / tenth - 1


class Searched(msgspec.Struct, kw_only=True, frozen=True):
    """One search for the highest rate, and the capacity of the queue, all in requests/s."""

    capacity: float
    rate: float
    low: float
    high: float
    steps: int


class Search(Part, kw_only=True, frozen=True, tag="search"):
    """The highest rate at which the p99 of a queue (M/M/1) is below a limit."""

    ran: Ran
    limit_s: float
    searches: list[Searched]

    def crossing(self, one: Searched) -> float:
        """Return the rate at which the closed form reaches the limit."""
        return one.capacity - log(100) / self.limit_s

    @property
    def off(self) -> list[float]:
        """How far each search was from it, as a share."""
        return [one.rate / self.crossing(one) - 1 for one in self.searches]


class Stalls(Part, kw_only=True, frozen=True, tag="stalls"):
    """One stall in so many seconds: times in ms at *quantiles* (1: the greatest), in both loops.

    ``open_ms`` is of an open loop at *rate*, ``theirs_ms`` what the server says of that,
    ``closed_ms`` of a closed loop of *connections*, which did ``closed_requests``.
    """

    ran: Ran
    stall_s: float
    seconds: float
    rate: float
    connections: int
    quantiles: list[float]
    open_ms: list[float]
    theirs_ms: list[float]
    closed_ms: list[float]
    closed_requests: int

    def due(self, q: float) -> float:
        """Return the quantile by the closed form, in ms: D - (1 - q) T."""
        return 1000 * max(0.0, self.stall_s - (1 - q) * self.seconds)


class Harmed(msgspec.Struct, kw_only=True, frozen=True):
    """A run under sabotage or none: the verdict, and what it was told of.

    ``steal`` is the share of a core that the machine took from us, the worst core's.
    """

    verdict: str
    lag_max_ms: float
    queue_share: float
    cpu_share: float
    steal: float


class Sabotage(Part, kw_only=True, frozen=True, tag="sabotage"):
    """Runs in which the generator was stopped, or its core burnt, and quiet ones.

    So many were *wanted* of each; ``repeated`` were to be quiet and were not.
    """

    ran: Ran
    wanted: int
    stopped: list[Harmed]
    burnt: list[Harmed]
    quiet: list[Harmed]
    repeated: int


class Live(Part, kw_only=True, frozen=True, tag="live"):
    """CPU seconds of a request with and without the live screen, pair by pair; what was shown.

    ``shown`` are the bytes that the screen wrote in each run with it.
    """

    ran: Ran
    with_screen: list[float]
    without: list[float]
    shown: list[int]

    @property
    def ratios(self) -> list[float]:
        """How many times as much it costs with the screen."""
        return [one / other for one, other in zip(self.with_screen, self.without, strict=True)]


class Failed(Part, kw_only=True, frozen=True, tag="failed"):
    """A part that could not be measured, and why."""

    name: str
    why: str


AnyPart = (
    Pacing | Percentiles | Processes | Memory | Search | Stalls | Sabotage | Live | Failed
)  # fmt: skip


class TruthResults(Kept, kw_only=True, frozen=True):
    """All parts that were measured, and those that failed."""

    cells: list[AnyPart]

    @property
    def runs(self) -> Sequence[Run]:
        """All parts."""
        return self.cells

    def by_name(self) -> dict[str, AnyPart]:
        """Return each part by its name, also one that failed."""
        return {name_of(part): part for part in self.cells}

    def refuse(self) -> None:
        """Raise BenchError if a server answered with errors, of which none were asked for."""
        for part in self.cells:
            if not isinstance(part, Failed) and part.ran.errors:
                raise BenchError(
                    f"not kept: {name_of(part)}: {part.ran.errors} requests failed, and none "
                    "were to"
                )


def name_of(part: AnyPart) -> str:
    """Return the name of a part."""
    return part.name if isinstance(part, Failed) else str(type(part).__struct_config__.tag)


def joined(results: TruthResults, folder: Path = FOLDER) -> TruthResults:
    """Return *results* with the parts that were kept before and not measured now."""
    path = folder / f"{results.name}.json"
    if not path.exists():
        return results
    before = msgspec.json.decode(path.read_bytes(), type=TruthResults).by_name()
    now = results.by_name()
    return msgspec.structs.replace(results, cells=list((before | now).values()))
