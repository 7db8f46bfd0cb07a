"""The wire as an httpx transport that blocks: the twin of transport, for one thread."""

import ssl
from collections.abc import Iterator

import httpx

from crawler.system.clock import now
from crawler.wire.asked import Asked, framed
from crawler.wire.blocking_connection import BlockingConnection
from crawler.wire.blocking_opening import BlockingOpener
from crawler.wire.names import Names
from crawler.wire.pool import IdlePool, Origin
from crawler.wire.tls import tls_context
from crawler.wire.visit import Timings, Visit, visit_of

__all__ = ["BlockingWireTransport"]

#: Connections kept idle: a blocking client uses one at a time, and each thread has its own.
IDLE = 2


class BlockingWireTransport(httpx.BaseTransport):
    """Sends httpx's requests over connections of our own; for one thread.

    What it takes, gives and raises is what ``WireTransport`` does.
    """

    def __init__(self, *, names: Names | None = None, tls: ssl.SSLContext | None = None):
        self._tls = tls
        self._opener = BlockingOpener(names or Names({}), self._context)
        self._pool: IdlePool[BlockingConnection] = IdlePool(IDLE)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer when the head is there; the body streams."""
        began = now()
        asked, visit, timings = Asked(request), visit_of(request), Timings()
        connection = self._answered(request, asked, visit, timings)
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

    def close(self) -> None:
        """Close all idle connections."""
        while (connection := self._pool.oldest()) is not None:
            connection.abort()

    def done(self, connection: BlockingConnection, origin: Origin) -> None:
        """Take a connection back when its answer was read, or is no longer wanted."""
        if not connection.is_reusable:
            connection.abort()
        elif (surplus := self._pool.put(connection, origin, now())) is not None:
            surplus.abort()

    def _answered(
        self, request: httpx.Request, asked: Asked, visit: Visit, timings: Timings
    ) -> BlockingConnection:
        """Return a connection on which the head of the answer has come."""
        if (connection := self._idle(asked.origin, visit)) is not None:
            try:
                _exchange(connection, request, asked, visit)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                is_whole = not asked.has_body or isinstance(request.stream, httpx.ByteStream)
                if not (is_whole and visit.may_resend(asked.method)):
                    raise
            else:
                return connection
        connection = self._opener.open(asked.origin, visit, timings, asked.connect)
        _exchange(connection, request, asked, visit)
        return connection

    def _idle(self, origin: Origin, visit: Visit) -> BlockingConnection | None:
        """Return an idle connection that this visit may use."""
        for old in self._pool.expired(now()):
            old.abort()
        while (connection := self._pool.take(origin)) is not None:
            if connection.has_news:
                connection.abort()
                continue
            if visit.may(connection.peer):
                return connection
            self._pool.put(connection, origin, now())
            return None  # the name may have another address, which the guard allows
        return None

    def _context(self) -> ssl.SSLContext:
        self._tls = self._tls or tls_context()
        return self._tls


def _exchange(
    connection: BlockingConnection, request: httpx.Request, asked: Asked, visit: Visit
) -> None:
    try:
        visit.check(connection.peer)
        connection.start(asked.head, asked.method, visit.deadline, asked.write)
        if asked.has_body:
            assert isinstance(request.stream, httpx.SyncByteStream)
            connection.send_all(framed(request.stream, asked.length), asked.write)
        connection.head(asked.read)
    except BaseException:
        visit.received = connection.reader.received
        connection.abort()
        raise
    visit.received = True


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes; at its end the connection is free again."""

    def __init__(
        self,
        transport: BlockingWireTransport,
        connection: BlockingConnection,
        asked: Asked,
        timings: Timings,
        began: float,
    ):
        self._transport = transport
        self._connection = connection
        self._asked = asked
        self._timings = timings
        self._began = began
        self._is_done = False

    def __iter__(self) -> Iterator[bytes]:
        while not self._is_done:
            chunks = self._connection.chunks(self._asked.read)
            if not chunks or self._connection.reader.complete:
                self._finish()
            yield from chunks

    def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        self._finish()

    def _finish(self) -> None:
        if not self._is_done:
            self._is_done = True
            self._timings.total = now() - self._began
            self._transport.done(self._connection, self._asked.origin)
