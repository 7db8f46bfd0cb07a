"""Gather what many tasks hand over into blocks, by count, by weight and by time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

__all__ = ["Blocks"]

_T = TypeVar("_T")


class Blocks(Generic[_T]):
    """A bounded queue that is read in blocks.

    A block ends at *most* items, at *heaviest* by the sum of *weigh*, or *within* seconds of
    its first item.  ``put`` waits while *bound* items or twice *heaviest* wait, which is what
    slows the fetch down.  There is always another block: its reader is cancelled in the end.
    """

    def __init__(
        self,
        *,
        most: int,
        within: float,
        bound: int,
        weigh: Callable[[_T], int] = lambda _: 0,
        heaviest: int = 1,
    ):
        self._queue: asyncio.Queue[_T] = asyncio.Queue(bound)
        self._most = most
        self._within = within
        self._weigh = weigh
        self._heaviest = heaviest
        self._weight = 0
        self._lighter = asyncio.Event()

    async def put(self, item: _T) -> None:
        """Hand over one item; waits while the queue is full or heavy."""
        while self._weight >= 2 * self._heaviest:
            self._lighter.clear()
            await self._lighter.wait()
        await self._queue.put(item)
        self._weight += self._weigh(item)

    async def __aiter__(self) -> AsyncIterator[list[_T]]:
        while True:
            block = [self._taken(await self._queue.get())]
            weight = self._weigh(block[0])
            ends = asyncio.get_running_loop().time() + self._within
            while len(block) < self._most and weight < self._heaviest:
                try:
                    async with asyncio.timeout_at(ends):
                        item = await self._queue.get()
                except TimeoutError:
                    break
                block.append(self._taken(item))
                weight += self._weigh(item)
            yield block

    def _taken(self, item: _T) -> _T:
        self._weight -= self._weigh(item)
        self._lighter.set()
        return item
