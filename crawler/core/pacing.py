"""When a host may be asked again: polite to public ones, full speed at home."""

from collections import deque

from crawler.core.pages import Target

__all__ = ["PUBLIC_GAP", "PUBLIC_IN_FLIGHT", "Host", "Pace"]

#: Requests in flight to one public host, and seconds between two of them.  Browsers open
#: six connections a host (RFC 9112 section 9.4 names no number); a crawler should take less.
PUBLIC_IN_FLIGHT = 4
PUBLIC_GAP = 0.25


class Pace:
    """The rules for one kind of host: at most *in_flight* at once, *gap* seconds between."""

    def __init__(self, in_flight: float, gap: float):
        self.in_flight = in_flight
        self.gap = gap


POLITE = Pace(PUBLIC_IN_FLIGHT, PUBLIC_GAP)
FREE = Pace(float("inf"), 0.0)


class Host:
    """What waits for one host, what is in flight to it, and when it may be asked again."""

    __slots__ = ("asked_at", "in_flight", "name", "pace", "queued", "waiting")

    def __init__(self, name: str, *, home: bool):
        self.name = name
        self.pace = FREE if home else POLITE
        self.waiting: deque[Target] = deque()
        self.in_flight = 0
        self.asked_at = float("-inf")
        self.queued = False

    def learn(self, *, home: bool) -> None:
        """Take the peer's address for the truth about where this host is."""
        self.pace = FREE if home else POLITE

    @property
    def next_at(self) -> float:
        """When it may be asked again, in monotonic seconds."""
        return self.asked_at + self.pace.gap

    def has_room(self) -> bool:
        """Say whether one more request may be in flight."""
        return self.in_flight < self.pace.in_flight

    def give(self, now: float) -> Target:
        """Hand out the next target at time *now*."""
        self.in_flight += 1
        self.asked_at = now
        return self.waiting.popleft()

    def is_idle(self, now: float) -> bool:
        """Say whether nothing is known of this host that matters later."""
        return not self.waiting and not self.in_flight and self.next_at <= now
