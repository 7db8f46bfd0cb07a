"""What came of the requests of one process: notes, counted by the hundred; no clock in here."""

from collections import Counter
from operator import sub

import msgspec

from crawler.core.histogram import Histogram

__all__ = ["COARSE", "NAMED", "OUTCOMES", "REASONS", "Note", "Piece", "Tally"]

#: A request and what came of it: a status, or the number of a reason; when it was due, noticed,
#: written (0: never), and answered or given up; the bytes received; the number of its target.
Note = tuple[int, int, int, int, int, int, int]

#: Why there was no answer: their numbers stand where a status would, which is 100 at least.
REASONS = ("timeout", "refused", "reset", "truncated", "protocol", "tls", "address", "no-port")
#: How a request can end.
OUTCOMES = ("ok", "http-error", "network", "timeout")
#: Targets at most that have figures of their own: each costs a histogram.
NAMED = 20
#: Pieces know times to 0.8 %, not 0.1 %: a run has hundreds of them, of some hundred buckets each.
COARSE = 3
#: Answers at least that say how long the service took at first.
EARLY = 20

_OK = range(100, 400)


class Piece(msgspec.Struct):
    """What ended since the piece before; times are nanoseconds.

    ``busy`` is the time that requests were in flight, added up over them.  ``response`` counts
    the response times of ok answers and timeouts, by the histogram's bucket over 2**COARSE, and
    ``most`` is the longest; ``lag`` is the greatest.
    """

    at: int
    length: int = 0
    sent: int = 0
    ok: int = 0
    http_error: int = 0
    network: int = 0
    timeout: int = 0
    busy: float = 0.0
    lag: int = 0
    bytes: int = 0
    most: int = 0
    response: Counter[int] = msgspec.field(default_factory=Counter)

    @property
    def ended(self) -> int:
        """How many requests ended."""
        return self.ok + self.http_error + self.network + self.timeout


