"""What one visit may do on the network, and what it has cost so far."""

from contextvars import ContextVar

import httpcore

from crawler.core.guard import Guard
from crawler.system.clock import now

__all__ = ["VISIT", "RefusedAddressError", "Visit"]


#: Bytes before an answer's head is complete.  httpcore caps a head at 100 kB, but not how many
#: interim answers (1xx) come before it.
MAX_HEAD = 262_144


class RefusedAddressError(Exception):
    """The guard said no to an address; ``address`` is the first one refused."""

    def __init__(self, address: str):
        super().__init__(address)
        self.address = address


class Visit:
    """One attempt at one URL, redirects included; times in monotonic seconds.

    ``typed`` and ``referrer_home`` are what the guard asks about the address of this hop.
    ``home`` tells where the peer of this hop was, ``first_home`` that of the first.
    ``connect_s`` sums up name look-up, connecting and TLS.  Of this hop, ``fresh`` tells
    whether it made its connection, ``received`` whether a byte came, ``begun`` whether the
    head of the answer is complete.
    """

    def __init__(self, guard: Guard, deadline: float, *, typed: bool, referrer_home: bool | None):
        self.guard = guard
        self.deadline = deadline
        self.typed = typed
        self.referrer_home = referrer_home
        self.home: bool | None = None
        self.first_home: bool | None = None
        self.connect_s: float | None = None
        self._hops = 0
        self._start_hop()

    def _start_hop(self) -> None:
        self.fresh = False
        self.received = False
        self.begun = False
        self._head = 0

    def check(self, address: str) -> None:
        """Raise RefusedAddressError unless *address* may be reached."""
        if not self.may(address):
            raise RefusedAddressError(address)
        self.home = self.guard.is_home(address)
        if not self._hops:
            self.first_home = self.home

    def may(self, address: str) -> bool:
        """Ask the guard."""
        return self.guard.may(typed=self.typed, referrer_home=self.referrer_home, address=address)

    def redirected(self) -> None:
        """Begin the next hop: it was not typed, and this hop's peer is its referrer."""
        self._hops += 1
        self.typed = False
        self.referrer_home = self.home
        self._start_hop()

    def resent(self) -> None:
        """Begin this hop anew."""
        self._start_hop()

    def left(self, timeout: float | None) -> float:
        """Return how long the next wait may take: *timeout*, or what is left if that is less."""
        left = max(0.0, self.deadline - now())
        return left if timeout is None else min(timeout, left)

    def connected(self, seconds: float) -> None:
        """Add the time that one step of connecting took."""
        self.fresh = True
        self.connect_s = (self.connect_s or 0.0) + seconds

    def receive(self, size: int) -> None:
        """Count bytes that came; raises httpcore.RemoteProtocolError for an endless head."""
        self.received = self.received or size > 0
        self._head += size
        if self._head > MAX_HEAD and not self.begun:
            raise httpcore.RemoteProtocolError


#: The visit of the calling thread or task; connections ask it whenever they are used, because
#: httpcore hands a connection from one request to the next without telling it whose it is.
VISIT: ContextVar[Visit] = ContextVar("VISIT")
