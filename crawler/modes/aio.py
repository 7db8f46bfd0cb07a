"""Many awaiting tasks on one loop, no lock at all; analyse holds the loop up while it thinks.

    intake -> frontier -> N x (afetch -> analyse)  ->  write
    a thread    loop        loop        loop          a thread, in blocks

Unit        a task for each page
Owner       the loop owns the frontier; between two awaits nobody else runs
Limit       N pages in flight; all others stand still while one page is analysed
Stops       when what is in flight is done; told twice, all tasks are cancelled
"""

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
    dispatch = Dispatch(gear)
    names = Names(gear.options.resolve)
    try:
        async with atransport_of(gear.rules.way, names, gear.connections) as http:
            await dispatch.run(functools.partial(_visit, gear, dispatch, http))
    finally:
        names.close()


async def _visit(
    gear: Gear, dispatch: Dispatch, http: httpx.AsyncBaseTransport, target: Target
) -> None:
    """Take one page through all steps; only the first and the last of them await."""
    fetched = await afetch(http, target, gear.rules)
    if gear.put_back(target, fetched, now()):
        return
    analysed = analyse_guarded(gear.analyse, fetched)
    entry = written(gear.form, target, fetched, analysed)
    await dispatch.keep(target, entry, home=fetched.home)
