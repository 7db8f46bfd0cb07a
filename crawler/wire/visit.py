"""What one visit may do on the network, and what it has cost so far."""

from contextvars import ContextVar

from crawler.core.guard import Guard
from crawler.system.clock import now

__all__ = ["VISIT", "RefusedAddressError", "Visit"]


class RefusedAddressError(Exception):
    """The guard said no to an address; ``address`` is the first one refused."""

    def __init__(self, address: str):
        super().__init__(address)
        self.address = address


class Visit:
    """One attempt at one URL, redirects included; times in monotonic seconds.

    ``typed`` and ``referrer_home`` are what the guard asks about the address of this hop;
    ``home`` tells where the peer of the last hop was; ``connect_s`` sums up name look-up,
    connecting and TLS; ``received`` tells whether this hop's answer has begun.
    """

    __slots__ = (
        "connect_s", "deadline", "guard", "home", "received", "referrer_home", "typed",
    )  # fmt: skip

    def __init__(self, guard: Guard, deadline: float, *, typed: bool, referrer_home: bool | None):
        self.guard = guard
        self.deadline = deadline
        self.typed = typed
        self.referrer_home = referrer_home
        self.home: bool | None = None
        self.connect_s: float | None = None
        self.received = False

    def check(self, address: str) -> None:
        """Raise RefusedAddressError unless *address* may be reached."""
        if not self.may(address):
            raise RefusedAddressError(address)
        self.home = self.guard.is_home(address)

    def may(self, address: str) -> bool:
        """Ask the guard."""
        return self.guard.may(typed=self.typed, referrer_home=self.referrer_home, address=address)

    def redirected(self) -> None:
        """Begin the next hop: it was not typed, and this hop's peer is its referrer."""
        self.typed = False
        self.referrer_home = self.home
        self.received = False

    def left(self, timeout: float | None) -> float:
        """Return how long the next wait may take: *timeout*, or what is left if that is less."""
        left = max(0.0, self.deadline - now())
        return left if timeout is None else min(timeout, left)

    def connected(self, seconds: float) -> None:
        """Add the time that one step of connecting took."""
        self.connect_s = (self.connect_s or 0.0) + seconds


#: The visit of the calling thread or task; connections ask it whenever they are used, because
#: httpcore hands a connection from one request to the next without telling it whose it is.
VISIT: ContextVar[Visit] = ContextVar("VISIT")
