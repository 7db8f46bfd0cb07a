"""Keep a timeline of a crawl in a file, beside its records: a lane for each thread and place."""

import asyncio
from collections.abc import Sequence
from types import TracebackType

from crawler.core.entry import Entry
from crawler.core.events import FOOT, HEAD, Events
from crawler.core.pages import Fetched, Target
from crawler.core.ports import Keep
from crawler.core.record import encode
from crawler.core.spans import Places, Span, Where
from crawler.stores.whole import WholeFile
from crawler.system.clock import now
from crawler.system.lanes import here

__all__ = ["Timeline"]

#: Bytes of events that are written at once.
BLOCK = 1 << 18

#: A group and a name in it.
Lane = tuple[str, str]

_NOWHERE: Lane = ("", "")
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
        self._groups: dict[int, str] = {self._pid: f"crawl {self._pid}"}
        self._places = Places()
        self._began = now()
        self._events = Events(self._began)

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
        """Count from a time (monotonic seconds)."""
        self._began = at
        self._events = Events(at)
        self._file.append(HEAD)

    def fetched(self, target: Target, fetched: Fetched, at: float) -> None:
        """Note an attempt that ended until *at*, and whatever followed it in another process.

        What was lost with its worker is one span, from when it was taken until now.
        """
        spans = fetched.spans or [(None, "fetch", target.taken_at, at)]
        place, first = _NOWHERE, spans[0][0]
        if first is None:  # a task's: the loop's thread does other things meanwhile
            place = self._place(spans[:2])
        elif first[0] != self._pid:  # it waited at the door of a worker that was at another
            place = self._place(spans[:1])
            spans[0] = (None, *spans[0][1:])
        about = {"url": target.url, "outcome": fetched.outcome, "attempt": target.attempt}
        self._show(spans, place, about)

    def worked(self, target: Target, spans: list[Span]) -> None:
        """Note what was done about an answer after it was fetched."""
        self._show(spans, _NOWHERE, {"url": target.url})

    def late(self, due: float, came: float) -> None:
        """Note how late a loop was; a loop's timer may go off early, which is not late."""
        ms = max(0.0, came - due) * 1000
        self._events.count(self._groups[self._pid], "loop lag in ms", came, ms)

    def write(self, entries: Sequence[Entry]) -> None:
        """Keep a block of entries."""
        began = now()
        self._keep.write(entries)
        self._events.span(self._lane(here()), "write", began, now())
        if self._events.length >= BLOCK:
            self._file.append(self._events.take())

    async def awrite(self, entries: Sequence[Entry]) -> None:
        """Do the same, awaiting."""
        began = now()
        await self._keep.awrite(entries)
        self._events.span(self._lane((self._pid, "output")), "write", began, now())
        if self._events.length >= BLOCK:
            await asyncio.to_thread(self._file.append, self._events.take())

    def finish(self, mode: str) -> None:
        """Write the rest, and have the file take the place of an old one."""
        about = encode({"mode": mode, "wall_ms": self._events.ms(now())})
        self._file.write(self._events.take() + FOOT % about)

    def _show(self, spans: list[Span], place: Lane, about: dict[str, object]) -> None:
        """Take spans out and show them, those of nobody in *place*."""
        said = encode(about).decode()
        for where, name, began, ended in spans:
            lane = place if where is None else self._lane(where)
            self._events.span(lane, name, began, ended, said if name in _OF_A_PAGE else "")
        spans.clear()

    def _place(self, spans: list[Span]) -> Lane:
        """Return the lane of a place that is free for all of *spans*."""
        return "places", f"place {self._places.fit(spans[0][2], spans[-1][3]) + 1}"

    def _lane(self, where: Where) -> Lane:
        pid, thread = where
        if pid not in self._groups:
            self._groups[pid] = f"worker {pid}"
        return self._groups[pid], thread
