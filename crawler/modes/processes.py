"""Whole pages in worker processes; the parent alone owns the frontier and the output.

    intake -> frontier -> P x (fetch -> analyse)  ->  write
    a thread   parent         P processes            parent

Unit        a process; one URL and one attempt at a time crosses the border
Owner       the parent owns the frontier; workers know of one page only
Limit       P pages in flight, and P more at the workers' doors, or they would stand idle while
            a result crosses the border and the next page comes back
Stops       when what is in flight is done; told twice, the workers are killed
Contains    a page that kills its worker or hangs in it costs that page alone
"""

import functools
from concurrent.futures import Future
from queue import Empty, SimpleQueue

import httpx
import msgspec

from crawler.core.entry import Entry, Form
from crawler.core.errors import SourceError, WorkerError
from crawler.core.frontier import Finished, Wait
from crawler.core.job import FetchRules
from crawler.core.pages import Batch, Fetched, Outcome, Target
from crawler.core.ports import Analyse, Gear
from crawler.core.urls import public_form
from crawler.stages.analyse import analyse_guarded
from crawler.stages.fetch import fetch
from crawler.stages.write import written
from crawler.system.clock import now
from crawler.system.feed import Feed
from crawler.system.pools import Crew
from crawler.system.stop import LOOK
from crawler.wire.names import Names
from crawler.wire.transports import transport_of

__all__ = ["crawl"]

#: Pages handed to each worker: one in work, one ready.
AHEAD = 2

Visited = tuple[Fetched, Entry]
_Event = Future[Visited] | Batch | SourceError | None  # None: a request to stop


def crawl(gear: Gear) -> None:
    """Crawl until the frontier is finished or a second request to stop; raises OutputError."""
    crew = Crew(gear.workers, _prepare, gear.rules, gear.options.resolve, gear.analyse, gear.form)
    try:
        _Parent(gear, crew).crawl()
    finally:
        crew.close(kill=gear.frontier.in_flight > 0)


class _Parent:
    def __init__(self, gear: Gear, crew: Crew):
        self._gear = gear
        self._crew = crew
        self._running: dict[Future[Visited], Target] = {}
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._feed = Feed(gear.intake, self._events.put)
        self._budget = gear.options.timeout + gear.options.analyse_timeout

    def crawl(self) -> None:
        # SimpleQueue.put may be called from a signal handler.
        with self._gear.stop.on_change(lambda: self._events.put(None)):
            self._crawl()
        self._feed.close()

    def _crawl(self) -> None:
        gear, places = self._gear, AHEAD * self._gear.workers
        while not isinstance(step := gear.take(places - len(self._running), now()), Finished):
            self._feed.ask(gear.frontier.room())
            if isinstance(step, Wait):
                self._wait(step.until)
                if gear.stop.forced:
                    break
                continue
            for target in step:
                future = self._crew.submit(_visit, target)
                self._running[future] = target
                future.add_done_callback(self._events.put)

    def _wait(self, until: float | None) -> None:
        """Wait for a result, for input, for a time; or for a page that takes too long."""
        taken = [target.taken_at for target in self._running.values()]
        overdue = min(taken) + AHEAD * self._budget if taken else None
        ends = min((time for time in (until, overdue) if time is not None), default=None)
        left = LOOK if ends is None else min(LOOK, max(0.0, ends - now()))
        try:
            event = self._events.get(timeout=left)
        except Empty:
            event = None
        if isinstance(event, Future):
            self._take_back(event)
        elif event is not None:
            self._feed.answered()
            self._gear.offer(event)
        elif overdue is not None and overdue <= now():
            self._blame()

    def _take_back(self, future: Future[Visited]) -> None:
        if future not in self._running:
            return  # of a pool that broke: its page has been visited again alone
        if future.exception() is not None:
            self._blame()
        else:
            self._settle(self._running.pop(future), *future.result())

    def _blame(self) -> None:
        """Visit each page in flight again, alone: the one that breaks its worker is the culprit."""
        suspects, self._running = list(self._running.values()), {}
        self._crew.replace(self._crew.pool)
        for target in suspects:
            again = functools.partial(self._crew.alone, _visit, target, self._budget)
            try:
                visited = self._gear.stop.cut(again, only_forced=True)
            except WorkerError as error:  # what was fetched is lost with the worker
                where, blame = public_form(target.address), Outcome.ANALYSE_ERROR
                lost = Fetched(url=target.url, final_url=where, outcome=blame, error=str(error))
                visited = lost, self._gear.form.entry(target, lost, None)
            if visited is None:
                return
            self._settle(target, *visited)

    def _settle(self, target: Target, fetched: Fetched, entry: Entry) -> None:
        gear = self._gear
        if gear.put_back(target, fetched, now()):
            return
        gear.keep.write([entry])
        gear.settle(target, entry, now(), home=fetched.home)


#: What each page needs, in a worker process.
_kit: list[tuple[httpx.BaseTransport, FetchRules, Analyse, Form]] = []


def _prepare(rules: FetchRules, resolve: dict[str, str], analyse: Analyse, form: Form) -> None:
    _kit.append((transport_of(rules.way, Names(resolve)), rules, analyse, form))


def _visit(target: Target) -> Visited:
    """Fetch and analyse one page in a worker; its body and what was found in it stay there."""
    [(http, rules, analyse, form)] = _kit
    fetched = fetch(http, target, rules)
    entry = written(form, target, fetched, analyse_guarded(analyse, fetched))
    return msgspec.structs.replace(fetched, body=None), entry
