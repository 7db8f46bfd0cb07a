"""What one visit may do on the network, and what it has cost so far."""

import httpx

from crawler.core.guard import Guard
from crawler.system.clock import now

__all__ = [
    "IDEMPOTENT",
    "RefusedAddressError",
    "RefusedByProxyError",
    "Timings",
    "Visit",
    "visit_of",
]

#: Methods that may be sent again when a connection broke (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})


class RefusedAddressError(Exception):
    """The guard said no to an address; ``address`` is the first one refused."""

    def __init__(self, address: str):
        super().__init__(address)
        self.address = address


class RefusedByProxyError(Exception):
    """The proxy did not do what it was asked for; ``reason`` is in our own words."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class Timings:
    """Where the seconds of an exchange went; None where a step was not needed or not reached.

    ``queue`` is the wait for a place in the pool, ``dns connect tls`` are of a connection that
    was made for it, ``ttfb`` and ``total`` count from the start of the exchange to the end of
    the head and of the body.
    """

    __slots__ = ("connect", "dns", "queue", "tls", "total", "ttfb")

    def __init__(self) -> None:
        self.queue: float | None = None
        self.dns: float | None = None
        self.connect: float | None = None
        self.tls: float | None = None
        self.ttfb: float | None = None
        self.total: float | None = None


class Visit:
    """One attempt at one URL, redirects included; times in monotonic seconds.

    ``typed`` and ``referrer_home`` are what the guard asks about the address of this hop.
    ``home`` tells where the peer of this hop was, ``first_home`` that of the first.
    ``connect_s`` sums up what name look-ups, connecting and TLS took.  Of this hop, ``fresh``
    tells whether it made its connection, ``received`` whether a byte of the answer came, and
    ``connecting`` has the beginning and the end of each step of connecting.
    """

    __slots__ = (
        "_hops", "connect_s", "connecting", "deadline", "first_home", "fresh", "guard", "home",
        "received", "referrer_home", "typed",
    )  # fmt: skip

    def __init__(self, guard: Guard, deadline: float, *, typed: bool, referrer_home: bool | None):
        self.guard = guard
        self.deadline = deadline
        self.typed = typed
        self.referrer_home = referrer_home
        self.home: bool | None = None
        self.first_home: bool | None = None
        self.connect_s: float | None = None
        self.connecting: tuple[tuple[float, float], ...] = ()
        self.fresh = False
        self.received = False
        self._hops = 0

    def check(self, *addresses: str) -> None:
        """Raise RefusedAddressError unless all *addresses* may be reached.

        There is more than one where a proxy will choose.
        """
        for address in addresses:
            if not self.may(address):
                raise RefusedAddressError(address)
        self.met(home=all(map(self.guard.is_home, addresses)))

    def met(self, *, home: bool) -> None:
        """Note where the peer of this hop is."""
        self.home = home
        if not self._hops:
            self.first_home = home

    def may(self, address: str) -> bool:
        """Ask the guard."""
        return self.guard.may(typed=self.typed, referrer_home=self.referrer_home, address=address)

    def allowed(self, addresses: list[str]) -> list[str]:
        """Return those that may be reached; raises RefusedAddressError if none may."""
        allowed = [address for address in addresses if self.may(address)]
        if not allowed:
            raise RefusedAddressError(addresses[0])
        return allowed

    def redirected(self) -> None:
        """Begin the next hop: it was not typed, and this hop's peer is its referrer."""
        self._hops += 1
        self.typed = False
        self.referrer_home = self.home
        self.fresh = self.received = False
        self.connecting = ()

    def may_resend(self, method: str) -> bool:
        """Say whether what failed was the stale end of an idle connection.

        The server closed it just as we took it: nothing was answered, and the request may be
        sent once more, over a new one (RFC 9112 section 9.3.1).
        """
        return method in IDEMPOTENT and not (self.fresh or self.received)

    def left(self, timeout: float | None) -> float:
        """Return how long the next wait may take: *timeout*, or what is left if that is less."""
        left = max(0.0, self.deadline - now())
        return left if timeout is None else min(timeout, left)

    def connected(self, seconds: float) -> None:
        """Add the time that one step of connecting took."""
        self.fresh = True
        self.connect_s = (self.connect_s or 0.0) + seconds
        ended = now()
        self.connecting += ((ended - seconds, ended),)


_FREE = Guard(allow_private=True)


def visit_of(request: httpx.Request) -> Visit:
    """Return the visit in the request's extensions, or one without limits.

    The fetch stage puts it there; whoever uses a transport with httpx alone has none.
    """
    visit = request.extensions.get("visit")
    if isinstance(visit, Visit):
        return visit
    return Visit(_FREE, float("inf"), typed=True, referrer_home=None)
