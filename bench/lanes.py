"""Read what `crawl --trace` wrote back into lanes, and tell what overlaps, nests and is idle."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

__all__ = ["Lane", "Span", "crossing", "length", "most_at_once", "outermost", "read"]


class Span(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What was done from when to when, in nanoseconds."""

    began: int
    ended: int
    name: str

    @property
    def duration(self) -> int:
        """How long it took."""
        return self.ended - self.began


class Lane(msgspec.Struct, kw_only=True, frozen=True):
    """The spans of one thread, or of one place, in a group of them; in order of their beginning."""

    group: str
    name: str
    spans: list[Span]


def read(path: Path) -> tuple[list[Lane], int]:
    """Return the lanes in a file of `--trace`, and the nanoseconds of the whole crawl."""
    trace = json.loads(path.read_bytes())
    groups: dict[int, str] = {}
    names: dict[int, tuple[int, str]] = {}
    spans: dict[int, list[Span]] = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "X":
            began = _ns(event["ts"])
            spans[event["tid"]].append(Span(began, began + _ns(event["dur"]), event["name"]))
        elif event["name"] == "process_name":
            groups[event["pid"]] = event["args"]["name"]
        elif event["name"] == "thread_name":
            names[event["tid"]] = event["pid"], event["args"]["name"]
    lanes = [
        Lane(group=groups[pid], name=name, spans=_in_order(spans[tid]))
        for tid, (pid, name) in names.items()
    ]
    return lanes, round(trace["otherData"]["wall_ms"] * 1e6)


def crossing(spans: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Return the pairs of which one begins within the other and ends after it: a lane has none."""
    found, held_by = [], list[Span]()
    for span in _in_order(spans):
        while held_by and held_by[-1].ended <= span.began:
            held_by.pop()
        if held_by and span.ended > held_by[-1].ended:
            found.append((held_by[-1], span))
        held_by.append(span)
    return found


def outermost(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans that are within no other, in order."""
    ended = -1
    for span in _in_order(spans):
        if span.began >= ended:
            ended = span.ended
            yield span


def length(spans: Iterable[Span]) -> int:
    """Return the nanoseconds in which at least one of *spans* went on."""
    total, ended = 0, 0
    for span in _in_order(spans):
        total += max(0, span.ended - max(span.began, ended))
        ended = max(ended, span.ended)
    return total


def most_at_once(spans: Iterable[Span]) -> int:
    """Return how many of *spans* went on at the same time at most."""
    changes = sorted(change for span in spans for change in ((span.began, 1), (span.ended, -1)))
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _in_order(spans: Iterable[Span]) -> list[Span]:
    """Return spans by their beginning, those that hold others first."""
    return sorted(spans, key=lambda span: (span.began, -span.ended))


def _ns(microseconds: float) -> int:
    return round(microseconds * 1000)
