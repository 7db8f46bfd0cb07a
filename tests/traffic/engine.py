"""Run the load engine in this process, on a loop of its own, with the notes it made."""

import asyncio
import contextlib
import functools
import threading
from functools import partial
from time import monotonic_ns

import uvloop

from crawler.core.guard import may_be_loaded
from crawler.system.usage import peak_memory
from crawler.traffic.books import Books
from crawler.traffic.job import LoadOptions, validated
from crawler.traffic.loading import piece_ns, plans_of
from crawler.traffic.schedule import Schedule
from crawler.traffic.series import Series
from crawler.traffic.summing import report_of
from crawler.traffic.tally import Piece
from crawler.traffic.targets import targets_of
from crawler.traffic.users import Users

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
_HOW = ("before", "meanwhile", "may", "tls", "notes")
#: Seconds that a run may take; only a test that fails takes them.
LONG = 30.0


class Run:
    """What one generator did: its driver, the notes of all requests, and its time line."""

    def __init__(self, driver, plan, notes, pieces, start):
        self.driver = driver
        self.plan = plan
        self.notes = notes
        self.pieces = pieces
        self.start = start
        self.seconds = (monotonic_ns() - start) / 1e9

    @property
    def statuses(self):
        return dict(self.driver.tally.statuses)

    @property
    def sent(self):
        driver = self.driver
        return driver.tally.ended + driver.in_flight_at_end

    @property
    def balances(self):
        return self.driver.scheduled == self.sent + self.driver.unsent

    @functools.cache  # noqa: B019 (a run lives as long as its test)
    def report(self):
        series = Series(self.start, piece_ns(self.plan.options))
        for piece in self.pieces:
            series.add(piece)
        return report_of(self.plan.options, self.plan.targets, [books(self.driver)], series, "now")


def books(driver):
    """Return the account that a process gives of its driver, as if it had used no CPU."""
    return Books(
        tally=driver.tally,
        scheduled=driver.scheduled,
        unsent=driver.unsent,
        in_flight_at_end=driver.in_flight_at_end,
        in_flight_mean=driver.in_flight_mean,
        in_flight_by_times=driver.in_flight_by_times,
        warmup_sent=driver.warmup_scheduled - driver.warmup_unsent,
        window_ended=driver.window_ended,
        opened=driver.opened,
        first_heads=driver.first_heads,
        timer=driver.timer,
        cpu_s=0.0,
        cpu_share=0.0,
        queue_share=None,
        memory=peak_memory(),
    )


def plan_of(urls, *, place=0, of=1, **options):
    """Return the plan of process *place* of *of*."""
    given = [urls] if isinstance(urls, str) else urls
    chosen = validated(LoadOptions(**{"workers": of} | options))
    return plans_of(targets_of(given, _nothing), chosen, "test")[place]


def drive(urls, *, loop="uvloop", place=0, of=1, **options):
    """Run one driver to its end; what is no option of a load test is for `drive_plan`."""
    how = {name: options.pop(name) for name in _HOW if name in options}
    return drive_plan(plan_of(urls, place=place, of=of, loop=loop, **options), **how)


def drive_plan(plan, *, before=None, meanwhile=None, may=None, tls=None, notes=True):
    """Run the driver of *plan* to its end.

    *before* is called with the driver before it begins, and the coroutine function *meanwhile*
    runs beside it.  Without *notes* they are not kept.
    """
    kind = Schedule if plan.options.is_open else Users
    faults = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        driver = kind(plan, may or partial(may_be_loaded, frozenset()), tls)
        kept = _overhear(driver) if notes else []
        pieces: list[Piece] = []
        await driver.open_all()
        start = monotonic_ns() + 2_000_000
        if before is not None:
            before(driver)
        beside = None if meanwhile is None else asyncio.create_task(meanwhile(driver))
        async with asyncio.timeout(LONG):
            await driver.drive(start, piece_ns(plan.options), pieces.append)
        if beside is not None:
            beside.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beside
        for _ in range(3):  # what was aborted is told to the connections
            await asyncio.sleep(0)
        return Run(driver, plan, kept, pieces, start)

    with asyncio.Runner(loop_factory=LOOPS[plan.options.loop]) as runner:
        run = runner.run(main())
    assert not faults, faults
    return run


def _overhear(driver):
    """Return a list that will hold all notes that the driver counts."""
    notes = []
    fold = driver._fold

    def overheard():
        notes.extend(driver._notes)
        fold()

    driver._fold = overheard
    return notes


def _nothing(name):
    raise FileNotFoundError(name)


@contextlib.contextmanager
def later(seconds, do):
    """Call *do* in a thread after some time, unless it is over before."""
    timer = threading.Timer(seconds, do)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
