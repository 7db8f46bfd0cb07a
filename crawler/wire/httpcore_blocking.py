"""httpcore's network for threads, guarded: waits are capped, each use of a peer is asked for."""

import ssl
from collections.abc import Generator, Iterable

import httpcore
from httpcore import SOCKET_OPTION

from crawler.core.proxy import Proxy
from crawler.system.clock import now
from crawler.wire.httpcore_socks import introduction
from crawler.wire.httpcore_use import USE, Use, seconds_left
from crawler.wire.names import Names

__all__ = ["GuardedBackend", "GuardedStream"]


class GuardedStream(httpcore.NetworkStream):
    """A connection that remembers its peer, and asks the visit that uses it.

    What is behind a proxy (*peer* None) was asked about by name.  *is_bare* is one to a proxy
    that is to be secured before it is used, *is_framed* one that speaks HTTP/2.
    """

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        peer: str | None,
        *,
        is_bare: bool = False,
        is_framed: bool = False,
    ):
        self._stream = stream
        self._peer = peer
        self._is_bare = is_bare
        self._is_framed = is_framed

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read, but never past the visit's deadline; raises httpcore.ReadTimeout."""
        use = USE.get()
        if not (left := use.visit.left(timeout)):
            raise httpcore.ReadTimeout
        chunk = self._stream.read(max_bytes, left)
        if not self._is_framed:  # or what comes need not belong to this answer
            use.receive(len(chunk))
        return chunk

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, if the guard lets this visit use this peer; raises httpcore.WriteTimeout."""
        visit = USE.get().visit
        if self._peer is not None:
            visit.check(self._peer)
        if not (left := visit.left(timeout)):
            raise httpcore.WriteTimeout
        self._stream.write(buffer, left)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Secure the connection; raises httpcore.ConnectTimeout and ssl.SSLError."""
        use, began = USE.get(), now()
        use.through()
        if not (left := use.visit.left(timeout)):
            raise httpcore.ConnectTimeout
        name = None if server_hostname is None else server_hostname.strip("[]")
        use.at_proxy = self._is_bare
        secured = self._stream.start_tls(ssl_context, name, left)
        use.at_proxy = False
        use.visit.connected(now() - began)
        chosen = secured.get_extra_info("ssl_object").selected_alpn_protocol()
        return GuardedStream(secured, self._peer, is_framed=chosen == "h2")

    def get_extra_info(self, info: str) -> object:
        """Return what the connection beneath says."""
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves, asks the guard about each address, connects to one that was allowed.

    If there is a *proxy*, it was named by the user and may be anywhere; all connections are to
    it.  One that speaks HTTP is told by httpcore where to go on to, one that speaks SOCKS here.
    """

    def __init__(self, names: Names, proxy: Proxy | None = None):
        self._names = names
        self._proxy = proxy
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 (nobody asks for it)
        socket_options: Iterable[SOCKET_OPTION] | None = None,  # noqa: ARG002 (nor for these)
    ) -> httpcore.NetworkStream:
        """Connect to *host*; raises RefusedAddressError if no address of it is allowed."""
        use, began = USE.get(), now()
        use.visit.fresh = True
        ends = began + use.visit.left(timeout)
        if self._proxy is None:
            allowed = use.visit.allowed(self._resolve(host, port, ends))
            stream, peer = self._connect(allowed, port, ends)
            guarded = GuardedStream(stream, peer)
        else:
            guarded = self._connect_by(self._proxy, use, (host, port), ends)
        use.visit.connected(now() - began)
        return guarded

    def _connect_by(
        self, proxy: Proxy, use: Use, asked: tuple[str, int], ends: float
    ) -> GuardedStream:
        host, port = asked
        peer = None
        if proxy.scheme == "socks5":
            allowed = use.visit.allowed(self._resolve(host, port, ends))
            host = peer = min(allowed, key=lambda address: ":" in address)  # IPv4 goes everywhere
        use.at_proxy = True
        addresses = self._resolve(proxy.host, proxy.port, ends)
        stream, _ = self._connect(addresses, proxy.port, ends)
        if proxy.is_socks:
            try:
                _introduce(stream, introduction(proxy, host, port), ends)
            except BaseException:
                stream.close()
                raise
        use.at_proxy = False
        return GuardedStream(stream, peer, is_bare=proxy.scheme == "https")

    def _resolve(self, host: str, port: int, ends: float) -> list[str]:
        try:
            return self._names.resolve(host, port, seconds_left(ends))
        except TimeoutError:
            raise httpcore.ConnectTimeout from None

    def _connect(
        self, addresses: list[str], port: int, ends: float
    ) -> tuple[httpcore.NetworkStream, str]:
        """Return a connection and its address, the first that takes it in its share of time."""
        untried = list(addresses)
        while True:
            address = untried.pop(0)
            share = seconds_left(ends) / (1 + len(untried))
            try:
                return self._backend.connect_tcp(address, port, share), address
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not untried:
                    raise


def _introduce(
    stream: httpcore.NetworkStream, talk: Generator[tuple[bytes, int], bytes, None], ends: float
) -> None:
    """Talk to a SOCKS proxy until it is connected to where we want to go."""
    try:
        to_send, size = next(talk)
        while True:
            stream.write(to_send, seconds_left(ends))
            to_send, size = talk.send(_exactly(stream, size, ends))
    except StopIteration:
        return
    except (httpcore.ReadTimeout, httpcore.WriteTimeout):
        raise httpcore.ConnectTimeout from None


def _exactly(stream: httpcore.NetworkStream, size: int, ends: float) -> bytes:
    received = b""
    while len(received) < size:
        if not (piece := stream.read(size - len(received), seconds_left(ends))):
            raise httpcore.RemoteProtocolError
        received += piece
    return received
