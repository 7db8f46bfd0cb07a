"""Which way to the network a crawl takes: the wire, or httpcore where the wire does not go."""

import httpx

from crawler.core.job import Way
from crawler.wire.blocking_transport import BlockingWireTransport
from crawler.wire.httpcore_transports import AHttpcoreTransport, HttpcoreTransport
from crawler.wire.names import Names
from crawler.wire.transport import WireTransport

__all__ = ["atransport_of", "transport_of"]


def transport_of(way: Way, names: Names) -> httpx.BaseTransport:
    """Return a blocking transport, for one thread."""
    if way.transport == "wire":
        return BlockingWireTransport(names=names)
    return HttpcoreTransport(names, way.proxy, http2=way.http2)


def atransport_of(way: Way, names: Names, limit: int) -> httpx.AsyncBaseTransport:
    """Return a transport for a loop; *limit* is how many connections may be open."""
    if way.transport == "wire":
        return WireTransport(names=names, max_open=limit)
    return AHttpcoreTransport(names, limit, way.proxy, http2=way.http2)
