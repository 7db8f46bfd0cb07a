"""One loop waits, processes think, a thread writes.

    intake -> frontier -> N x afetch  ->  analyse       ->  write
    a thread    loop        loop          P processes       a thread, in blocks
                                          in batches

Unit        a task for each fetch, a batch of pages for each worker process
Owner       the loop owns the frontier; workers get bytes and give values
Limit       N fetches in flight, and as many pages as fit into the batches behind them
Stops       when what is in flight is done; told twice, tasks are cancelled and workers killed
Contains    a page that kills its worker or hangs in it costs that page alone (not with threads)
"""

import asyncio
import functools
from concurrent.futures import Executor

from crawler.core.entry import Entry, Form
from crawler.core.errors import WorkerError
from crawler.core.pages import Analysed, Fetched, Outcome, Target
from crawler.core.ports import Analyse, Gear
from crawler.stages.analyse import analyse_guarded
from crawler.stages.fetch import afetch
from crawler.stages.write import in_batch, written
from crawler.system.blocks import Blocks
from crawler.system.clock import now
from crawler.system.dispatch import Dispatch
from crawler.system.loops import run
from crawler.system.pools import Crew, threads
from crawler.system.thinkers import BATCHES_AHEAD, Thinkers
from crawler.wire.names import Names
from crawler.wire.transports import atransport_of

__all__ = ["crawl"]

#: A batch is what makes a process pool pay: batches of 16 gave 1.9 times the pages of batches
#: of one.  It ends sooner by weight, because long pages pay alone, or by time, so that a lone
#: page is not kept waiting.
BATCH = 16
BATCH_BYTES = 1_000_000
BATCH_SECONDS = 0.003

Page = tuple[Target, Fetched]


def crawl(gear: Gear) -> None:
    """Crawl until the frontier is finished or a second request to stop; raises OutputError."""
    pool: Crew | Executor = (
        Crew(gear.workers) if gear.options.pool == "processes" else threads(gear.workers)
    )
    run(_Hybrid(gear, pool).crawl(), gear.options.loop)


class _Hybrid:
    def __init__(self, gear: Gear, pool: Crew | Executor):
        self._gear = gear
        self._dispatch = Dispatch(gear)
        self._thinkers: Thinkers[Page, Entry] = Thinkers(
            pool, functools.partial(_think, gear.analyse, gear.form), gear.options.analyse_timeout
        )
        self._fetched: Blocks[Page] = Blocks(
            most=BATCH,
            within=BATCH_SECONDS,
            bound=BATCH * gear.workers,
            weigh=lambda page: len(page[1].body or b""),
            heaviest=BATCH_BYTES,
        )

    async def crawl(self) -> None:
        names = Names(self._gear.options.resolve)
        try:
            way, most = self._gear.rules.way, self._gear.connections
            async with atransport_of(way, names, most) as self._http:
                await self._dispatch.run(self._visit, self._batches())
        finally:
            names.close()
            self._thinkers.close(kill=self._gear.frontier.in_flight > 0)

    async def _visit(self, target: Target) -> None:
        """Fetch one page; its place is free again when the batches have taken it."""
        fetched = await afetch(self._http, target, self._gear.rules)
        if self._gear.put_back(target, fetched, now()):
            return
        if fetched.body is None:  # nothing to think about
            entry = written(self._gear.form, target, fetched, None)
            await self._dispatch.keep(target, entry, home=fetched.home)
        else:
            await self._fetched.put((target, fetched))

    async def _batches(self) -> None:
        """Keep a few batches in flight for each worker."""
        places = asyncio.Semaphore(BATCHES_AHEAD * self._gear.workers)
        async with asyncio.TaskGroup() as group:
            async for batch in self._fetched:
                await places.acquire()
                group.create_task(self._analyse(batch)).add_done_callback(
                    lambda _: places.release()
                )

    async def _analyse(self, batch: list[Page]) -> None:
        found = await self._thinkers.run(batch)
        for (target, fetched), result in zip(batch, found, strict=True):
            if isinstance(result, WorkerError):
                blamed = Analysed(outcome=Outcome.ANALYSE_ERROR, error=str(result))
                entry = written(self._gear.form, target, fetched, blamed)
            else:
                entry = result
            await self._dispatch.keep(target, entry, home=fetched.home)


def _think(analyse: Analyse, form: Form, pages: list[Page]) -> list[Entry]:
    """Analyse pages and make their lines, in a worker: the loop only moves bytes."""
    return in_batch(
        [
            written(form, target, fetched, analyse_guarded(analyse, fetched))
            for target, fetched in pages
        ]
    )
