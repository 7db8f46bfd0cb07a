"""Keep a timeline of a crawl in a file, beside its records: a lane for each thread and place."""

import asyncio
from collections.abc import Sequence
from types import TracebackType

from msgspec import UNSET

from crawler.core.entry import Entry
from crawler.core.events import FOOT, HEAD, Events, Lane, Page
from crawler.core.pages import Fetched, Target
from crawler.core.ports import Keep
from crawler.core.record import encode
from crawler.core.spans import Places, Span, Where
from crawler.stores.whole import WholeFile
from crawler.system.clock import now
from crawler.system.lanes import here

__all__ = ["Timeline"]

#: Notes that are made to lines at once, two of them a page.  Done for each page, between the
#: parsing of one and of the next, the same took twice as long: nothing of it was in the caches.
BLOCK = 256

_Note = tuple[Page, list[Span]]

#: Spans that say which page they are about.
_OF_A_PAGE = frozenset({"fetch", "analyse"})


class Timeline:
    """Passes entries on to *keep*, and notes how long that and everything else took.

    It belongs to whoever owns the frontier.  The file is written as the crawl goes, so that the
    memory does not grow with it, and is there when it is whole, by ``finish``.  Raises
    OutputError.
    """

    def __init__(self, path: str, keep: Keep):
        self._file = WholeFile(path)
        self._keep = keep
        self._pid = here()[0]
        self._places = Places()
        self._lanes: dict[Where | int, Lane] = {}
        self._began = now()
        self._events = Events(self._began)
        self._notes: list[_Note] = []

    def __enter__(self) -> "Timeline":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def begin(self, at: float) -> None:
        """Begin the file; its times count from this one (monotonic seconds)."""
        self._began = at
        self._events = Events(at)
        self._file.append(HEAD)

    def fetched(self, target: Target, fetched: Fetched, at: float) -> None:
        """Note an attempt that ended until *at*, and whatever followed it in another process.

        What was lost with its worker is one span, from when it was taken until now.
        """
        spans = fetched.spans or [(None, "fetch", target.taken_at, at)]
        self._notes.append((Page(target.url, fetched.outcome, target.attempt), spans.copy()))
        spans.clear()

    def worked(self, target: Target, spans: list[Span]) -> None:
        """Note what was done about an answer after it was fetched."""
        self._notes.append((Page(target.url), spans.copy()))
        spans.clear()

    def late(self, due: float, came: float) -> None:
        """Note how late a loop was; a loop's timer may go off early, which is not late."""
        group = self._events.group(self._group(self._pid))
        self._events.count(group, "loop lag in ms", came, max(0.0, came - due) * 1000)

    def write(self, entries: Sequence[Entry]) -> None:
        """Keep a block of entries."""
        began = now()
        self._keep.write(entries)
        self._events.span(self._lane(here()), "write", began, now())
        if self._is_much():
            self._file.append(self._lines())

    async def awrite(self, entries: Sequence[Entry]) -> None:
        """Do the same, awaiting."""
        began = now()
        await self._keep.awrite(entries)
        self._events.span(self._lane((self._pid, "output")), "write", began, now())
        if self._is_much():
            await asyncio.to_thread(self._file.append, self._lines())

    def finish(self, mode: str) -> None:
        """Write the rest, and have the file take the place of an old one."""
        about = encode({"mode": mode, "wall_ms": int((now() - self._began) * 1e9) / 1e6})
        self._file.write(self._lines() + FOOT % about)

    def _is_much(self) -> bool:
        return len(self._notes) + len(self._events) >= BLOCK

    def _lines(self) -> bytes:
        """Return what was noted since the last time."""
        notes, self._notes = self._notes, []
        for page, spans in notes:
            place = None if page.attempt is UNSET else self._place_of(spans)
            for where, name, began, ended in spans:
                lane = place if where is None else self._lane(where)
                assert lane is not None
                about = page if name in _OF_A_PAGE else UNSET
                self._events.span(lane, name, began, ended, about)
        return self._events.take()

    def _place_of(self, spans: list[Span]) -> Lane | None:
        """Return the lane of what is no thread's, if anything is; take what is shown there out."""
        first = spans[0][0]
        if first is None:  # a task's: the loop's thread does other things meanwhile
            return self._place(spans[0][2], spans[:2][-1][3])
        if first[0] == self._pid:
            return None
        queue = spans.pop(0)  # it waited at the door of a worker that was at another
        place = self._place(queue[2], queue[3])
        self._events.span(place, *queue[1:])
        return place

    def _place(self, began: float, ended: float) -> Lane:
        """Return the lane of a place that is free all the time."""
        place = self._places.fit(began, ended)
        if place not in self._lanes:
            self._lanes[place] = self._events.lane("places", f"place {place + 1}")
        return self._lanes[place]

    def _lane(self, where: Where) -> Lane:
        if (lane := self._lanes.get(where)) is None:
            pid, thread = where
            lane = self._lanes[where] = self._events.lane(self._group(pid), thread)
        return lane

    def _group(self, pid: int) -> str:
        return f"{'crawl' if pid == self._pid else 'worker'} {pid}"
