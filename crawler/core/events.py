"""Spans as events of Chrome's trace format, which Perfetto opens."""

import msgspec

__all__ = ["FOOT", "HEAD", "Events"]

HEAD = b'{"displayTimeUnit":"ms","traceEvents":[\n'
FOOT = b'\n],"otherData":%b}\n'


class Events:
    """Lines of the JSON array of "Trace Event Format" (Google, 2016), to be taken in blocks.

    A lane is a thread of a process there, and is named when it is first met.  Times are
    monotonic seconds, and microseconds since *zero* in the lines; both ends are rounded to
    nanoseconds, so that what nests still does.
    """

    def __init__(self, zero: float):
        self._zero = zero
        self._lines: list[str] = []
        self._taken = 0
        self._groups: dict[str, int] = {}
        self._lanes: dict[tuple[str, str], str] = {}
        self.length = 0

    def span(
        self, lane: tuple[str, str], name: str, began: float, ended: float, said: str = ""
    ) -> None:
        """Add what was done in a *lane*, its group and its own name; *said* is JSON about it."""
        first, last = self._ns(began), self._ns(ended)
        about = said and f',"args":{said}'
        self._add(
            f'{{"ph":"X",{self._lanes.get(lane) or self._met(lane)},"name":"{name}",'
            f'"ts":{first / 1000:.3f},"dur":{(last - first) / 1000:.3f}{about}}}'
        )

    def count(self, group: str, name: str, at: float, value: float) -> None:
        """Add what a counter of a *group* showed."""
        self._add(
            f'{{"ph":"C","pid":{self._group(group)},"name":"{name}",'
            f'"ts":{self._ns(at) / 1000:.3f},"args":{{"{name}":{value:.3f}}}}}'
        )

    def take(self) -> bytes:
        """Return the lines since the last time, with the commas between them."""
        before = ",\n" if self._taken and self._lines else ""
        block = before + ",\n".join(self._lines)
        self._taken += len(self._lines)
        self._lines, self.length = [], 0
        return block.encode()

    def ms(self, at: float) -> float:
        """Return the milliseconds from zero to a time."""
        return self._ns(at) / 1e6

    def _ns(self, at: float) -> int:
        return max(0, round((at - self._zero) * 1e9))

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self.length += len(line)

    def _met(self, lane: tuple[str, str]) -> str:
        group, name = lane
        place = f'"pid":{self._group(group)},"tid":{len(self._lanes) + 1}'
        self._lanes[lane] = place
        self._name("thread_name", place, name)
        return place

    def _group(self, group: str) -> int:
        if group not in self._groups:
            self._groups[group] = len(self._groups) + 1
            self._name("process_name", f'"pid":{self._groups[group]},"tid":0', group)
        return self._groups[group]

    def _name(self, kind: str, place: str, name: str) -> None:
        said = msgspec.json.encode({"name": name}).decode()
        self._add(f'{{"ph":"M",{place},"name":"{kind}","args":{said}}}')
