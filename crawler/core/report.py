"""Fold records and costs into one immutable report of a crawl."""

from bisect import bisect_left

import msgspec

from crawler.core.entry import Entry
from crawler.core.pages import NOT_FAILURES, Outcome, Place

__all__ = ["CrawlReport", "Latency", "Tally"]

#: Upper edges of the latency buckets in milliseconds: 5 % apart from 0.01 ms to 10 minutes,
#: so that a percentile is off by at most 5 % and the memory does not grow with the run.
_EDGES = [0.01]
while _EDGES[-1] < 600_000:
    _EDGES.append(_EDGES[-1] * 1.05)


class Latency(msgspec.Struct, frozen=True):
    """Percentiles of the last attempt's total time, in milliseconds, within 5 %."""

    p50: float
    p90: float
    p99: float
    max: float


class CrawlReport(msgspec.Struct, kw_only=True, frozen=True):
    """What a crawl did; times in seconds, sizes in bytes.

    ``first_s`` and ``last_s`` are when the first and the last record were kept, counted from
    the start; ``pages_per_s`` is over the time between them.  ``mean_ms`` says where
    the time of a mean visit went.  ``cpu_s`` counts this process
    and its workers, ``stages`` divides it up.  ``bound`` says in words which limit held the run.
    ``resume_at`` is the first line that was not read, after a stop.
    """

    mode: str
    inputs: int
    records: int
    outcomes: dict[str, int]
    bytes: int
    wire_bytes: int
    retries: int
    elapsed_s: float
    first_s: float
    last_s: float
    pages_per_s: float
    in_flight_mean: float
    latency_ms: Latency | None
    mean_ms: dict[str, float]
    cpu_s: float
    stages: dict[str, float]
    bound: str
    stopped: str | None = None
    resume_at: Place | None = None

    @property
    def failures(self) -> int:
        """How many records are failures."""
        return sum(n for name, n in self.outcomes.items() if Outcome(name) not in NOT_FAILURES)


class Tally:
    """Counts as a run goes on; whoever owns the frontier owns this too."""

    def __init__(self) -> None:
        self.outcomes: dict[Outcome, int] = {}
        self.records = 0
        self.bytes = 0
        self.wire_bytes = 0
        self.first_at: float | None = None
        self.last_at: float | None = None
        self.first_block = 0
        self.busy_ms = 0.0
        self.queue_ms = 0.0
        self.connect_ms = 0.0
        self.first_byte_ms = 0.0
        self.timed = 0
        self.fetch_cpu_s = 0.0
        self.analyse_cpu_s = 0.0
        self.write_cpu_s = 0.0
        self.retries = 0
        self._buckets = [0] * (len(_EDGES) + 1)
        self._max_ms = 0.0

    def count(self, entry: Entry, now: float) -> None:
        """Count one entry that was kept at *now* (monotonic seconds)."""
        self.records += 1
        self.outcomes[entry.outcome] = self.outcomes.get(entry.outcome, 0) + 1
        self.bytes += entry.bytes or 0
        self.wire_bytes += entry.wire_bytes or 0
        self.analyse_cpu_s += entry.analyse_cpu_s
        self.write_cpu_s += entry.write_cpu_s
        if self.first_at is None:
            self.first_at = now
        self.last_at = now
        self.first_block += now == self.first_at
        if (ms := entry.ms) is not None:
            total = ms.total
            self.busy_ms += total
            self.timed += 1
            self.queue_ms += ms.queue
            self.connect_ms += ms.connect or 0.0
            self.first_byte_ms += total if ms.ttfb is None else ms.ttfb
            self._buckets[bisect_left(_EDGES, total)] += 1
            self._max_ms = max(self._max_ms, total)

    def count_interrupted(self, records: int) -> None:
        """Count targets that a stop left over; they say nothing about speed."""
        self.records += records
        self.outcomes[Outcome.INTERRUPTED] = self.outcomes.get(Outcome.INTERRUPTED, 0) + records

    def after_first(self) -> int:
        """Return how many finished visits were kept after the first block of them."""
        return self.records - self.outcomes.get(Outcome.INTERRUPTED, 0) - self.first_block

    def failures(self) -> int:
        """Return how many records so far are failures."""
        return sum(n for outcome, n in self.outcomes.items() if outcome not in NOT_FAILURES)

    def latency(self) -> Latency | None:
        """Return the percentiles so far; None if nothing was timed."""
        if not any(self._buckets):
            return None
        return Latency(self._at(0.50), self._at(0.90), self._at(0.99), self._max_ms)

    def mean_ms(self) -> dict[str, float]:
        """Return where the time of a mean visit went, in milliseconds."""
        each = 1 / max(self.timed, 1)
        return {
            "queued": self.queue_ms * each,
            "connecting": self.connect_ms * each,
            "to the first byte": (self.first_byte_ms - self.connect_ms) * each,
            "for the body": (self.busy_ms - self.first_byte_ms) * each,
        }

    def _at(self, quantile: float) -> float:
        wanted = quantile * sum(self._buckets)
        seen = 0
        for edge, count in zip([*_EDGES, self._max_ms], self._buckets, strict=True):
            seen += count
            if seen >= wanted:
                return min(edge, self._max_ms)
        return self._max_ms
