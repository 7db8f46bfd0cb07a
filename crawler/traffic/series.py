"""The time line of a run: what all processes did, slice by slice, in bounded memory."""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from crawler.core.histogram import greatest
from crawler.traffic.report import Slice
from crawler.traffic.tally import COARSE, Piece

__all__ = ["MOST", "Glance", "Series"]

#: Slices at most; then two neighbours become one.
MOST = 120
_MS = 1e6
_COUNTS = ("sent", "ok", "http_error", "network", "timeout")
_SECOND = 1_000_000_000


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """How a run stands: ``last`` is of the last second or slice, ``whole`` of all so far.

    ``whole.in_flight`` is the mean.  ``rates`` are answers/s, slice by slice, of the last minute.
    """

    last: Slice
    whole: Slice
    rates: tuple[float, ...]


class Series:
    """Adds the pieces of several processes up to slices of *length* nanoseconds since *start*.

    What began before, in the warm-up, is left out.  ``total`` is all of it.  ``length`` doubles
    when the slices become too many.  It may be read by a thread while another adds to it.
    """

    def __init__(self, start: int, length: int):
        self.start = start
        self.length = length
        self.total = Piece(start)
        self._slices: dict[int, Piece] = {}
        self._lock = threading.Lock()

    def add(self, piece: Piece) -> None:
        """Add what one process did in one piece."""
        number = round((piece.at - self.start) / self.length)
        if number < 0:
            if not piece.sent and not piece.ended:
                return
            number, piece = 0, msgspec.structs.replace(piece, busy=0.0)  # it reaches into the test
        with self._lock:
            while number >= MOST:
                self._halve()
                number //= 2
            _add(self._slot(number), piece)
            _add(self.total, piece)

    def slices(self) -> tuple[Slice, ...]:
        """Return the slices so far, in order."""
        with self._lock:
            return tuple(map(self._slice, self._ordered()))

    def glance(self) -> Glance | None:
        """Return how it stands, None before the first piece has come."""
        with self._lock:
            pieces = self._ordered()
            if not pieces:
                return None
            latest = pieces[-max(1, _SECOND // self.length) :]
            last = Piece(latest[0].at)
            for piece in latest:
                _add(last, piece)
            return Glance(
                last=self._slice(last),
                whole=self._slice(self.total),
                rates=tuple(map(_rate, pieces[-max(1, 60 * _SECOND // self.length) :])),
            )

    def _ordered(self) -> list[Piece]:
        return [self._slices[number] for number in sorted(self._slices)]

    def _slot(self, number: int) -> Piece:
        return self._slices.setdefault(number, Piece(self.start + number * self.length))

    def _halve(self) -> None:
        old, self._slices = self._slices, {}
        self.length *= 2
        for number in sorted(old):
            _add(self._slot(number // 2), old[number])

    def _slice(self, piece: Piece) -> Slice:
        p50, p99 = _quantiles_ms(piece, (0.5, 0.99))
        return Slice(
            at_s=(piece.at - self.start) / 1e9,
            seconds=_seconds(piece),
            **{name: getattr(piece, name) for name in _COUNTS},
            in_flight=piece.busy / max(piece.length, 1),
            p50_ms=p50,
            p99_ms=p99,
            max_ms=piece.most / _MS if piece.response else None,
            lag_ms=piece.lag / _MS,
        )


def _seconds(piece: Piece) -> float:
    return max(piece.length, 1) / 1e9


def _rate(piece: Piece) -> float:
    return (piece.ok + piece.http_error) / _seconds(piece)


def _quantiles_ms(piece: Piece, shares: Sequence[float]) -> list[float | None]:
    """Return quantiles of a piece's response times in milliseconds; None when there are none."""
    counts = piece.response
    if not counts:
        return [None for _ in shares]
    buckets = sorted(counts)
    reached = list(accumulate(map(counts.__getitem__, buckets)))
    ranks = [max(1, share * reached[-1]) for share in shares]
    tops = [_top(buckets[bisect_left(reached, rank)]) for rank in ranks]
    return [min(top, piece.most) / _MS for top in tops]


def _top(bucket: int) -> int:
    """Return the greatest value that is counted in a coarse bucket."""
    return greatest((bucket + 1 << COARSE) - 1)


def _add(into: Piece, piece: Piece) -> None:
    for name in (*_COUNTS, "bytes", "busy"):
        setattr(into, name, getattr(into, name) + getattr(piece, name))
    into.lag = max(into.lag, piece.lag)
    into.most = max(into.most, piece.most)
    into.length = max(into.length, piece.at + piece.length - into.at)
    for bucket, count in piece.response.items():
        into.response[bucket] = into.response.get(bucket, 0) + count
