"""The wire as an httpx transport for loops: HTTP/1.1 with connections, pool and limits of ours."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx

from crawler.system.clock import now
from crawler.wire.asked import Asked, framed_awaiting
from crawler.wire.connection import Connection
from crawler.wire.names import Names
from crawler.wire.opening import Opener
from crawler.wire.places import Places
from crawler.wire.pool import IDLE_SECONDS, IdlePool, Origin
from crawler.wire.tls import tls_context
from crawler.wire.visit import Timings, Visit, visit_of

__all__ = ["WireTransport"]


class WireTransport(httpx.AsyncBaseTransport):
    """Sends httpx's requests over connections of our own, at a small part of httpx's own cost.

    *limits* are httpx's: ``max_connections`` in use at once, ``max_keepalive_connections`` and
    ``keepalive_expiry`` for the idle ones.  *max_per_host* bounds those in use to one origin.
    To keep all together below *max_open*, idle ones are closed, the oldest first.
    *tls* is a context for https; without it certificates are verified against what the system
    trusts.  *names* looks names up.  HTTP/1.1 only, and no proxies.

    Requests may carry httpx's extensions ``timeout`` and ``target``; an answer's
    ``extensions["timings"]`` says where its seconds went.  Raises httpx's errors.  A request
    with an idempotent method that met the end of an idle connection is sent once more.
    """

    def __init__(
        self,
        *,
        limits: httpx.Limits | None = None,
        max_per_host: int | None = None,
        max_open: int | None = None,
        tls: ssl.SSLContext | None = None,
        names: Names | None = None,
    ):
        limits = limits or httpx.Limits(keepalive_expiry=IDLE_SECONDS)
        self._tls = tls
        self._owns_names = names is None
        self._names = names or Names({})
        self._opener = Opener(self._names, self._context, self._lost)
        self._max_open = max_open or limits.max_connections
        self._places = Places(limits.max_connections, max_per_host)
        self._pool: IdlePool[Connection] = IdlePool(
            limits.max_keepalive_connections, limits.keepalive_expiry
        )
        self._open: set[Connection] = set()
        self._none_open = asyncio.Event()
        self._sweep: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<WireTransport {len(self._open)} open, {len(self._pool)} of them idle>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer when the head is there; the body streams."""
        began = now()
        asked, visit, timings = Asked(request), visit_of(request), Timings()
        if self._places.are_limited:
            await self._places.take(asked.origin, asked.pool)
            timings.queue = now() - began
        try:
            connection = await self._answered(request, asked, visit, timings)
        except BaseException:
            self._give_place(asked.origin)
            raise
        timings.ttfb = now() - began
        reader = connection.reader
        return httpx.Response(
            reader.status,
            headers=reader.headers,
            stream=_Body(self, connection, asked, timings, began),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": reader.reason,
                "timings": timings,
            },
        )

    async def aclose(self) -> None:
        """Close all connections, and wait until they are gone."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in tuple(self._open):
            connection.abort()
        if self._open:
            self._none_open.clear()
            await self._none_open.wait()
        if self._owns_names:
            self._names.close()

    async def _answered(
        self, request: httpx.Request, asked: Asked, visit: Visit, timings: Timings
    ) -> Connection:
        """Return a connection on which the head of the answer has come."""
        if (connection := self._idle(asked.origin, visit)) is not None:
            try:
                await self._exchange(connection, request, asked, visit)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                is_whole = not asked.has_body or isinstance(request.stream, httpx.ByteStream)
                if not (is_whole and visit.may_resend(asked.method)):
                    raise
            else:
                return connection
        connection = await self._new(asked, visit, timings)
        await self._exchange(connection, request, asked, visit)
        return connection

    def _idle(self, origin: Origin, visit: Visit) -> Connection | None:
        """Return an idle connection that this visit may use."""
        while (connection := self._pool.take(origin)) is not None:
            if connection.has_news:
                connection.abort()
                continue
            if visit.may(connection.peer):
                return connection
            self._pool.put(connection, origin, now())
            return None  # the name may have another address, which the guard allows
        return None

    async def _new(self, asked: Asked, visit: Visit, timings: Timings) -> Connection:
        if self._max_open is not None and len(self._open) >= self._max_open:
            _abort(self._pool.oldest())
        connection = await self._opener.open(asked.origin, visit, timings, asked.connect)
        if connection.is_open:  # or it was lost already, and nobody would take it out again
            self._open.add(connection)
        return connection

    async def _exchange(
        self, connection: Connection, request: httpx.Request, asked: Asked, visit: Visit
    ) -> None:
        try:
            visit.check(connection.peer)
            connection.start(asked.head, asked.method, visit.deadline)
            if asked.has_body:
                assert isinstance(request.stream, httpx.AsyncByteStream)
                async for piece in framed_awaiting(request.stream, asked.length):
                    if not await connection.send(piece, asked.write):
                        break
            await connection.head(asked.read)
        except BaseException:
            visit.received = connection.reader.received
            connection.abort()
            raise
        visit.received = True

    def done(self, connection: Connection, origin: Origin) -> None:
        """Take a connection back when its answer was read, or is no longer wanted."""
        connection.finish()
        if connection.is_reusable:
            _abort(self._pool.put(connection, origin, now()))
            if self._sweep is None:
                self._set_sweep()
        else:
            connection.abort()
        self._give_place(origin)

    def _give_place(self, origin: Origin) -> None:
        if self._places.are_limited:
            self._places.give(origin)

    def _set_sweep(self) -> None:
        """See to it that idle connections are closed in time."""
        ends = self._pool.next_expiry()
        self._sweep = None
        if ends is not None and ends < float("inf"):
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(max(0.0, ends - now()), self._close_expired)

    def _close_expired(self) -> None:
        for connection in self._pool.expired(now()):
            connection.abort()
        self._set_sweep()

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._pool.remove(connection)
        if not self._open:
            self._none_open.set()

    def _context(self) -> ssl.SSLContext:
        self._tls = self._tls or tls_context()
        return self._tls


def _abort(connection: Connection | None) -> None:
    if connection is not None:
        connection.abort()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes; at its end the connection is free again."""

    def __init__(
        self,
        transport: WireTransport,
        connection: Connection,
        asked: Asked,
        timings: Timings,
        began: float,
    ):
        self._transport = transport
        self._connection = connection
        self._asked = asked
        self._timings = timings
        self._began = began
        self._chunks: list[bytes] = []
        self._is_done = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        # No async generator: a loop's account of those costs more than the iteration.
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            if self._is_done:
                raise StopAsyncIteration
            self._chunks = await self._connection.chunks(self._asked.read)
            self._chunks.reverse()
            if self._connection.reader.complete:
                self._finish()
            if not self._chunks:
                raise StopAsyncIteration
        return self._chunks.pop()

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        self._finish()

    def _finish(self) -> None:
        if not self._is_done:
            self._is_done = True
            self._timings.total = now() - self._began
            self._transport.done(self._connection, self._asked.origin)
