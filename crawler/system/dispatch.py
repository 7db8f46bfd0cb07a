"""The loop's side of take and settle: a task for each target in a free place, kept in blocks."""

import asyncio
from collections.abc import Callable, Coroutine

from crawler.core.entry import Entry
from crawler.core.errors import SourceError
from crawler.core.frontier import Finished, Wait
from crawler.core.pages import Batch, Target
from crawler.core.ports import Gear
from crawler.system.blocks import Blocks
from crawler.system.clock import now
from crawler.system.feed import Feed
from crawler.system.lanes import watch_lateness
from crawler.system.loops import Wake

__all__ = ["Dispatch"]

#: Records are written in blocks: a hand-over to the writing thread costs 96 us, the whole of a
#: record's writing 3 us.  A record waits 50 ms at most for its block, and not at all for company
#: that cannot come.
BLOCK = 64
BLOCK_SECONDS = 0.05

#: Bytes of lines that wait to be written.
BYTES_WAITING = 10_000_000

_Kept = tuple[Target, Entry, bool | None]
Job = Coroutine[None, None, None]


class Dispatch:
    """Runs *visit* on each target, at most ``options.concurrency`` at once, until all is settled.

    A visit ends by putting its target back, or by handing its entry to ``keep``, here or from
    a task behind it.  The place is free when the visit is over; a full queue behind holds it.
    """

    def __init__(self, gear: Gear):
        self._gear = gear
        self._visits: set[asyncio.Task[None]] = set()
        self._kept: Blocks[_Kept] = Blocks(
            most=BLOCK,
            within=BLOCK_SECONDS,
            bound=4 * BLOCK,
            weigh=lambda kept: len(kept[1].line),
            heaviest=BYTES_WAITING,
        )

    async def run(self, visit: Callable[[Target], Job], *behind: Job) -> None:
        """Return when the frontier is finished, or at the second request to stop.

        Tasks *behind* the visits run alongside and are cancelled at the end.
        """
        async with Wake(self._gear.stop) as self._wake:
            self._feed = Feed(self._gear.intake, self._wake.from_thread(self._deliver))
            try:
                async with asyncio.TaskGroup() as group:
                    others = [group.create_task(job) for job in (*behind, self._write())]
                    if self._gear.trace is not None:
                        others.append(group.create_task(watch_lateness(self._gear.trace.late)))
                    await self._take(group, visit)
                    for task in (*others, *self._visits):
                        task.cancel()
            finally:
                self._feed.close()

    async def keep(self, target: Target, entry: Entry, *, home: bool | None) -> None:
        """Have an entry written, and its target settled after that; waits if many are."""
        await self._kept.put((target, entry, home))
        if self._all_wait():
            self._wake.set()

    def _all_wait(self) -> bool:
        """Whether all that was taken waits to be written."""
        return len(self._kept) == self._gear.frontier.in_flight

    async def _take(self, group: asyncio.TaskGroup, visit: Callable[[Target], Job]) -> None:
        gear, places = self._gear, self._gear.options.concurrency
        while not gear.stop.forced:
            step = gear.take(places - len(self._visits), now())
            self._feed.ask(gear.frontier.room())
            if isinstance(step, Finished):
                return
            if isinstance(step, Wait):
                if self._all_wait() and not self._visits:
                    self._kept.hurry()
                await self._wake.wait(step.until)
                continue
            for target in step:
                task = group.create_task(visit(target))
                self._visits.add(task)
                task.add_done_callback(self._free)

    async def _write(self) -> None:
        async for block in self._kept:
            keeping = asyncio.ensure_future(self._keep_block(block))
            try:
                await asyncio.shield(keeping)
            except asyncio.CancelledError:
                await keeping  # what a thread has begun to write must be settled as written
                raise

    async def _keep_block(self, block: list[_Kept]) -> None:
        await self._gear.keep.awrite([entry for _, entry, _ in block])
        moment = now()
        for target, entry, home in block:
            self._gear.settle(target, entry, moment, home=home)
        self._wake.set()

    def _free(self, visit: asyncio.Task[None]) -> None:
        self._visits.discard(visit)
        self._wake.set()

    def _deliver(self, batch: Batch | SourceError) -> None:
        self._feed.answered()
        self._gear.offer(batch)
