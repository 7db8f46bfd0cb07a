"""httpcore's pools, with connections that take one request at a time and end with a failure."""

import ssl
from typing import Any, cast

import httpcore

from crawler.core.proxy import Proxy
from crawler.wire.httpcore_awaiting import AGuardedBackend
from crawler.wire.httpcore_blocking import GuardedBackend
from crawler.wire.httpcore_use import USE
from crawler.wire.names import Names
from crawler.wire.pool import IDLE_SECONDS
from crawler.wire.tls import tls_context

__all__ = ["AGuardedPool", "GuardedPool"]


class OneByOne:
    """A connection of httpcore, whatever its kind, that takes one request at a time.

    Over HTTP/2 httpcore would send many at once: then one that runs out of time fails all
    others, as they share its reading, and one that is given up halfway is sent to its end and
    uses up what all may receive.  So each has a connection to itself, as over HTTP/1.1, and a
    connection is closed after a failure; httpcore forgets to, if it led through a proxy.
    """

    def __init__(self, connection: Any):
        self._connection = connection
        self._is_spoilt = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def spoil(self) -> None:
        """Let the pool close this connection when its request is over."""
        self._is_spoilt = True

    def is_available(self) -> bool:
        """Whether it can take a request."""
        ready = self._connection.is_idle() and self._connection.is_available()
        return ready and not self._is_spoilt

    def has_expired(self) -> bool:
        """Whether it is to be closed."""
        return self._is_spoilt or self._connection.has_expired()

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request; raises httpcore's errors and those of the guard."""
        USE.get().spoil = self.spoil
        try:
            return cast("httpcore.Response", self._connection.handle_request(request))
        except BaseException:
            self.spoil()
            raise

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Do the same, awaiting."""
        USE.get().spoil = self.spoil
        try:
            return cast("httpcore.Response", await self._connection.handle_async_request(request))
        except BaseException:
            self.spoil()
            raise


class GuardedPool(httpcore.ConnectionPool):
    """A pool for one thread; *idle* is how many connections may be idle."""

    def __init__(self, names: Names, idle: int, proxy: Proxy | None, *, http2: bool):
        super().__init__(
            **_settings(idle, proxy, http2=http2), network_backend=GuardedBackend(names, proxy)
        )

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        """Make a connection to *origin*, which is opened when it is used."""
        return cast("httpcore.ConnectionInterface", OneByOne(super().create_connection(origin)))


class AGuardedPool(httpcore.AsyncConnectionPool):
    """The same for a loop."""

    def __init__(self, names: Names, idle: int, proxy: Proxy | None, *, http2: bool):
        super().__init__(
            **_settings(idle, proxy, http2=http2), network_backend=AGuardedBackend(names, proxy)
        )

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        """Make a connection to *origin*, which is opened when it is used."""
        connection = OneByOne(super().create_connection(origin))
        return cast("httpcore.AsyncConnectionInterface", connection)


def _settings(idle: int, proxy: Proxy | None, *, http2: bool) -> dict[str, Any]:
    return {
        "ssl_context": tls_context(http2=http2),
        "proxy": None if proxy is None or proxy.is_socks else _core_proxy(proxy),
        "max_connections": None,
        "max_keepalive_connections": idle,
        "keepalive_expiry": IDLE_SECONDS,
        "http2": http2,
    }


def _core_proxy(proxy: Proxy) -> httpcore.Proxy:
    """Return a proxy in httpcore's terms; the way to it is never HTTP/2."""
    context: ssl.SSLContext | None = tls_context() if proxy.scheme == "https" else None
    return httpcore.Proxy(
        httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target="/"),
        auth=(proxy.user, proxy.password) if proxy.has_login else None,
        ssl_context=context,
    )
