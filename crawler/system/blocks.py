"""Gather what many tasks hand over into blocks, by count, by weight and by time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

__all__ = ["Blocks"]

_T = TypeVar("_T")


class Blocks(Generic[_T]):
    """A bounded queue that is read in blocks, by one reader.

    A block ends at *most* items, at *heaviest* by the sum of *weigh*, *within* seconds of its
    first item, or at once when told to ``hurry``.  ``put`` waits while *bound* items or twice
    *heaviest* wait, which is what slows the fetch down.  There is always another block: its
    reader is cancelled in the end.

    One timer and one future a block: asyncio's own queue with a timeout around each item cost
    a third of what fetching the page did.
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
        self._most = most
        self._within = within
        self._bound = bound
        self._weigh = weigh
        self._heaviest = heaviest
        self._items: deque[tuple[_T, int]] = deque()
        self._weight = 0
        self._is_late = False
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.Future[None] | None = None
        self._putters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """How many items wait for their block to end."""
        return len(self._items)

    async def put(self, item: _T) -> None:
        """Hand over one item; waits, in line, while the queue is full or heavy."""
        while self._is_full():
            turn = asyncio.get_running_loop().create_future()
            self._putters.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._let_in()
                raise
        weight = self._weigh(item)
        self._items.append((item, weight))
        self._weight += weight
        if self._is_ready():
            self._wake()
        elif self._timer is None:
            self._set_timer()

    def hurry(self) -> None:
        """End the block of what waits, if anything does: no company will come."""
        if self._items:
            self._is_late = True
            self._wake()

    async def __aiter__(self) -> AsyncIterator[list[_T]]:
        while True:
            while not self._is_ready():
                self._reader = asyncio.get_running_loop().create_future()
                await self._reader
            yield self._block()

    def _block(self) -> list[_T]:
        """Take a block out, and let others in."""
        block: list[_T] = []
        weight = 0
        while self._items and len(block) < self._most and weight < self._heaviest:
            item, its_weight = self._items.popleft()
            block.append(item)
            weight += its_weight
        self._weight -= weight
        self._is_late = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._items:
            self._set_timer()
        self._let_in()
        return block

    def _is_full(self) -> bool:
        return len(self._items) >= self._bound or self._weight >= 2 * self._heaviest

    def _is_ready(self) -> bool:
        """Whether what waits makes a block."""
        enough = len(self._items) >= self._most or self._weight >= self._heaviest
        return enough or (self._is_late and bool(self._items))

    def _set_timer(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._within, self._late)

    def _late(self) -> None:
        self._timer = None
        self.hurry()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _let_in(self) -> None:
        """Wake as many of those in line as there is room for."""
        room = self._bound - len(self._items)
        while self._putters and room > 0 and not self._is_full():
            turn = self._putters.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1
