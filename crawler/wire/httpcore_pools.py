"""httpcore's pools, with connections that take one request at a time and end with a failure."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

    To httpcore a connection is idle until its first await is over, so that another task may
    take it as well, or close it; here it is busy from the call on.
    """

    def __init__(self, connection: Any):
        self._connection = connection
        self._is_starting = False
        self._is_spoilt = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def spoil(self) -> None:
        """Let the pool close this connection when its request is over."""
        self._is_spoilt = True

    def is_idle(self) -> bool:
        """Whether nobody uses it."""
        return not self._is_starting and self._connection.is_idle()

    def is_available(self) -> bool:
        """Whether it can take a request."""
        return self.is_idle() and not self._is_spoilt and self._connection.is_available()

    def is_closed(self) -> bool:
        """Whether the pool can forget it."""
        return not self._is_starting and self._connection.is_closed()

    def has_expired(self) -> bool:
        """Whether the pool is to close it."""
        return not self._is_starting and (self._is_spoilt or self._connection.has_expired())

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request; raises httpcore's errors and those of the guard."""
        with self._used():
            return cast("httpcore.Response", self._connection.handle_request(request))

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Do the same, awaiting."""
        with self._used():
            return cast("httpcore.Response", await self._connection.handle_async_request(request))

    @contextmanager
    def _used(self) -> Iterator[None]:
        if self._is_starting or self._is_spoilt:  # it was promised to more than one task
            raise httpcore.ConnectionNotAvailable
        USE.get().spoil = self.spoil
        self._is_starting = True
        try:
            yield
        except httpcore.ConnectionNotAvailable:
            raise  # somebody else is using it
        except BaseException:
            self.spoil()
            raise
        finally:
            self._is_starting = False


class AOneByOne(OneByOne):
    """The same for a loop: it is closed in a task of its own, one of *closing*.

    So nothing is awaited between the decision to close it and the first step towards that.
    """

    def __init__(self, connection: Any, closing: set[asyncio.Task[None]]):
        super().__init__(connection)
        self._closing = closing

    async def aclose(self) -> None:
        """Begin to close it."""
        self.spoil()
        task = asyncio.get_running_loop().create_task(self._close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self) -> None:
        with suppress(Exception):  # it is thrown away
            await self._connection.aclose()


class GuardedPool(httpcore.ConnectionPool):
    """A pool for one thread; *limit* is how many connections may be open."""

    def __init__(self, names: Names, limit: int, proxy: Proxy | None, *, http2: bool):
        super().__init__(
            **_settings(limit, proxy, http2=http2), network_backend=GuardedBackend(names, proxy)
        )

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        """Make a connection to *origin*, which is opened when it is used."""
        return cast("httpcore.ConnectionInterface", OneByOne(super().create_connection(origin)))


class AGuardedPool(httpcore.AsyncConnectionPool):
    """The same for a loop."""

    def __init__(self, names: Names, limit: int, proxy: Proxy | None, *, http2: bool):
        super().__init__(
            **_settings(limit, proxy, http2=http2), network_backend=AGuardedBackend(names, proxy)
        )
        self._closing: set[asyncio.Task[None]] = set()

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        """Make a connection to *origin*, which is opened when it is used."""
        connection = AOneByOne(super().create_connection(origin), self._closing)
        return cast("httpcore.AsyncConnectionInterface", connection)

    async def aclose(self) -> None:
        """Close all connections, and wait until they are closed."""
        await super().aclose()
        await asyncio.gather(*self._closing)


def _settings(limit: int, proxy: Proxy | None, *, http2: bool) -> dict[str, Any]:
    return {
        "ssl_context": tls_context(http2=http2),
        "proxy": None if proxy is None or proxy.is_socks else _core_proxy(proxy),
        "max_connections": limit,
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
