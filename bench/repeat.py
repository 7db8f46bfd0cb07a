"""Ask two sites for the same, in another order and concurrency, and compare what came."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, IncompleteRead
from itertools import count
from urllib.parse import urlsplit

import msgspec

from bench.timetable import injected_in

__all__ = ["Repeated", "Seen", "compared", "dealt", "visit"]

PATIENCE = 10.0  # seconds for an answer

Seeing = Mapping[tuple[str, int], "Seen"]
"""What came of each target's request number *k*, from 0."""


@dataclass(frozen=True)
class Seen:
    """One answer: a status or the name of an error, the injected seconds, SHA-256 of the body."""

    outcome: str
    injected: float | None
    digest: str


class Repeated(msgspec.Struct, kw_only=True, frozen=True):
    """How many requests of two runs were compared, and how many of them differ in what.

    ``delays`` is the number of different injected delays, ``faults`` that of answers other than
    a whole page: with few of them, equal runs would say little.
    """

    requests: int
    delays: int
    faults: int
    pages_differ: int
    delays_differ: int
    outcomes_differ: int

    @property
    def differ(self) -> int:
        """The differences of all kinds."""
        return self.pages_differ + self.delays_differ + self.outcomes_differ


def dealt(targets: Sequence[str], times: int, threads: int, seed: int) -> list[list[str]]:
    """Return what each thread asks for: every target so many times, in an order from the seed.

    A target belongs to one thread, so that its request number *k* is known while many targets
    are asked for at once.
    """
    drawn = random.Random(seed)
    shuffled = drawn.sample(targets, len(targets))
    lanes = [shuffled[place::threads] * times for place in range(threads)]
    return [drawn.sample(lane, len(lane)) for lane in lanes]


def visit(url: str, lanes: Sequence[Sequence[str]]) -> Seeing:
    """Ask the site *url* for each lane's targets in turn, all lanes at once."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        found = pool.map(lambda lane: _visit(url, lane), lanes)
        return {key: seen for lane in found for key, seen in lane.items()}


def compared(one: Seeing, other: Seeing) -> Repeated:
    """Return how two runs differ; raises KeyError if they did not ask for the same."""
    pairs = [(seen, other[key]) for key, seen in one.items()]
    return Repeated(
        requests=len(pairs),
        delays=len({seen.injected for seen in one.values() if seen.injected is not None}),
        faults=sum(seen.outcome != "200" for seen in one.values()),
        pages_differ=sum(a.digest != b.digest for a, b in pairs),
        delays_differ=sum(a.injected != b.injected for a, b in pairs),
        outcomes_differ=sum(a.outcome != b.outcome for a, b in pairs),
    )


def _visit(url: str, lane: Sequence[str]) -> Seeing:
    counts = {target: count() for target in lane}
    return {(target, next(counts[target])): _ask(url, target) for target in lane}


def _ask(url: str, target: str) -> Seen:
    where = urlsplit(url)
    # A connection for each request, because a fault may end it.
    connection = HTTPConnection(where.hostname or "", where.port or 80, timeout=PATIENCE)
    injected, body, outcome = None, b"", ""
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        injected = injected_in(response.getheader("Server-Timing", ""))
        outcome = str(response.status)
        body = response.read()
    except (OSError, HTTPException) as error:
        outcome = f"{outcome} {type(error).__name__}".strip()
        body = error.partial if isinstance(error, IncompleteRead) else b""
    finally:
        connection.close()
    return Seen(outcome, injected, hashlib.sha256(body).hexdigest())
