"""Open a connection on a loop: look up, ask the guard, try both address families, secure it."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable

import httpx
from aiohappyeyeballs import AddrInfoType, start_connection

from crawler.system.clock import now
from crawler.wire.blocking_opening import peer_of
from crawler.wire.connection import Connection
from crawler.wire.names import Names
from crawler.wire.pool import Origin
from crawler.wire.visit import Timings, Visit

__all__ = ["Opener"]

#: Seconds before the next address is tried alongside (RFC 8305 section 5).
ATTEMPT_DELAY = 0.25
#: What a wait without limit is cut to: loops take no infinite times.
FOREVER = 1e6


class Opener:
    """Opens connections on the running loop; *tls* gives the context for https.

    *on_lost* is called once for each of them, when it is gone.
    """

    def __init__(
        self,
        names: Names,
        tls: Callable[[], ssl.SSLContext],
        on_lost: Callable[[Connection], object],
    ):
        self._names = names
        self._tls = tls
        self._on_lost = on_lost

    async def open(
        self, origin: Origin, visit: Visit, timings: Timings, timeout: float | None
    ) -> Connection:
        """Return a connection to an address of *origin* that the guard allows.

        Raises RefusedAddressError, httpx.ConnectTimeout and httpx.ConnectError.
        """
        began = now()
        visit.fresh = True
        try:
            async with asyncio.timeout(min(visit.left(timeout), FOREVER)):
                connection = await self._open(origin, visit, timings)
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:  # ssl.SSLError and socket.gaierror among them
            raise httpx.ConnectError(type(error).__name__) from error
        visit.connected(now() - began)
        return connection

    async def _open(self, origin: Origin, visit: Visit, timings: Timings) -> Connection:
        scheme, host, port = origin
        began = now()
        addresses = await self._names.aresolve(host, port, None)
        timings.dns = now() - began
        infos = [_info(address, port) for address in visit.allowed(addresses)]
        plain = await start_connection(infos, happy_eyeballs_delay=ATTEMPT_DELAY)
        timings.connect = now() - began - timings.dns
        connection = await self._over(plain, host, self._tls() if scheme == "https" else None)
        if scheme == "https":
            timings.tls = now() - began - timings.dns - timings.connect
        return connection

    async def _over(
        self, plain: socket.socket, host: str, tls: ssl.SSLContext | None
    ) -> Connection:
        """Return a connection over a connected socket, secured if there is a context."""
        loop = asyncio.get_running_loop()
        connection = None
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(loop, peer_of(plain), self._on_lost)
            await loop.create_connection(
                lambda: connection,
                sock=plain,
                ssl=tls,
                server_hostname=None if tls is None else host,
            )
        except BaseException as error:
            if connection is not None:
                connection.abort()  # cancelled when it stood already: a loop would say goodbye
            plain.close()
            if tls is not None and isinstance(error, ConnectionResetError) and error.errno is None:
                # So loops say that the handshake was broken off without a reset.
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed in the handshake") from None
            raise
        return connection


def _info(address: str, port: int) -> AddrInfoType:
    bare, _, zone = address.partition("%")
    if ipaddress.ip_address(bare).version == 4:
        return _stream(socket.AF_INET, (bare, port))
    scope = socket.if_nametoindex(zone) if zone else 0
    return _stream(socket.AF_INET6, (bare, port, 0, scope))


def _stream(
    family: socket.AddressFamily, where: tuple[str, int] | tuple[str, int, int, int]
) -> AddrInfoType:
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where
