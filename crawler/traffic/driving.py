"""Send requests and take their answers on one loop; closed and open loops differ in when."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic_ns

from crawler.core.errors import WorkerError
from crawler.system.alarm import alarm
from crawler.traffic.arrivals import instant
from crawler.traffic.places import Place, connected, occupied, since
from crawler.traffic.plan import Plan
from crawler.traffic.pulse import Pulse
from crawler.traffic.tally import REASONS, Note, Piece, Tally
from crawler.traffic.targets import choices
from crawler.wire.bare import BareConnection

__all__ = ["SECOND", "Driver"]

#: Notes that are counted at once: what counting touches is then in the processor's caches.
AT_ONCE = 128
#: Connections opened at once before the start: below what a listener lines up.
TOGETHER = 200
#: Nanoseconds.
SECOND = 1_000_000_000
#: Before a time-out is looked for again.
_SOON = 1_000_000


class Driver:
    """The load of one process, and its books: the *tally*, and what is not in there yet.

    *may* says whether an address may be connected to.  ``open_all``, then ``drive`` once.  What
    would leave at the end or later does not; what is in flight then is waited for.
    """

    def __init__(self, plan: Plan, may: Callable[[str], bool], tls: ssl.SSLContext | None):
        self.plan = plan
        self.scheduled = self.warmup_scheduled = 0
        self.unsent = self.warmup_unsent = self.in_flight_at_end = self.opened = 0
        self.in_flight_mean = self.in_flight_by_times = 0.0
        self.timer = "none"
        self.window_ended = 0
        self.first_heads: list[bytes] = []
        self.tally = Tally(0, 0, 0, 0)
        self._may, self._tls = may, tls
        self._places = [Place(len(plan.aims)) for _ in range(plan.connections)]
        self._idle = deque(self._places)
        self._notes: list[Note] = []
        self._choices = _choices(plan)
        self._timeout = round(plan.options.timeout * SECOND)
        self._expiry: asyncio.TimerHandle | None = None
        self._share = plan.options.new_connections if plan.options.keepalive else 1.0
        self._new_share = 0.0
        self._has_begun = self._is_over = False
        self._was_in_flight = 0

    def _begin(self, start: int) -> None:
        """Have the first request leave at *start*, which is now."""
        raise NotImplementedError

    def _freed(self, place: Place, now: int) -> None:
        """Start the next request from *place*, or let it rest."""
        raise NotImplementedError

    def _drop_waiting(self) -> int:
        """Forget the requests that wait for a place, and return how many were to be measured."""
        raise NotImplementedError

    async def open_all(self) -> None:
        """Open every connection before the start; one that fails is tried again when needed."""
        self._loop = asyncio.get_running_loop()
        self._done = self._loop.create_future()
        if self.plan.options.keepalive:
            wanted = [(place, n) for place in self._places for n in range(len(self.plan.aims))]
            for first in range(0, len(wanted), TOGETHER):
                some = wanted[first : first + TOGETHER]
                await asyncio.gather(*(self._connect(place, origin) for place, origin in some))

    async def drive(self, start: int, length: int, on_piece: Callable[[Piece], object]) -> None:
        """Run from *start* (monotonic nanoseconds) to the last answer; raises WorkerError.

        *on_piece* is called with what ended in each piece of *length*.
        """
        options = self.plan.options
        measured_from = start + instant(options.warmup)
        seconds = options.seconds
        self._measured_from = measured_from
        self._ends = None if seconds is None else start + instant(options.warmup + seconds)
        self.tally = Tally(start, measured_from, len(self.plan.requests), len(self._places))
        self._pulse = Pulse(start, length, measured_from)
        self._on_piece = on_piece
        self._start_at: int | None = start
        self._beat = alarm(self._loop, self._on_beat)
        self.timer = self._beat.kind
        self._beat.set(start)
        self._has_begun = True
        if self._is_over:  # it was stopped before
            self._close_window()
        try:
            await self._done
        finally:
            self._finish()

    def stop(self, *, at_once: bool = False) -> None:
        """Let nothing more leave; *at_once*: nor wait for what is in flight."""
        if not self._has_begun:
            self._is_over = True
            return
        if not self._is_over:
            self._close_window()
        if at_once:
            self._end()

    @property
    def in_flight(self) -> int:
        """How many requests are in flight."""
        return len(self._places) - len(self._idle)

    # What connections tell.

    def answered(self, connection: BareConnection) -> None:
        """Note an answer, and use the place for what comes next."""
        now, place, notes = monotonic_ns(), connection.place, self._notes
        notes.append(
            (connection.status, place.due, place.noticed, place.sent, now,
             connection.received, place.target)
        )  # fmt: skip
        if not connection.is_reusable:
            if len(self.first_heads) < len(self._places):
                self.first_heads.append(connection.first_head)
            place.forget(connection)
        self._freed(place, now)
        if len(notes) >= AT_ONCE:
            self._fold()

    def failed(self, connection: BareConnection, reason: str) -> None:
        """Note that no answer came."""
        connection.place.forget(connection)
        self._fail(connection.place, reason, connection.received)

    def lost(self, connection: BareConnection) -> None:
        """Forget an idle connection."""
        connection.place.forget(connection)

    # How a request leaves.

    def _start(self, place: Place, due: int, noticed: int, now: int) -> None:
        """Send a request from *place*, over a new connection where there is none."""
        place.due, place.noticed, place.started = due, noticed, now
        if self._choices is not None:
            place.target = next(self._choices)
        target, plan = place.target, self.plan
        connection = place.connections[plan.aim_of[target]]
        if self._share and connection is not None and self._new_share_is_due():
            place.forget(connection)
            connection = None
        if connection is None:
            place.sent = 0
            place.opening = self._loop.create_task(self._connect(place, plan.aim_of[target]))
        else:
            place.sent = now
            connection.ask(plan.requests[target], plan.bodiless[target])
        if self._expiry is None:
            self._expiry = self._loop.call_later(self._timeout / SECOND, self._expire)

    async def _connect(self, place: Place, origin: int) -> None:
        """Open a connection for a place, and send the request that waits for it."""
        try:
            made = await connected(self, place, self.plan.aims[origin], self._tls, self._may)
        except WorkerError as error:
            if not self._done.done():
                self._done.set_exception(error)
            return
        place.opening = None
        if isinstance(made, str):
            if place.started:
                self._fail(place, made, 0)
            return
        connection, took = made
        self.opened += 1
        place.connections[origin] = connection
        if place.started:
            place.sent = monotonic_ns()
            if place.due >= self._measured_from:
                self.tally.note_connected(took, place.sent - place.started)
            target = place.target
            connection.ask(self.plan.requests[target], self.plan.bodiless[target])

    def _new_share_is_due(self) -> bool:
        """Say whether this request is one of the share that gets a new connection."""
        self._new_share += self._share
        if self._new_share < 1:
            return False
        self._new_share -= 1
        return True

    def _fail(self, place: Place, reason: str, received: int) -> None:
        now = monotonic_ns()
        self._notes.append(
            (REASONS.index(reason), place.due, place.noticed, place.sent, now,
             received, place.target)
        )  # fmt: skip
        self._freed(place, now)
        if len(self._notes) >= AT_ONCE:
            self._fold()

    def _rest(self, place: Place) -> None:
        """Let a place be free; the last one to be so ends a run that is over."""
        place.started = 0
        self._idle.append(place)
        if self._is_over and not self.in_flight:
            self._end()

    def _scheduled(self, due: int) -> None:
        """Count a request that is due."""
        if due >= self._measured_from:
            self.scheduled += 1
        else:
            self.warmup_scheduled += 1

    # What time brings.

    def _expire(self) -> None:
        """Give up what has taken too long, and look again when the next one may have."""
        now = monotonic_ns()
        for place in self._places:  # what this starts sets no clock: that is done below, for all
            if place.started and now - place.started >= self._timeout:
                received = place.give_up()
                self._fail(place, "timeout", received)
        oldest = min((place.started for place in self._places if place.started), default=None)
        self._expiry = None
        if oldest is not None:
            left = max(oldest + self._timeout - now, _SOON)
            self._expiry = self._loop.call_later(left / SECOND, self._expire)

    def _on_beat(self) -> None:
        now, pulse = monotonic_ns(), self._pulse
        if self._start_at is not None:
            start, self._start_at = self._start_at, None
            self._begin(start)
        if pulse.is_measured and not self.plan.options.is_open and not self._is_over:
            self.tally.note_lag(now - pulse.due)
        pulse.beat(self.in_flight, self._ends)
        if self._ends is not None and now >= self._ends and not self._is_over:
            self._close_window()
        if pulse.is_piece_over(now):
            self._cut(now)
        self._beat.set(pulse.due)

    def _close_window(self) -> None:
        """Let nothing more leave; the end comes when nothing is in flight."""
        self._is_over = True
        self._fold()
        self.tally.close_window()
        self.window_ended = monotonic_ns()
        self.in_flight_mean = self._pulse.mean()
        spent = self.tally.spent() + occupied(self._places, self._measured_from, self.window_ended)
        self.in_flight_by_times = spent / max(self.window_ended - self._measured_from, 1)
        self.unsent = self._drop_waiting()
        if not self.in_flight:
            self._end()

    def _end(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _fold(self) -> None:
        notes, self._notes = self._notes, []
        self.tally.fold(notes)

    def _cut(self, now: int) -> None:
        self._fold()
        piece = self.tally.cut(now, self._pulse.piece_mean())
        in_flight = since(self._places, self._measured_from)
        piece.sent = piece.ended + in_flight - self._was_in_flight
        self._was_in_flight = in_flight
        self._on_piece(piece)

    def _finish(self) -> None:
        """Close what is open, and count what is in flight still."""
        self._beat.close()
        if self._expiry is not None:
            self._expiry.cancel()
        self._cut(monotonic_ns())
        self.in_flight_at_end = self._was_in_flight
        for place in self._places:
            self.first_heads += [one.first_head for one in place.connections if one]
            place.give_up()


def _choices(plan: Plan) -> Iterator[int] | None:
    """Return whom each request goes to, None if there is nothing to choose."""
    if len(plan.targets) == 1:
        return None
    return choices(plan.targets, plan.options.seed, plan.place, plan.of)