class Tally:
    """Counts of what has ended and was due at *measured_from* or later; times are nanoseconds.

    What was due before is in ``warmup`` only.  ``unwritten`` are those that no connection was
    had for.  ``in_window`` and ``bytes_in_window`` are the answers until `close_window`.
    ``early`` are the service times of the first answers, the warm-up's too, so many as there
    are *places*: nothing waited for a place before them.
    """

    def __init__(self, began: int, measured_from: int, targets: int, places: int):
        self.measured_from = measured_from
        self.warmup = self.unwritten = 0
        self.in_window = self.bytes_in_window = 0
        self.statuses: Counter[int] = Counter()
        self.bytes = 0
        self.last = measured_from
        self._response = Histogram()
        self._service = Histogram()
        self._both = Histogram()  # of requests whose response time is their service time
        self.lag = Histogram()
        self.wait = Histogram()
        self.connect = Histogram()
        self.failed = {name: Histogram() for name in OUTCOMES[1:]}
        self.by_target = [Histogram() for _ in range(targets if 1 < targets <= NAMED else 0)]
        self.target_failures: Counter[int] = Counter()
        self.target_timeouts: Counter[int] = Counter()
        self._beside = 0  # nanoseconds in flight of what is not in ``service``
        self.early: list[int] = []
        self._early_wanted = max(places, EARLY)
        self._piece = Piece(began)

    @property
    def ended(self) -> int:
        """How many requests have ended, well or not."""
        return self.statuses.total()

    def fold(self, notes: list[Note]) -> None:
        """Count *notes*, which lie in order of their ends."""
        if len(self.early) < self._early_wanted:
            wanted = self._early_wanted - len(self.early)
            self.early += [note[4] - note[3] for note in notes if note[0] in _OK][:wanted]
        if not notes:
            return
        columns = tuple(zip(*notes, strict=True))
        if min(columns[1]) < self.measured_from:
            notes = self._without_warmup(notes)
            if not notes:
                return
            columns = tuple(zip(*notes, strict=True))
        statuses, sizes = columns[0], columns[5]
        self.statuses.update(statuses)
        self.bytes += sum(sizes)
        self._piece.bytes += sum(sizes)
        self.last = notes[-1][4]
        if not (min(statuses) >= 100 and max(statuses) < 400):
            good = [note for note in notes if note[0] in _OK]
            good += self._fold_failures([note for note in notes if note[0] not in _OK])
            columns = tuple(zip(*good, strict=True))
        if columns:
            self._fold_times(columns)

    def _without_warmup(self, notes: list[Note]) -> list[Note]:
        """Return those that were due behind the warm-up; of the others their time there counts."""
        kept = [note for note in notes if note[1] >= self.measured_from]
        self.warmup += len(notes) - len(kept)
        self._beside += sum(
            max(0, note[4] - self.measured_from) for note in notes if note[1] < self.measured_from
        )
        return kept

    @property
    def response(self) -> Histogram:
        """The response times: of ok answers, and of timeouts until they were given up."""
        return _sum(self._both, self._response)

    @property
    def service(self) -> Histogram:
        """The service times of the same."""
        return _sum(self._both, self._service)

    def spent(self) -> int:
        """Return the nanoseconds in flight, since then, of all that has ended, added up."""
        return self._both.total + self._service.total + self._beside

    @staticmethod
    def outcome(status: int) -> str:
        """Return the name of what a status or the number of a reason stands for."""
        if status in _OK:
            return "ok"
        return "http-error" if status >= 100 else "network" if status else "timeout"

    def merge(self, other: "Tally") -> "Tally":
        """Add what *other* counted, and return this one."""
        for name in ("warmup", "unwritten", "in_window", "bytes_in_window", "bytes", "_beside"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.statuses += other.statuses
        self.target_failures += other.target_failures
        self.target_timeouts += other.target_timeouts
        self.last = max(self.last, other.last)
        self.early += other.early
        for mine, its in zip(self._histograms(), other._histograms(), strict=True):  # noqa: SLF001 (one of us)
            mine.merge(its)
        return self

    def _histograms(self) -> list[Histogram]:
        named = [self._both, self._response, self._service, self.lag, self.wait, self.connect]
        return [*named, *self.failed.values(), *self.by_target]

    def note_connected(self, took: int, held: int) -> None:
        """Count the nanoseconds that a connection took, and that it held its request back."""
        self.connect.record(took)
        self._beside += held

    def note_lag(self, lag: int) -> None:
        """Count how late something was noticed that was due at a time."""
        self.lag.record(lag)
        self._piece.lag = max(self._piece.lag, lag)

    def close_window(self) -> None:
        """End the time that rates are over; answers that come later are counted all the same."""
        self.in_window = sum(n for status, n in self.statuses.items() if status >= 100)
        self.bytes_in_window = self.bytes

    def cut(self, now: int, in_flight: float) -> Piece:
        """Return the piece that ends *now*, *in_flight* on average, and begin the next."""
        piece, self._piece = self._piece, Piece(now)
        piece.length = max(0, now - piece.at)
        piece.busy = in_flight * piece.length
        return piece

    def _fold_times(self, columns: tuple[tuple[int, ...], ...]) -> None:
        """Count the times in *columns* of notes: that costs half of what line by line does."""
        piece = self._piece
        _, due, noticed, sent, ended, _, targets = columns
        responses = list(map(sub, ended, due))
        if sent == due:  # a closed loop: nothing waited, and both times are the same
            buckets = self._both.record_all(responses)
            self.wait.record_zeros(len(responses))
        else:
            buckets = self._response.record_all(responses)
            self._service.record_all(list(map(sub, ended, sent)))
            self.wait.record_all(list(map(sub, sent, noticed)))
        piece.response.update([bucket >> COARSE for bucket in buckets])
        piece.most = max(piece.most, *responses)
        piece.ok += len(responses)
        if self.by_target:
            for target, response in zip(targets, responses, strict=True):
                self.by_target[target].record(response)

    def _fold_failures(self, notes: list[Note]) -> list[Note]:
        """Count what did not go well; return the timeouts, whose times count with the good ones."""
        timeouts: list[Note] = []
        for note in notes:
            status, due, noticed, sent, ended, size, target = note
            self.target_failures[target] += 1
            self.unwritten += not sent
            self.failed[self.outcome(status)].record(ended - due)
            if status >= 100:
                self._piece.http_error += 1
            elif status:
                self._piece.network += 1
            else:
                self.target_timeouts[target] += 1
                self._piece.timeout += 1
                self._piece.ok -= 1  # where those are counted whose times are
                timeouts.append((status, due, noticed, sent or noticed, ended, size, target))
                continue
            self._beside += ended - (sent or noticed)
        return timeouts


def _sum(one: Histogram, other: Histogram) -> Histogram:
    whole = Histogram()
    whole.merge(one)
    whole.merge(other)
    return whole
