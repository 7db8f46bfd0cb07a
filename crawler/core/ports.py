"""The shapes that meet: the gear a mode is handed, and what it may ask of each part."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from crawler.core.entry import Entry, Form
from crawler.core.errors import SourceError
from crawler.core.frontier import FINISHED, Finished, Wait
from crawler.core.job import FetchRules, Options
from crawler.core.pages import Analysed, Batch, Fetched, Place, Target
from crawler.core.report import Tally
from crawler.core.retry import Again, Done, RetryPolicy
from crawler.core.spans import Span

__all__ = ["Analyse", "Frontier", "Gear", "Intake", "Keep", "Mode", "Stop", "Trace"]

_T = TypeVar("_T")

#: A module-level callable, so that it can travel to a worker process.
Analyse = Callable[[Fetched], Analysed]


class Frontier(Protocol):
    """What hands out targets and takes them back: a crawl's frontier, or one that repeats."""

    @property
    def in_flight(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def room(self) -> int: ...
    def offer(self, targets: list[Target]) -> None: ...
    def close(self) -> None: ...
    def take(self, limit: int, now: float) -> list[Target] | Wait | Finished: ...
    def settle(self, target: Target, outcome: Again | Done, now: float) -> None: ...


class Intake(Protocol):
    """Where inputs come from; ``read`` does not wait after ``wait_ready``."""

    def wait_ready(self, timeout: float | None = None) -> bool: ...
    def read(self, most: int) -> Batch: ...


class Keep(Protocol):
    """Where entries go; returns when they are kept."""

    def write(self, entries: Sequence[Entry]) -> None: ...
    async def awrite(self, entries: Sequence[Entry]) -> None: ...


class Trace(Protocol):
    """Where a timeline goes; takes the spans out of what it is shown."""

    def fetched(self, target: Target, fetched: Fetched, at: float) -> None: ...
    def worked(self, target: Target, spans: list[Span]) -> None: ...
    def late(self, due: float, came: float) -> None: ...


class Stop(Protocol):
    """Whether to stop, and how soon."""

    reason: str | None

    @property
    def requested(self) -> bool: ...
    @property
    def forced(self) -> bool: ...
    def on_change(self, wake: Callable[[], object]) -> AbstractContextManager[None]: ...
    def cut(
        self, wait: Callable[..., _T], *args: object, only_forced: bool = False
    ) -> _T | None: ...


@dataclass
class Gear:
    """Every part of one run; the methods are the decisions that all modes share.

    None of them waits.  Whoever owns the frontier, as the header of each mode says, is the
    only one to call them.
    """

    options: Options
    rules: FetchRules
    frontier: Frontier
    retry: RetryPolicy
    tally: Tally
    analyse: Analyse
    form: Form
    intake: Intake
    keep: Keep
    stop: Stop
    draw: Callable[[], float]
    workers: int
    connections: int = 0
    resume_at: Place | None = None
    source_error: SourceError | None = None
    trace: Trace | None = None

    def take(self, limit: int, now: float) -> list[Target] | Wait | Finished:
        """Take from the frontier, unless the run is to stop: then wait for what is in flight."""
        if self.stop.requested:
            return Wait(None) if self.frontier.in_flight else FINISHED
        return self.frontier.take(limit, now)

    def offer(self, batch: Batch | SourceError) -> None:
        """Pass on what the intake read; an error ends the input."""
        if isinstance(batch, SourceError):
            self.source_error = batch
        else:
            self.resume_at = batch.resume_at
            self.frontier.offer(batch.targets)
        if isinstance(batch, SourceError) or batch.ended:
            self.frontier.close()

    def read(self, intake: Intake) -> None:
        """Offer what *intake* has ready, if it fits; for an owner that reads inline."""
        if room := self.frontier.room():
            try:
                self.offer(intake.read(room))
            except SourceError as error:
                self.offer(error)

    def put_back(self, target: Target, fetched: Fetched, now: float) -> bool:
        """Settle a failure that may pass, to be taken again; False: it is final."""
        self.tally.fetch_cpu_s += fetched.cpu_s
        if self.trace is not None:
            self.trace.fetched(target, fetched, now)
        if self.stop.requested:
            return False
        again = self.retry.decide(target, fetched, now, self.draw())
        if again is None:
            return False
        self.tally.retries += 1
        self.frontier.settle(target, again, now)
        return True

    def settle(self, target: Target, entry: Entry, now: float, *, home: bool | None) -> None:
        """Count an entry that is kept, and settle its target for good."""
        self.tally.count(entry, now)
        if self.trace is not None and entry.spans:
            self.trace.worked(target, entry.spans)
        self.frontier.settle(target, Done(entry.outcome, home), now)


#: A mode blocks until the frontier is finished or the run is forced to stop, whatever it does
#: inside; what is then unsettled is recorded as interrupted by whoever called it.
Mode = Callable[[Gear], None]
