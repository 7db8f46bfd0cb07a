"""httpcore's network for event loops, guarded: the twin of httpcore_blocking, name for name."""

import ssl
from collections.abc import Iterable

import httpcore
from httpcore import SOCKET_OPTION

from crawler.system.clock import now
from crawler.wire.httpcore_use import USE
from crawler.wire.names import Names

__all__ = ["AGuardedBackend", "AGuardedStream"]


class AGuardedStream(httpcore.AsyncNetworkStream):
    """A connection that remembers its peer, and asks the visit that uses it.

    A proxy (*peer* None) may be used by everybody.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, peer: str | None):
        self._stream = stream
        self._peer = peer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read, but never past the visit's deadline; raises httpcore.ReadTimeout."""
        use = USE.get()
        if not (left := use.visit.left(timeout)):
            raise httpcore.ReadTimeout
        chunk = await self._stream.read(max_bytes, left)
        use.receive(len(chunk))
        return chunk

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, if the guard lets this visit use this peer; raises httpcore.WriteTimeout."""
        visit = USE.get().visit
        if self._peer is not None:
            visit.check(self._peer)
        if not (left := visit.left(timeout)):
            raise httpcore.WriteTimeout
        await self._stream.write(buffer, left)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Secure the connection; raises httpcore.ConnectTimeout and httpcore.ConnectError."""
        visit, began = USE.get().visit, now()
        if not (left := visit.left(timeout)):
            raise httpcore.ConnectTimeout
        secured = await self._stream.start_tls(ssl_context, server_hostname, left)
        visit.connected(now() - began)
        return AGuardedStream(secured, self._peer)

    def get_extra_info(self, info: str) -> object:
        """Return what the connection beneath says."""
        return self._stream.get_extra_info(info)


class AGuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, asks the guard about each address, connects to one that was allowed.

    The host *proxy*, if there is one, was named by the user and is not asked about.
    """

    def __init__(self, names: Names, proxy: str | None = None):
        self._names = names
        self._proxy = proxy
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to *host*; raises RefusedAddressError if no address of it is allowed."""
        visit, began = USE.get().visit, now()
        ends = began + visit.left(timeout)
        try:
            addresses = await self._names.aresolve(host, port, ends - began)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        is_proxy = host == self._proxy
        allowed = list(addresses) if is_proxy else visit.allowed(addresses)
        while True:
            address = allowed.pop(0)
            share = max(0.001, ends - now()) / (1 + len(allowed))
            try:
                stream = await self._backend.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not allowed:
                    raise
                continue
            visit.connected(now() - began)
            return AGuardedStream(stream, None if is_proxy else address)
