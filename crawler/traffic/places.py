"""The places of one process: each holds one request in flight and its connections, or is free."""

import asyncio
import errno
import ssl
from collections.abc import Callable, Sequence
from time import monotonic_ns

from crawler.core.errors import WorkerError
from crawler.traffic.plan import Aim
from crawler.wire.bare import BareConnection, Owner

__all__ = ["Place", "connected", "occupied", "since"]

#: This process may open no more, or the machine: no fault of the far side.
_OURS = frozenset({errno.EMFILE, errno.ENFILE})


class Place:
    """Room for one request: when it was due, noticed, taken up and written, and to which target.

    ``started`` is 0 while the place is free.  ``connections`` has one for each origin, or None.
    """

    __slots__ = ("connections", "due", "noticed", "opening", "sent", "started", "target")

    def __init__(self, origins: int):
        self.connections: list[BareConnection | None] = [None] * origins
        self.due = self.noticed = self.started = self.sent = 0
        self.target = 0
        self.opening: asyncio.Task[None] | None = None

    def forget(self, connection: BareConnection) -> None:
        """Drop one connection."""
        connection.close()
        if connection in self.connections:
            self.connections[self.connections.index(connection)] = None

    def give_up(self) -> int:
        """Drop what is in flight and all connections; return the bytes received of an answer."""
        if self.opening is not None:
            self.opening.cancel()
            self.opening = None
        open_ones = [connection for connection in self.connections if connection is not None]
        for connection in open_ones:
            self.forget(connection)
        return sum(connection.received for connection in open_ones)


def since(places: Sequence[Place], start: int) -> int:
    """Return how many requests are in flight that were due at *start* or later."""
    return sum(1 for place in places if place.started and place.due >= start)


def occupied(places: Sequence[Place], start: int, now: int) -> int:
    """Return the nanoseconds from *start* until *now* of what is in flight, added up."""
    busy = (place.sent or place.started for place in places if place.started)
    return sum(max(0, now - max(began, start)) for began in busy)


async def connected(
    owner: Owner,
    place: Place,
    aim: Aim,
    tls: ssl.SSLContext | None,
    may: Callable[[str], bool],
) -> tuple[BareConnection, int] | str:
    """Open a connection to *aim* for *place*, if its peer *may* be asked.

    Returns it and the nanoseconds it took, or the reason why there is none.  Raises WorkerError
    when it was this process that could open no more sockets.
    """
    began, loop = monotonic_ns(), asyncio.get_running_loop()
    try:
        transport, connection = await loop.create_connection(
            lambda: BareConnection(owner, place),
            aim.address,
            aim.port,
            ssl=tls if aim.scheme == "https" else None,
            server_hostname=aim.host if aim.scheme == "https" else None,
        )
    except OSError as error:  # ssl.SSLError among them
        return _reason(error)
    peer = transport.get_extra_info("peername")
    if peer is None or not may(peer[0]):
        connection.close()
        return "reset" if peer is None else "address"
    if not connection.is_reusable:  # the loop heard the end of it first
        return "reset"
    return connection, monotonic_ns() - began


def _reason(error: OSError) -> str:
    if error.errno in _OURS:
        raise WorkerError("no more sockets may be opened: raise ulimit -n, or lower -c")
    if error.errno == errno.EADDRNOTAVAIL:
        return "no-port"
    if isinstance(error, ssl.SSLError) or (
        isinstance(error, ConnectionResetError) and error.errno is None
    ):
        return "tls"  # without a number: so loops say that the handshake was broken off
    return "reset" if isinstance(error, ConnectionResetError) else "refused"
