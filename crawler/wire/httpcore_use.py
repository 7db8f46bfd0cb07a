"""Whose request httpcore's connections serve: its network backends are not told it otherwise."""

from collections.abc import Callable
from contextvars import ContextVar

import httpcore

from crawler.system.clock import now
from crawler.wire.http1 import MAX_HEAD
from crawler.wire.visit import Visit

__all__ = ["USE", "Use", "seconds_left"]


class Use:
    """One request on its way through httpcore; ``begun`` once the head of its answer is there.

    ``at_proxy`` tells whether it is the proxy that is being connected to; ``spoil`` sees to it
    that no other request follows on this one's connection.  httpcore caps a head at 100 kB, but
    not how many interim answers (1xx) come before it.
    """

    __slots__ = ("_head", "at_proxy", "begun", "spoil", "visit")

    def __init__(self, visit: Visit):
        self.visit = visit
        self.begun = False
        self.at_proxy = False
        self.spoil: Callable[[], object] = lambda: None  # there is no connection yet
        self._head = 0

    def receive(self, size: int) -> None:
        """Count bytes that came; raises httpcore.RemoteProtocolError for an endless head."""
        self.visit.received = self.visit.received or size > 0
        self._head += size
        if self._head > MAX_HEAD and not self.begun:
            raise httpcore.RemoteProtocolError

    def through(self) -> None:
        """Begin anew: what came so far was the proxy's answer, not that of the host."""
        self.visit.received = False
        self._head = 0


#: The use of the calling thread or task.
USE: ContextVar[Use] = ContextVar("USE")


def seconds_left(ends: float) -> float:
    """Return what is left of the time, which is never quite nothing."""
    return max(0.001, ends - now())
