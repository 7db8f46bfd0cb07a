"""How many exchanges may be under way at once, in all and to one origin; others wait in line."""

import asyncio

import httpx

from crawler.wire.pool import Origin

__all__ = ["Places"]


class Places:
    """Places for exchanges on one loop, given out in the order they were asked for.

    *most* over all and *most_per_host* to one origin; None: without limit.
    """

    def __init__(self, most: int | None, most_per_host: int | None):
        self._all = None if most is None else asyncio.Semaphore(most)
        self._per_host = most_per_host
        #: The line of each origin, and how many hold a place in it or wait for one.
        self._lines: dict[Origin, tuple[asyncio.Semaphore, int]] = {}

    @property
    def are_limited(self) -> bool:
        """Whether anybody ever waits."""
        return self._all is not None or self._per_host is not None

    async def take(self, origin: Origin, timeout: float | None) -> None:
        """Wait for a place; raises httpx.PoolTimeout after *timeout* seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._take(origin)
        except TimeoutError:
            raise httpx.PoolTimeout("no place in time") from None

    def give(self, origin: Origin) -> None:
        """Give a place back."""
        if self._per_host is not None:
            self._leave(origin, had_place=True)
        if self._all is not None:
            self._all.release()

    async def _take(self, origin: Origin) -> None:
        # First the narrow door, so that nobody holds a place while waiting for his host.
        if self._per_host is not None:
            await self._take_of(origin, self._per_host)
        if self._all is not None:
            try:
                await self._all.acquire()
            except BaseException:
                if self._per_host is not None:
                    self._leave(origin, had_place=True)
                raise

    async def _take_of(self, origin: Origin, most: int) -> None:
        line, users = self._lines.get(origin) or (asyncio.Semaphore(most), 0)
        self._lines[origin] = line, users + 1
        try:
            await line.acquire()
        except BaseException:
            self._leave(origin, had_place=False)
            raise

    def _leave(self, origin: Origin, *, had_place: bool) -> None:
        line, users = self._lines.pop(origin)
        if had_place:
            line.release()
        if users > 1:
            self._lines[origin] = line, users - 1
