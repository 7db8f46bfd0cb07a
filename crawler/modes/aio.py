"""Many awaiting tasks on one loop, no lock around the books; analyse holds the loop up.

    intake -> frontier -> N x (afetch -> analyse)  ->  write
    a thread    loop        loop        loop          a thread, in blocks

Unit        a task for each page
Owner       the loop owns the frontier; between two awaits nobody else runs
Limit       N pages in flight; all others stand still while one page is analysed, and only then
Stops       when what is in flight is done; told twice, all tasks are cancelled
"""

import asyncio
import functools

import httpx

from crawler.core.pages import Target
from crawler.core.ports import Gear
from crawler.stages.analyse import analyse_guarded
from crawler.stages.fetch import afetch
from crawler.stages.write import written
from crawler.system.clock import now
from crawler.system.dispatch import Dispatch
from crawler.system.loops import run
from crawler.wire.names import Names
from crawler.wire.transports import atransport_of

__all__ = ["crawl"]


def crawl(gear: Gear) -> None:
    """Crawl until the frontier is finished or a second request to stop; raises OutputError."""
    run(_crawl(gear), gear.options.loop)


async def _crawl(gear: Gear) -> None:
    dispatch, turn = Dispatch(gear), asyncio.Lock()
    names = Names(gear.options.resolve)
    try:
        async with atransport_of(gear.rules.way, names, gear.connections) as http:
            await dispatch.run(functools.partial(_visit, gear, dispatch, http, turn))
    finally:
        names.close()


async def _visit(
    gear: Gear,
    dispatch: Dispatch,
    http: httpx.AsyncBaseTransport,
    turn: asyncio.Lock,
    target: Target,
) -> None:
    """Take one page through all steps; none but analyse keeps the loop for long.

    One page is analysed a *turn* of the loop.  Answers that come together would be analysed in
    one, and only then the next requests be sent, together again: 64 pages of 1 ms, each 100 ms
    away, took 165 ms and not 100.
    """
    fetched = await afetch(http, target, gear.rules)
    if gear.put_back(target, fetched, now()):
        return
    async with turn:
        await asyncio.sleep(0)
        analysed = analyse_guarded(gear.analyse, fetched)
    entry = written(gear.form, target, fetched, analysed)
    await dispatch.keep(target, entry, home=fetched.home)
