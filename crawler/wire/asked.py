"""What an httpx request asks for in the wire's own terms: where, which bytes, how long to wait."""

import functools
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

import httpx

from crawler.wire.http1 import Header, request_head
from crawler.wire.pool import Origin

__all__ = ["Asked", "framed", "framed_awaiting"]

_PORTS = {"http": 80, "https": 443}
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Asked:
    """One request: its *origin*, the bytes of its head, whether a body follows and how.

    ``connect read write pool`` are httpx's timeouts in seconds, None for none.  The extension
    ``target`` replaces path and query, as in httpcore.  Raises httpx.UnsupportedProtocol and
    httpx.LocalProtocolError.
    """

    __slots__ = (
        "connect", "has_body", "head", "is_chunked", "method", "origin", "pool", "read", "write",
    )  # fmt: skip

    def __init__(self, request: httpx.Request):
        url, extensions = request.url, request.extensions
        scheme = url.scheme
        if scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{scheme!r}: only http and https")
        self.origin: Origin = (scheme, url.raw_host.decode("ascii"), url.port or _PORTS[scheme])
        self.method = request.method
        headers = request.headers.raw
        self.head = request_head(self.method, extensions.get("target") or url.raw_path, headers)
        framing = _framing(tuple(headers))
        self.has_body = bool(framing)
        self.is_chunked = b"transfer-encoding" in framing
        timeouts = extensions.get("timeout") or {}
        self.connect: float | None = timeouts.get("connect")
        self.read: float | None = timeouts.get("read")
        self.write: float | None = timeouts.get("write")
        self.pool: float | None = timeouts.get("pool")


@functools.lru_cache(256)
def _framing(headers: tuple[Header, ...]) -> frozenset[bytes]:
    """Return the names of the headers that announce a body."""
    return frozenset(name.lower() for name, _ in headers) & _FRAMING


def framed(body: Iterable[bytes], *, is_chunked: bool) -> Iterator[bytes]:
    """Yield the pieces of a request's body as they are sent."""
    for piece in body:
        if piece:
            yield _chunk(piece) if is_chunked else piece
    if is_chunked:
        yield _LAST_CHUNK


async def framed_awaiting(body: AsyncIterable[bytes], *, is_chunked: bool) -> AsyncIterator[bytes]:
    """Do the same, awaiting."""
    async for piece in body:
        if piece:
            yield _chunk(piece) if is_chunked else piece
    if is_chunked:
        yield _LAST_CHUNK


_LAST_CHUNK = b"0\r\n\r\n"


def _chunk(piece: bytes) -> bytes:
    """Return a chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)
