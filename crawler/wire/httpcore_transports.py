"""httpx's own way to the network over guarded connections: for proxies and HTTP/2."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from crawler.core.guard import is_home_name
from crawler.core.proxy import Proxy
from crawler.wire.httpcore_pools import AGuardedPool, GuardedPool
from crawler.wire.httpcore_use import USE, Use
from crawler.wire.names import Names
from crawler.wire.visit import RefusedByProxyError, Visit, visit_of

try:
    from h2.exceptions import H2Error
except ImportError:  # then there is no HTTP/2, and nothing that raises it
    H2Error = httpcore.ProtocolError  # type: ignore[misc,assignment]

__all__ = ["AHttpcoreTransport", "HttpcoreTransport"]

#: Connections of a blocking client, which uses one at a time; more would cost descriptors in
#: every thread, and httpcore looks through all of them at each request.
OPEN = 2

#: What a server does to an idle connection just as we take it.
_STALE = (httpcore.NetworkError, httpcore.RemoteProtocolError)


class HttpcoreTransport(httpx.BaseTransport):
    """httpx's way to a pool of httpcore whose connections ask the guard; for one thread."""

    def __init__(self, names: Names, proxy: Proxy | None = None, *, http2: bool = False):
        self._names = names
        self._proxy = proxy
        self._pool = GuardedPool(names, OPEN, proxy, http2=http2)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors, and those of the guard and the proxy."""
        use = _begin(request)
        if _names_go_on(self._proxy):
            self._check_name(request, use.visit)
        asked = _core_request(request, self._proxy)
        with _httpx_errors(use):
            answer = self._answered(asked, use.visit)
        use.begun = use.visit.received = True
        try:
            _check_answer(answer, asked, self._proxy)
        except Exception:
            use.spoil()
            answer.close()
            raise
        return _response(answer, _Body(answer, use))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _answered(self, request: httpcore.Request, visit: Visit) -> httpcore.Response:
        """Return an answer; at the latest a new connection is not stale."""
        while True:
            try:
                return self._pool.handle_request(request)
            except _STALE:
                if not visit.may_resend(request.method.decode("ascii")):
                    raise

    def _check_name(self, request: httpx.Request, visit: Visit) -> None:
        """Ask the guard about a host that the proxy will look up: any address may be taken."""
        host = request.url.raw_host.decode("ascii")
        if visit.typed:
            visit.met(home=is_home_name(host, visit.guard))
            return
        with _connect_errors():
            seconds = visit.left(_connect_timeout(request))
            addresses = self._names.resolve(host, request.url.port or 0, seconds)
        visit.check(*addresses)


class AHttpcoreTransport(httpx.AsyncBaseTransport):
    """The same for a loop; *limit* is how many connections may be open."""

    def __init__(
        self, names: Names, limit: int, proxy: Proxy | None = None, *, http2: bool = False
    ):
        self._names = names
        self._proxy = proxy
        self._pool = AGuardedPool(names, limit, proxy, http2=http2)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors, and those of the guard and the proxy."""
        use = _begin(request)
        if _names_go_on(self._proxy):
            await self._check_name(request, use.visit)
        asked = _core_request(request, self._proxy)
        with _httpx_errors(use):
            answer = await self._answered(asked, use.visit)
        use.begun = use.visit.received = True
        try:
            _check_answer(answer, asked, self._proxy)
        except Exception:
            use.spoil()
            await answer.aclose()
            raise
        return _response(answer, _ABody(answer, use))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _answered(self, request: httpcore.Request, visit: Visit) -> httpcore.Response:
        """Return an answer; at the latest a new connection is not stale."""
        while True:
            try:
                return await self._pool.handle_async_request(request)
            except _STALE:
                if not visit.may_resend(request.method.decode("ascii")):
                    raise

    async def _check_name(self, request: httpx.Request, visit: Visit) -> None:
        """Ask the guard about a host that the proxy will look up: any address may be taken."""
        host = request.url.raw_host.decode("ascii")
        if visit.typed:
            visit.met(home=is_home_name(host, visit.guard))
            return
        with _connect_errors():
            seconds = visit.left(_connect_timeout(request))
            addresses = await self._names.aresolve(host, request.url.port or 0, seconds)
        visit.check(*addresses)


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, use: Use):
        self._answer = answer
        self._use = use
        self._is_read = False

    def __iter__(self) -> Iterator[bytes]:
        pieces = iter(self._answer.iter_stream())
        with _httpx_errors(self._use):
            while True:
                USE.set(self._use)  # another answer may have been read in between
                piece = next(pieces, None)
                if piece is None:
                    self._is_read = True
                    return
                yield piece

    def close(self) -> None:
        if not self._is_read:
            self._use.spoil()
        self._answer.close()


