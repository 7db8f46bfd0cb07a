"""Spans as events of Chrome's trace format, which Perfetto opens."""

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["FOOT", "HEAD", "Events", "Lane", "Page"]

HEAD = b'{"displayTimeUnit":"ms","traceEvents":[\n'
FOOT = b'\n],"otherData":%b}\n'

#: A process and a thread, as they are numbered in the file.
Lane = tuple[int, int]


class Page(msgspec.Struct, frozen=True, gc=False):
    """What is said of a page where something was done about it."""

    url: str
    outcome: str | UnsetType = UNSET
    attempt: int | UnsetType = UNSET


class _Span(msgspec.Struct, frozen=True, gc=False, tag="X", tag_field="ph"):
    pid: int
    tid: int
    name: str
    ts: float
    dur: float
    args: Page | UnsetType = UNSET


class _Count(msgspec.Struct, frozen=True, gc=False, tag="C", tag_field="ph"):
    pid: int
    name: str
    ts: float
    args: dict[str, float]


class _Name(msgspec.Struct, frozen=True, gc=False, tag="M", tag_field="ph"):
    pid: int
    tid: int
    name: str
    args: dict[str, str]


class Events:
    """Lines of the JSON array of "Trace Event Format" (Google, 2016), to be taken in blocks.

    Times are monotonic seconds, and microseconds since *zero* in the lines; both ends of a span
    are cut to nanoseconds, so that what nests still does.  Their text is made in one go: made
    by Python, one event after the other, it cost four times as much.
    """

    def __init__(self, zero: float):
        self._zero = zero
        self._events: list[_Span | _Count | _Name] = []
        self._is_first = True
        self._groups: dict[str, int] = {}
        self._lanes = 0
        self._encode_lines = msgspec.json.Encoder().encode_lines

    def __len__(self) -> int:
        return len(self._events)

    def group(self, name: str) -> int:
        """Return the number of a group of lanes, which is named when it is first met."""
        if name not in self._groups:
            self._groups[name] = len(self._groups) + 1
            self._events.append(_Name(self._groups[name], 0, "process_name", {"name": name}))
        return self._groups[name]

    def lane(self, group: str, name: str) -> Lane:
        """Return a new lane in a group."""
        self._lanes += 1
        lane = self.group(group), self._lanes
        self._events.append(_Name(*lane, "thread_name", {"name": name}))
        return lane

    def span(
        self, lane: Lane, name: str, began: float, ended: float, page: Page | UnsetType = UNSET
    ) -> None:
        """Add what was done in a lane from when to when, and about which page."""
        zero = self._zero
        first, last = int((began - zero) * 1e9), int((ended - zero) * 1e9)
        pid, tid = lane
        self._events.append(_Span(pid, tid, name, first / 1000, (last - first) / 1000, page))

    def count(self, group: int, name: str, at: float, value: float) -> None:
        """Add what a counter of a group showed."""
        self._events.append(_Count(group, name, int((at - self._zero) * 1e9) / 1000, {name: value}))

    def take(self) -> bytes:
        """Return the lines since the last time, with the commas between them."""
        lines = self._encode_lines(self._events)[:-1].replace(b"}\n{", b"},\n{")
        before = b"" if self._is_first or not lines else b",\n"
        self._is_first = self._is_first and not lines
        self._events = []
        return before + lines
