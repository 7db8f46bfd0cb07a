"""A server on a core of its own and the load tool on the others, for runs that are checked."""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from threading import Event
from typing import Any, NamedTuple

from bench.cell import BenchError
from bench.nginx import Page, programs, static
from bench.stand import set_up
from bench.truth_results import Ran
from crawler import LoadOptions, LoadReport, load
from fixtures.running import Running
from fixtures.truth.histogram import Histogram

__all__ = ["Ground", "Ledger", "Sight", "Taken", "our_server", "their_server"]

MS = 1e6
PAGE = "/p/1"
PATIENCE = 5.0  # seconds for an answer to a look


class Sight(NamedTuple):
    """At a monotonic instant: the requests that the server has had, without those that look."""

    at: float
    requests: int


class Taken(NamedTuple):
    """What the tool says of a run, what the server counted in it, and what was seen meanwhile."""

    report: LoadReport
    truth: dict[str, Any]
    seen: Any = None

    def ours(self, q: float) -> float:
        """Return a quantile of the response time, in ms, whatever number of samples it has."""
        return Histogram.from_json({"hdr": self.report.response.hdr}).quantile(q) / MS

    def theirs(self, q: float) -> float:
        """Return the same quantile of the server's time for whole answers, in ms."""
        return Histogram.from_json(self.truth["histograms"]["answer_ns"]).quantile(q) / MS


class Ledger:
    """Adds up how the runs of a part went."""

    def __init__(self) -> None:
        self._errors = self._miscounted = 0
        self._verdicts: Counter[str] = Counter()

    def add(self, report: LoadReport, counted: int | None = None) -> LoadReport:
        """Enter a run of which the server *counted* so many requests, if it is one that counts."""
        self._errors += report.failures
        self._verdicts[report.verdict.word] += 1
        if counted is not None:
            self._miscounted += abs(counted - report.sent - report.warmup_sent)
        return report

    def ran(self) -> Ran:
        """Return what was entered."""
        return Ran(
            date=datetime.now(UTC).date().isoformat(),
            errors=self._errors,
            miscounted=self._miscounted,
            verdicts=dict(self._verdicts),
        )


class Ground:
    """A running server of ours, and the load tool aimed at one page of it."""

    def __init__(self, running: Running, ledger: Ledger):
        self.ledger = ledger
        self.url = running.url + PAGE
        self._running = running
        self._settings: dict[str, object] = {}
        self._looked = 0

    def become(self, **settings: object) -> None:
        """Let these settings be in force, none of those before, and the truth be zero."""
        self._running.behave(**{**dict.fromkeys(self._settings), **settings})
        self._running.reset()
        self._settings, self._looked = settings, 0

    def run(
        self,
        options: LoadOptions,
        task: Callable[[Event], object] | None = None,
        **settings: object,
    ) -> Taken:
        """Run once, with the server as *settings* say; raises CrawlError and ServeError.

        *task* is done meanwhile in a thread; the event that it gets says when the run is over.
        """
        self.become(**settings)
        over = Event()
        with ThreadPoolExecutor(1) as pool:
            doing = pool.submit(task or Event.is_set, over)
            try:
                report = load(self.url, options)
            finally:
                over.set()
            seen = doing.result()
        truth = self._running.truth()
        self.ledger.add(report, truth["requests"] - self._looked)
        return Taken(report, truth, seen)

    def look(self) -> Sight:
        """Ask for the page, and learn from the answer how many requests there were."""
        address = ("127.0.0.1", self._running.port)
        with contextlib.closing(HTTPConnection(*address, timeout=PATIENCE)) as connection:
            connection.connect()
            asked = time.monotonic()
            connection.request("GET", PAGE)
            answer = connection.getresponse()
            at = (asked + time.monotonic()) / 2
        self._looked += 1
        return Sight(at, int(answer.headers["X-Arrival"]) - self._looked)

    def under_load(self, over: Event, requests: int = 10, often: float = 0.02) -> Sight:
        """Wait until so many requests came; raises BenchError if the run was *over* before."""
        while (seen := self.look()).requests < requests:
            if over.wait(often):
                raise BenchError("a run was over before it was seen")
        return seen


@contextlib.contextmanager
def our_server(*, cores: int | None = None, **options: object) -> Iterator[Ground]:
    """Serve small pages on the last core, with this process and its children on the others.

    *cores* are how many of those they may use.
    """
    with (
        set_up(pinned=True, size="100", pages=10, **options) as stand,
        _kept_to(stand.cores[:cores]),
    ):
        yield Ground(stand.running, Ledger())


@contextlib.contextmanager
def their_server(page: bytes) -> Iterator[Page]:
    """Have nginx serve *page* on the last core, and keep this process to the others."""
    *cores, last = sorted(os.sched_getaffinity(0))
    with static(programs().nginx, page, [last]) as served, _kept_to(cores):
        yield served


@contextlib.contextmanager
def _kept_to(cores: list[int]) -> Iterator[None]:
    if not cores:
        raise BenchError("the server needs a core to itself and the load tool another one")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
