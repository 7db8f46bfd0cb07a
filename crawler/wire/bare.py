"""The barest HTTP/1.1 connection: prepared bytes out, a status in, nothing kept; for load tests."""

import asyncio
import re
import ssl
from typing import Any, Protocol, cast

import httptools

__all__ = ["BareConnection", "Owner"]

#: Bytes of a head that are kept, to see how the body's end is marked: servers send less.
HEAD = 65_536
#: Answers in a row whose heads are all new, after which a connection looks for no known ones.
CHANCES = 8

_LENGTH = re.compile(rb"\r\nContent-Length: *(\d{1,18}) *\r\n", re.IGNORECASE)
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
#: The end of the body is marked (RFC 9112 section 6.3).
_FRAMED = re.compile(
    rb"\n(content-length:|transfer-encoding:[^\n]*\bchunked[ \t]*(\r|\n|$))", re.IGNORECASE
)
_CLOSES = re.compile(rb"\nconnection:[^\n]*\bclose\b", re.IGNORECASE)


class Owner(Protocol):
    """Who is told what became of a request; it may ask again at once."""

    def answered(self, connection: "BareConnection") -> None: ...
    def failed(self, connection: "BareConnection", reason: str) -> None: ...
    def lost(self, connection: "BareConnection") -> None: ...


class BareConnection(asyncio.Protocol):
    """One request at a time, for *owner*; *place* is whatever the owner keeps beside it.

    An answer is read to its end and thrown away: what stays is ``status``, ``received`` (its
    bytes, head included), and ``is_reusable``.  ``first_head`` keeps the beginning of the first
    one.  The reasons of a failure are ``reset`` (closed without an answer, or reset),
    ``truncated`` (closed within one), ``protocol`` (no HTTP) and ``tls``.  There is no clock in
    here: the owner calls ``close`` when an answer takes too long, and is told nothing more.

    llhttp reads, with the same leniencies as for the crawl (crawler/wire/http1.py), without the
    headers and the body, which are not looked at: that is a third of the cost.  An answer that
    came whole and begins with the head of the last one is known without reading it: a static
    page's heads are the same for a second, and that is a tenth of what a request costs.
    """

    def __init__(self, owner: Owner, place: Any) -> None:
        self.place = place
        self.status = 0
        self.received = 0
        self.is_reusable = True
        self.first_head = b""
        self._owner = owner
        self._parser: httptools.HttpResponseParser | None = None
        self._transport: asyncio.Transport
        self._is_open = False
        self._is_busy = False
        self._is_whole = False
        self._is_bodiless = False
        self._head = b""
        self._known = b""
        self._known_size = self._known_status = 0
        self._chances = CHANCES

    def ask(self, request: bytes, bodiless: bool = False) -> None:  # noqa: FBT001, FBT002 - a name costs
        """Send a request; *bodiless* says that no body follows the answer's head (HEAD)."""
        self._is_busy = True
        self._is_bodiless = bodiless
        self.received = self.status = 0
        self._transport.write(request)

    def close(self) -> None:
        """Drop the connection at once; the owner hears no more of it."""
        self._is_open = self._is_busy = self.is_reusable = False
        self._parser = None
        self._transport.abort()

    # What follows is called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._is_open = True

    def data_received(self, data: bytes) -> None:
        """Read on, and tell the owner when the answer is whole."""
        if not self._is_busy:
            self._idle_news()
            return
        if not self.received:
            if len(data) == self._known_size and data.startswith(self._known):
                self._take_known()
                return
            self._head = data
        elif self.status < 200 and len(self._head) < HEAD:
            self._head += data
        self.received += len(data)
        self._read(data)

    def eof_received(self) -> None:
        """End an answer whose end is the end of the connection, or tell what is missing."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Do the same when it was not closed but broke."""
        self._end(exc)
        self._parser = None

    def _read(self, data: bytes) -> None:
        self._is_whole = False
        parser = self._parser or self._new_parser()
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if isinstance(error, httptools.HttpParserCallbackError):
                raise
            self.is_reusable = False
            if not self._is_whole:
                self._fail("protocol")
                return
        if self._is_whole:
            self._finish()

    def _finish(self) -> None:
        self._is_busy = False
        if not self.first_head:
            self.first_head = self._head[:HEAD]
        if self._chances and self.is_reusable and self.received == len(self._head):
            self._learn(self._head)
        self._head = b""  # the memory of one answer is the next one's, and still in the caches
        self._owner.answered(self)

    def _take_known(self) -> None:
        """Take an answer whose head is, byte for byte, that of one that was parsed."""
        self.received = self._known_size
        self.status = self._known_status
        self._chances = CHANCES
        self._is_busy = False
        self._owner.answered(self)

    def _learn(self, data: bytes) -> None:
        """Keep the head of an answer that came in one read and says how long its body is."""
        self._chances -= 1
        end = data.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(data, 0, end)
        if length and end + int(length[1]) == len(data):
            self._known, self._known_size = data[:end], len(data)
            self._known_status = self.status

    def _fail(self, reason: str) -> None:
        self.close()
        self._owner.failed(self, reason)

    def _end(self, exc: Exception | None) -> None:
        self.is_reusable = False
        if not self._is_busy:
            self._idle_news()
        elif exc is None and self.status >= 200 and not _is_framed(self._head):
            self._finish()
        elif exc is not None:
            is_tls = isinstance(exc, ssl.SSLError) or not getattr(exc, "errno", None)
            self._fail("tls" if is_tls else "reset")
        else:
            self._fail("truncated" if self.received else "reset")

    def _idle_news(self) -> None:
        """Let go of an idle connection that was closed, or said what nobody asked for."""
        if self._is_open:
            self.close()
            self._owner.lost(self)

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = self._parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
            lenient_version=True,
            lenient_keep_alive=True,
        )
        return parser

    # What follows is called by the parser.

    def on_message_begin(self) -> None:
        """Make the connection of no more use if another answer follows to the same request."""
        if self._is_whole:
            self.is_reusable = False

    def on_headers_complete(self) -> None:
        """Keep the status, unless it is that of another answer to the same request."""
        if self._is_whole or self._parser is None:
            return
        self.status = self._parser.get_status_code()
        if self._is_bodiless and self.status >= 200:
            # llhttp was not told that no body follows: it cannot read on from here.
            self.is_reusable = _stays(self._parser, self._head)
            self._is_whole = True
            self._parser = None

    def on_message_complete(self) -> None:
        """End the answer, unless it was an interim one (RFC 9110 section 15.2)."""
        if not self._is_whole and self._parser is not None and self.status >= 200:
            self._is_whole = True
            self.is_reusable = self._parser.should_keep_alive()


def _is_framed(head: bytes) -> bool:
    """Say whether the end of the body is marked, in the head behind those of interim answers."""
    blocks = _HEAD_ENDS.split(head)
    final = next((block for block in blocks if block[9:10] != b"1"), b"")  # HTTP/1.1 1xx
    return _FRAMED.search(final) is not None


def _stays(parser: httptools.HttpResponseParser, head: bytes) -> bool:
    """Say whether the connection stays; llhttp thinks not where no length is given for a body."""
    if parser.should_keep_alive():
        return True
    return parser.get_http_version() == "1.1" and _CLOSES.search(head) is None
