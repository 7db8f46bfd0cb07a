"""One page at a time: the behaviour that all the other modes must match.

    intake -> frontier -> fetch -> analyse -> write      all on the caller's thread

Unit        the page; there is no concurrency
Owner       the caller owns the frontier
Limit       one page in flight
Stops       after the page in hand; told twice, in the middle of it
"""

import time

import httpx

from crawler.core.frontier import Finished, Wait
from crawler.core.pages import Target
from crawler.core.ports import Gear
from crawler.stages.analyse import analyse_guarded
from crawler.stages.fetch import fetch
from crawler.stages.write import written
from crawler.system.clock import now
from crawler.wire.names import Names
from crawler.wire.transports import transport_of

__all__ = ["crawl"]


def crawl(gear: Gear) -> None:
    """Crawl until the frontier is finished; raises OutputError."""
    names = Names(gear.options.resolve)
    try:
        with transport_of(gear.rules.way, names) as http:
            while not isinstance(step := gear.take(1, now()), Finished):
                if isinstance(step, Wait):
                    _wait(gear, step.until)
                elif not _visit(gear, http, step[0]):
                    break
    finally:
        names.close()


def _visit(gear: Gear, http: httpx.BaseTransport, target: Target) -> bool:
    """Take one page through all steps; False if a second request to stop cut it short."""
    fetched = gear.stop.cut(fetch, http, target, gear.rules, only_forced=True)
    if fetched is None:
        return False
    if gear.put_back(target, fetched, now()):
        return True
    analysed = None
    if fetched.body is not None:
        analysed = gear.stop.cut(analyse_guarded, gear.analyse, fetched, only_forced=True)
        if analysed is None:
            return False
    entry = written(gear.form, target, fetched, analysed)
    gear.keep.write([entry])
    gear.settle(target, entry, now(), home=fetched.home)
    return True


def _wait(gear: Gear, until: float | None) -> None:
    """Wait for more input or until a time, whichever comes first."""
    seconds = None if until is None else max(0.0, until - now())
    if gear.frontier.closed or not gear.frontier.room():
        gear.stop.cut(time.sleep, seconds or 0.0)
    elif gear.stop.cut(gear.intake.wait_ready, seconds):
        gear.read(gear.intake)
