"""The closed loop: so many virtual users, each of whom asks again when it was answered."""

from crawler.traffic.driving import Driver
from crawler.traffic.places import Place
from crawler.traffic.plan import share

__all__ = ["Users"]


class Users(Driver):
    """Each place is a user; a request is due when its user was answered, and leaves at once."""

    def _begin(self, start: int) -> None:
        plan = self.plan
        requests = plan.options.requests
        self._quota = None if requests is None else share(requests, plan.place, plan.of)
        places = list(self._idle)
        self._idle.clear()
        for place in places:
            self._freed(place, start)

    def _freed(self, place: Place, now: int) -> None:
        if self._is_over or (self._ends is not None and now >= self._ends):
            self._rest(place)
            return
        if self._quota is not None and now >= self._measured_from:
            if not self._quota:
                self._rest(place)
                if not self.in_flight:
                    self._close_window()
                return
            self._quota -= 1
        self._scheduled(now)
        self._start(place, now, now, now)

    def _drop_waiting(self) -> int:
        return 0
