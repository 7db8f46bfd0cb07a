"""The open loop: requests are due by a timetable that waits for no answer."""

import ssl
import sys
from collections import deque
from collections.abc import Callable
from time import monotonic_ns

from crawler.system.alarm import Alarm, alarm
from crawler.traffic.arrivals import arrivals
from crawler.traffic.driving import AT_ONCE, Driver
from crawler.traffic.places import Place
from crawler.traffic.plan import Plan

__all__ = ["Schedule"]


class Schedule(Driver):
    """A request that is due and finds no free place waits, and leaves late."""

    def __init__(self, plan: Plan, may: Callable[[str], bool], tls: ssl.SSLContext | None):
        super().__init__(plan, may, tls)
        self._arrivals = arrivals(plan.options, plan.place, plan.of)
        self._waiting: deque[tuple[int, int]] = deque()
        self._next: int | None = None
        self._ticks: Alarm | None = None

    def _begin(self, start: int) -> None:
        self._origin = start
        self._last = sys.maxsize if self._ends is None else self._ends
        self._ticks = alarm(self._loop, self._tick)
        self._advance()
        self._tick()

    def _tick(self) -> None:
        """Send what is due, for a while: answers have to be taken, too."""
        for _ in range(AT_ONCE):
            if self._next is None or self._ticks is None:
                return
            now = monotonic_ns()
            if self._next > now:
                self._ticks.set(self._next)
                return
            self._due(self._next, now)
            self._advance()
        self._loop.call_soon(self._tick)

    def _due(self, due: int, now: int) -> None:
        self._scheduled(due)
        if due >= self._measured_from:
            self.tally.note_lag(now - due)
        if self._idle and now < self._last:
            self._start(self._idle.pop(), due, now, now)
        else:
            self._waiting.append((due, now))

    def _advance(self) -> None:
        """Have the next request due, if there is one."""
        self._next = self._following()
        self._end_behind_the_last()

    def _end_behind_the_last(self) -> None:
        """End the run if it is of so many requests, and the last of them has left."""
        requests = self.plan.options.requests
        if self._next is not None or self._waiting or requests is None or self._is_over:
            return
        # If fewer than its share were due, the end of the duration has cut off the others.
        if self._ends is None or self.scheduled >= requests // self.plan.of:
            self._close_window()

    def _following(self) -> int | None:
        offset = next(self._arrivals, None)
        return None if offset is None else self._origin + offset

    def _freed(self, place: Place, now: int) -> None:
        if self._waiting and not self._is_over and now < self._last:
            self._start(place, *self._waiting.popleft(), now)
            self._end_behind_the_last()
        else:
            self._rest(place)

    def _drop_waiting(self) -> int:
        """Forget what waits for a place, and what was due and not even noticed yet."""
        while self._next is not None and self._next < self.window_ended:
            self._scheduled(self._next)
            self._waiting.append((self._next, self._next))
            self._next = self._following()
        self._next = None
        unsent = sum(due >= self._measured_from for due, _ in self._waiting)
        self.warmup_unsent = len(self._waiting) - unsent
        self._waiting.clear()
        return unsent

    def _finish(self) -> None:
        super()._finish()
        if self._ticks is not None:
            self._ticks.close()
            self._ticks = None