class _ABody(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, use: Use):
        self._answer = answer
        self._use = use
        self._is_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._answer.aiter_stream())
        with _httpx_errors(self._use):
            while True:
                USE.set(self._use)
                piece = await anext(pieces, None)
                if piece is None:
                    self._is_read = True
                    return
                yield piece

    async def aclose(self) -> None:
        if not self._is_read:
            self._use.spoil()
        await self._answer.aclose()


def _begin(request: httpx.Request) -> Use:
    """Make the request's visit the one that the connections of this thread or task ask."""
    use = Use(visit_of(request))
    USE.set(use)
    return use


def _names_go_on(proxy: Proxy | None) -> bool:
    """Say whether names are looked up by the proxy, so that no address is seen here."""
    return proxy is not None and proxy.scheme != "socks5"


def _connect_timeout(request: httpx.Request) -> float | None:
    timeout: float | None = (request.extensions.get("timeout") or {}).get("connect")
    return timeout


def _core_request(request: httpx.Request, proxy: Proxy | None) -> httpcore.Request:
    """Return the request in httpcore's terms.

    What is asked for goes in its URL: the extension of that name would also be what is asked of
    a proxy, which needs to hear of the host.  httpcore writes an IPv6 address as it is given.
    """
    extensions = dict(request.extensions)
    target = extensions.pop("target", request.url.raw_path)
    host = request.url.raw_host
    if b":" in host and proxy is not None and not proxy.is_socks:
        host = b"[" + host + b"]"
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=request.url.raw_scheme, host=host, port=request.url.port, target=target
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=extensions,
    )


def _check_answer(
    answer: httpcore.Response, request: httpcore.Request, proxy: Proxy | None
) -> None:
    """Raise for what is no answer of a web server, or the proxy's own (RFC 9110 section 15)."""
    if not 200 <= answer.status <= 999:
        raise httpx.RemoteProtocolError(f"status {answer.status}")
    forwarded = proxy is not None and not proxy.is_socks and request.url.scheme == b"http"
    if forwarded and answer.status == 407:
        raise RefusedByProxyError("407")


def _response(
    answer: httpcore.Response, body: httpx.SyncByteStream | httpx.AsyncByteStream
) -> httpx.Response:
    return httpx.Response(
        answer.status, headers=answer.headers, stream=body, extensions=answer.extensions
    )


@contextmanager
def _connect_errors() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise httpx.ConnectTimeout("no address in time") from None
    except OSError as error:
        raise httpx.ConnectError(type(error).__name__) from error


@contextmanager
def _httpx_errors(use: Use) -> Iterator[None]:
    """Raise httpcore's errors as the ones of the same name in httpx.

    What went wrong with the proxy is an httpx.ProxyError, if the proxy did not say no itself.
    """
    try:
        with _same_name_in_httpx(use):
            yield
    except (httpx.TransportError, OSError, UnicodeError) as error:
        if use.at_proxy:
            raise httpx.ProxyError("on the way to the proxy") from error
        raise


@contextmanager
def _same_name_in_httpx(use: Use) -> Iterator[None]:
    try:
        yield
    except httpcore.ProxyError as error:  # it begins with the status that answered CONNECT
        raise RefusedByProxyError(str(error).partition(" ")[0]) from error
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except UnicodeError:
        raise
    except (H2Error, ValueError) as error:  # a status that is no number is a ValueError
        use.visit.received = True
        raise httpx.RemoteProtocolError(type(error).__name__) from error
