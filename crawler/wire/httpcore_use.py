"""Whose request httpcore's connections serve: its network backends are not told it otherwise."""

from contextvars import ContextVar

import httpcore

from crawler.wire.http1 import MAX_HEAD
from crawler.wire.visit import Visit

__all__ = ["USE", "Use"]


class Use:
    """One request on its way through httpcore; ``begun`` once the head of its answer is there.

    httpcore caps a head at 100 kB, but not how many interim answers (1xx) come before it.
    """

    __slots__ = ("_head", "begun", "visit")

    def __init__(self, visit: Visit):
        self.visit = visit
        self.begun = False
        self._head = 0

    def receive(self, size: int) -> None:
        """Count bytes that came; raises httpcore.RemoteProtocolError for an endless head."""
        self.visit.received = self.visit.received or size > 0
        self._head += size
        if self._head > MAX_HEAD and not self.begun:
            raise httpcore.RemoteProtocolError


#: The use of the calling thread or task.
USE: ContextVar[Use] = ContextVar("USE")
