"""What an httpx request asks for in the wire's own terms: where, which bytes, how long to wait."""

import functools
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

import httpx

from crawler.wire.http1 import Header, request_head
from crawler.wire.pool import Origin

__all__ = ["Asked", "framed", "framed_awaiting"]

_PORTS = {"http": 80, "https": 443}


class Asked:
    """One request: its *origin*, the bytes of its head, whether a body follows and how.

    ``length`` is what its body was said to be, None for one that goes in chunks.
    ``connect read write pool`` are httpx's timeouts in seconds, None for none.  The extension
    ``target`` replaces path and query, as in httpcore.  Raises httpx.UnsupportedProtocol and
    httpx.LocalProtocolError.
    """

    __slots__ = (
        "connect", "has_body", "head", "length", "method", "origin", "pool", "read", "write",
    )  # fmt: skip

    def __init__(self, request: httpx.Request):
        url, extensions = request.url, request.extensions
        scheme = url.scheme
        if scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{scheme!r}: only http and https")
        self.origin: Origin = (scheme, url.raw_host.decode("ascii"), url.port or _PORTS[scheme])
        self.method = request.method
        headers = request.headers.raw
        self.has_body, self.length = _framing(tuple(headers))
        if self.length is None:  # httpx leaves both, of which servers may heed one or the other
            headers = [header for header in headers if header[0].lower() != b"content-length"]
        self.head = request_head(self.method, extensions.get("target") or url.raw_path, headers)
        timeouts = extensions.get("timeout") or {}
        self.connect: float | None = timeouts.get("connect")
        self.read: float | None = timeouts.get("read")
        self.write: float | None = timeouts.get("write")
        self.pool: float | None = timeouts.get("pool")


@functools.lru_cache(256)
def _framing(headers: tuple[Header, ...]) -> tuple[bool, int | None]:
    """Return whether a body follows, and its length; None: it goes in chunks."""
    named = {name.lower(): value for name, value in headers}
    if (coding := named.get(b"transfer-encoding")) is not None:
        if coding.lower().rpartition(b",")[2].strip() != b"chunked":
            raise httpx.LocalProtocolError(f"{coding!r}: a body goes in chunks, or with a length")
        return True, None
    lengths = {value for name, value in headers if name.lower() == b"content-length"}
    if len(lengths) > 1:
        raise httpx.LocalProtocolError("two lengths of one body")
    length = named.get(b"content-length", b"0")
    if not length.isdigit():
        raise httpx.LocalProtocolError(f"{length!r} is no length of a body")
    return bool(lengths), int(length)


def framed(body: Iterable[bytes], length: int | None) -> Iterator[bytes]:
    """Yield the pieces of a request's body as they are sent.

    Raises httpx.LocalProtocolError when they are more or less than was said: the server would
    take a part of them for the next request, or the next request for a part of them.
    """
    size = 0
    for piece in body:
        if piece:
            size += len(piece)
            yield _frame(piece, size, length)
    if last := _last(size, length):
        yield last


async def framed_awaiting(body: AsyncIterable[bytes], length: int | None) -> AsyncIterator[bytes]:
    """Do the same, awaiting."""
    size = 0
    async for piece in body:
        if piece:
            size += len(piece)
            yield _frame(piece, size, length)
    if last := _last(size, length):
        yield last


def _frame(piece: bytes, size: int, length: int | None) -> bytes:
    """Return a piece as it is sent: as a chunk (RFC 9112 section 7.1), or as it is."""
    if length is None:
        return b"%x\r\n%b\r\n" % (len(piece), piece)
    if size > length:
        raise httpx.LocalProtocolError(f"the body is longer than the {length} bytes it was said")
    return piece


def _last(size: int, length: int | None) -> bytes:
    """Return what is sent behind the last piece."""
    if length is None:
        return b"0\r\n\r\n"
    if size < length:
        raise httpx.LocalProtocolError(f"the body is {size} of the {length} bytes it was said")
    return b""
