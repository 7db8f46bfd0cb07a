"""httpx's own way to the network over guarded connections: for proxies and HTTP/2."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from crawler.wire.httpcore_awaiting import AGuardedBackend
from crawler.wire.httpcore_blocking import GuardedBackend
from crawler.wire.httpcore_use import USE, Use
from crawler.wire.names import Names
from crawler.wire.pool import IDLE_SECONDS
from crawler.wire.tls import tls_context
from crawler.wire.visit import Visit, visit_of

__all__ = ["AHttpcoreTransport", "HttpcoreTransport"]

#: Connections kept idle by a blocking client, which uses one at a time; more would cost
#: descriptors in every thread, and httpcore looks through all of them at each request.
IDLE = 2

#: What a server does to an idle connection just as we take it.
_STALE = (httpcore.NetworkError, httpcore.RemoteProtocolError)


class HttpcoreTransport(httpx.BaseTransport):
    """httpx's way to a pool of httpcore whose connections ask the guard; for one thread."""

    def __init__(self, names: Names, proxy: str | None = None, *, http2: bool = False):
        self._names = names
        self._proxy = proxy
        self._pool = httpcore.ConnectionPool(
            **_settings(IDLE, proxy, http2=http2),
            network_backend=GuardedBackend(names, _host_of(proxy)),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors, and RefusedAddressError."""
        use = _begin(request)
        with _httpx_errors():
            if self._proxy is not None and not use.visit.typed:
                self._check_behind_proxy(request, use.visit)
            try:
                answer = self._pool.handle_request(_core_request(request))
            except _STALE:
                if not use.visit.may_resend(request.method):
                    raise
                answer = self._pool.handle_request(_core_request(request))
        use.begun = True
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, use),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _check_behind_proxy(self, request: httpx.Request, visit: Visit) -> None:
        """Ask the guard about the address that the proxy would connect to for us."""
        seconds = visit.left(_connect_timeout(request))
        with _connect_errors():
            addresses = self._names.resolve(request.url.host, request.url.port or 0, seconds)
        visit.check(visit.allowed(addresses)[0])


class AHttpcoreTransport(httpx.AsyncBaseTransport):
    """The same for a loop; *limit* is how many connections may be idle."""

    def __init__(self, names: Names, limit: int, proxy: str | None = None, *, http2: bool = False):
        self._names = names
        self._proxy = proxy
        self._pool = httpcore.AsyncConnectionPool(
            **_settings(limit, proxy, http2=http2),
            network_backend=AGuardedBackend(names, _host_of(proxy)),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors, and RefusedAddressError."""
        use = _begin(request)
        with _httpx_errors():
            if self._proxy is not None and not use.visit.typed:
                await self._check_behind_proxy(request, use.visit)
            try:
                answer = await self._pool.handle_async_request(_core_request(request))
            except _STALE:
                if not use.visit.may_resend(request.method):
                    raise
                answer = await self._pool.handle_async_request(_core_request(request))
        use.begun = True
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_ABody(answer, use),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _check_behind_proxy(self, request: httpx.Request, visit: Visit) -> None:
        """Ask the guard about the address that the proxy would connect to for us."""
        seconds = visit.left(_connect_timeout(request))
        with _connect_errors():
            addresses = await self._names.aresolve(request.url.host, request.url.port or 0, seconds)
        visit.check(visit.allowed(addresses)[0])


def _host_of(proxy: str | None) -> str | None:
    return None if proxy is None else httpx.URL(proxy).host


def _connect_timeout(request: httpx.Request) -> float | None:
    timeout: float | None = (request.extensions.get("timeout") or {}).get("connect")
    return timeout


@contextmanager
def _connect_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise httpx.ConnectTimeout("no address in time") from None
    except OSError as error:
        raise httpx.ConnectError(type(error).__name__) from error


def _begin(request: httpx.Request) -> Use:
    """Make the request's visit the one that the connections of this thread or task ask."""
    use = Use(visit_of(request))
    USE.set(use)
    return use


def _settings(idle: int, proxy: str | None, *, http2: bool) -> dict[str, Any]:
    return {
        "ssl_context": tls_context(),
        "proxy": None if proxy is None else httpcore.Proxy(proxy),
        "max_connections": None,
        "max_keepalive_connections": idle,
        "keepalive_expiry": IDLE_SECONDS,
        "http2": http2,
    }


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, use: Use):
        self._answer = answer
        self._use = use

    def __iter__(self) -> Iterator[bytes]:
        pieces = iter(self._answer.iter_stream())
        with _httpx_errors():
            while True:
                USE.set(self._use)  # another answer may have been read in between
                piece = next(pieces, None)
                if piece is None:
                    return
                yield piece

    def close(self) -> None:
        self._answer.close()


class _ABody(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, use: Use):
        self._answer = answer
        self._use = use

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._answer.aiter_stream())
        with _httpx_errors():
            while True:
                USE.set(self._use)
                piece = await anext(pieces, None)
                if piece is None:
                    return
                yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


def _core_request(request: httpx.Request) -> httpcore.Request:
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Raise httpcore's errors as the ones of the same name in httpx."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
