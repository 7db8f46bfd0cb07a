"""httpx clients over the guarded ways: one for each thread or process, one for each loop."""

import http.cookiejar
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from crawler.wire.awaiting import AGuardedBackend
from crawler.wire.blocking import GuardedBackend
from crawler.wire.names import Names
from crawler.wire.tls import tls_context

__all__ = ["AGuardedTransport", "GuardedTransport", "aclient", "client"]

#: Connections kept idle by a blocking client, which uses one at a time; more would cost
#: descriptors in every thread, and httpcore looks through all of them at each request.
IDLE = 2
#: Seconds after which an idle connection is closed; common servers close theirs at 5 to 75.
IDLE_SECONDS = 15.0


class GuardedTransport(httpx.BaseTransport):
    """httpx's way to a pool of httpcore whose connections ask the guard."""

    def __init__(self, names: Names):
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls_context(),
            max_connections=None,
            max_keepalive_connections=IDLE,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GuardedBackend(names),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors, and RefusedAddressError."""
        with _httpx_errors():
            answer = self._pool.handle_request(_core_request(request))
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class AGuardedTransport(httpx.AsyncBaseTransport):
    """The same for a loop; *limit* is how many connections may be idle."""

    def __init__(self, names: Names, limit: int):
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(),
            max_connections=None,
            max_keepalive_connections=limit,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=AGuardedBackend(names),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors, and RefusedAddressError."""
        with _httpx_errors():
            answer = await self._pool.handle_async_request(_core_request(request))
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_ABody(answer),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response):
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_errors():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _ABody(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response):
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for chunk in self._answer.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()


def client(names: Names) -> httpx.Client:
    """Return a blocking client that keeps no cookies and follows nothing by itself.

    An answer's Location is in ``extensions["location"]``: httpx reads the header whether it is
    to follow or not, and raises what it thinks of it before the answer can be kept.
    """
    return httpx.Client(
        transport=GuardedTransport(names),
        cookies=_no_cookies(),
        trust_env=False,
        event_hooks={"response": [_take_location]},
    )


def aclient(names: Names, limit: int) -> httpx.AsyncClient:
    """Return the same for a loop, with at most *limit* idle connections."""
    return httpx.AsyncClient(
        transport=AGuardedTransport(names, limit),
        cookies=_no_cookies(),
        trust_env=False,
        event_hooks={"response": [_atake_location]},
    )


def _take_location(response: httpx.Response) -> None:
    if (location := response.headers.pop("location", None)) is not None:
        response.extensions["location"] = location


async def _atake_location(response: httpx.Response) -> None:
    _take_location(response)


def _no_cookies() -> http.cookiejar.CookieJar:
    """Return a jar that takes none: pages must not depend on which were fetched before them."""
    return http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))


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
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
