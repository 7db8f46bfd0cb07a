"""The steady part of a crawl: between the records that begin and end it, what comes with them."""

import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

__all__ = ["Reading", "SteadyPart"]

#: Seconds.  Some modes keep records in blocks: those that come so soon after another one were
#: fetched before it.
BURST = 0.002


class Reading(Protocol):
    """What meters show at the monotonic instant ``at``."""

    @property
    def at(self) -> float: ...


_Reading = TypeVar("_Reading", bound=Reading)


class SteadyPart(Generic[_Reading]):
    """Has meters *read* at two records: the one after which a crawl is steady, and the last such.

    *warm* records come before it, *cool* ones after it, when places are empty, if there are
    enough *pages*; otherwise it lasts to the end.  Where all records come in one block, it is
    from when this was made.
    """

    def __init__(self, pages: int, warm: int, cool: int, read: Callable[[], _Reading]) -> None:
        self._ends = warm, (pages - cool if pages - cool > warm else pages)
        self._read = read
        self._made = read()
        self._count = 0
        self._readings: list[_Reading] = []
        self._counts: list[int] = []

    def recorded(self) -> None:
        """Take note of a record."""
        self._count += 1
        if self._readings and time.monotonic() < self._readings[-1].at + BURST:
            self._counts[-1] = self._count
        for _ in range(self._ends[len(self._readings) :].count(self._count)):
            self._readings.append(self._read())
            self._counts.append(self._count)

    @property
    def pages(self) -> int:
        """How many pages were recorded in it."""
        before, after = self._counts
        return after if self._is_one_block() else max(1, after - before)

    def readings(self) -> tuple[_Reading, _Reading]:
        """Return what the meters showed; raises SystemExit if it did not end."""
        if len(self._readings) < len(self._ends):
            raise SystemExit(f"record {self._ends[-1]} never came, only {self._count}")
        first, last = self._readings
        return (self._made if self._is_one_block() else first), last

    def _is_one_block(self) -> bool:
        first, last = self._readings
        return last.at < first.at + BURST
