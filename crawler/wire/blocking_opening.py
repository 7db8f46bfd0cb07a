"""Open a connection that blocks: the twin of opening; addresses are tried one after the other."""

import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator

import httpx

from crawler.system.clock import now
from crawler.wire.blocking_connection import BlockingConnection
from crawler.wire.names import Names
from crawler.wire.pool import Origin
from crawler.wire.visit import Timings, Visit

__all__ = ["BlockingOpener", "peer_of"]


class BlockingOpener:
    """Opens connections; *tls* gives the context for https."""

    def __init__(self, names: Names, tls: Callable[[], ssl.SSLContext]):
        self._names = names
        self._tls = tls

    def open(
        self, origin: Origin, visit: Visit, timings: Timings, timeout: float | None
    ) -> BlockingConnection:
        """Return a connection to an address of *origin* that the guard allows.

        Raises RefusedAddressError, httpx.ConnectTimeout and httpx.ConnectError.
        """
        began = now()
        visit.fresh = True
        try:
            connection = self._open(origin, visit, timings, began + visit.left(timeout))
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:  # ssl.SSLError and socket.gaierror among them
            raise httpx.ConnectError(type(error).__name__) from error
        visit.connected(now() - began)
        return connection

    def _open(
        self, origin: Origin, visit: Visit, timings: Timings, ends: float
    ) -> BlockingConnection:
        scheme, host, port = origin
        began = now()
        addresses = self._names.resolve(host, port, _left(ends))
        timings.dns = now() - began
        stream, peer = _connect(visit.allowed(addresses), port, ends)
        timings.connect = now() - began - timings.dns
        if scheme == "https":
            with _closed_on_error(stream):
                stream.settimeout(_left(ends))
                stream = self._tls().wrap_socket(
                    stream, server_hostname=host, suppress_ragged_eofs=False
                )
            timings.tls = now() - began - timings.dns - timings.connect
        return BlockingConnection(stream, peer)


def peer_of(stream: socket.socket) -> str:
    """Return the address that a socket is connected to; raises ConnectionResetError."""
    try:
        return str(stream.getpeername()[0])
    except OSError as error:
        if error.errno == errno.ENOTCONN:  # it was, but was reset since
            raise ConnectionResetError(errno.ECONNRESET, "reset at once") from None
        raise


def _connect(addresses: list[str], port: int, ends: float) -> tuple[socket.socket, str]:
    """Return a socket and its address, the first that takes it, each in its share of time."""
    for number, address in enumerate(addresses):
        others = len(addresses) - number - 1
        try:
            stream = socket.create_connection((address, port), _left(ends, 1 + others))
        except OSError:
            if not others:
                raise
            continue
        with _closed_on_error(stream):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return stream, peer_of(stream)
    raise OSError("no address")


def _left(ends: float, share: int = 1) -> float | None:
    """Return the seconds left, divided among some; raises TimeoutError if there are none."""
    left = ends - now()
    if left <= 0:
        raise TimeoutError
    return None if left == float("inf") else left / share


@contextlib.contextmanager
def _closed_on_error(stream: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        stream.close()
        raise
