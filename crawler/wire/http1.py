"""HTTP/1.1 without a network: a request as bytes, and answers read from bytes as they come."""

import functools
import re
from collections.abc import Iterable

import httptools
import httpx

__all__ = ["MAX_HEAD", "AnswerReader", "Header", "request_head"]

Header = tuple[bytes, bytes]

#: Bytes of an answer that are not its body: status line, headers, interim answers, and what
#: chunks and trailers add.  Browsers allow 256 kB of headers.
MAX_HEAD = 262_144
#: A chunk of one byte has five bytes of frame around it; with an extension some more.
FRAME_PER_BYTE = 16

#: RFC 9110 section 5.6.2.
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SPACES = re.compile(rb"[\x00-\x20\x7f]")


def request_head(method: str, target: bytes, headers: Iterable[Header]) -> bytes:
    """Return the request line and the *headers* as they are sent.

    Raises httpx.LocalProtocolError for what would be read as something else than was meant.
    """
    lines = [method.encode("ascii") + b" " + target + b" HTTP/1.1"]
    for name, value in headers:
        if not _is_token(name):
            raise httpx.LocalProtocolError(f"{name!r} is no name of a header")
        lines.append(name + b": " + value)
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
        raise httpx.LocalProtocolError("a line break or NUL in a header")
    if not target or _SPACES.search(target) or not _is_token(lines[0].partition(b" ")[0]):
        raise httpx.LocalProtocolError("the request line is not valid")
    return head + b"\r\n\r\n"


@functools.lru_cache(1024)
def _is_token(text: bytes) -> bool:
    return _TOKEN.fullmatch(text) is not None


class AnswerReader:
    """Reads the answers that come over one connection, one after the other.

    ``expect`` announces a request; then bytes are fed until the answer is ``complete``.  It is
    ``begun`` when its head is there: ``status``, ``reason`` and ``headers``, interim answers
    passed over.  ``chunks`` collects pieces of the body, still content-encoded, for whoever
    takes them out; ``size`` counts the whole of it.  ``reusable`` tells whether another request
    may follow on this connection.

    llhttp does the reading (RFC 9112); what it refuses is an httpx.RemoteProtocolError.
    """

    __slots__ = (
        "_bodiless", "_fed", "_headers", "_parser", "_reason", "begun", "chunks", "complete",
        "headers", "reason", "received", "reusable", "size", "status",
    )  # fmt: skip

    def __init__(self) -> None:
        self._parser: httptools.HttpResponseParser | None = None
        self.complete = True
        self.reusable = True
        self.received = False

    def expect(self, method: str) -> None:
        """Begin with the answer to a request of *method*."""
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
            # RFC 9112 section 2.2: a recipient may take a lone LF for the end of a line.
            self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self._bodiless = method == "HEAD"
        self._headers: list[Header] = []
        self._reason = b""
        self._fed = 0
        self.status = 0
        self.reason = b""
        self.headers: list[Header] = []
        self.chunks: list[bytes] = []
        self.size = 0
        self.begun = self.complete = self.received = self.reusable = False

    def feed(self, data: bytes) -> None:
        """Read more of the answer; raises httpx.RemoteProtocolError if it is none."""
        assert self._parser is not None
        was_complete = self.complete
        if was_complete:
            self.reusable = False  # more than was asked for
            return
        self.received = True
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:
                raise httpx.RemoteProtocolError(f"not HTTP/1.1: {error}") from None
            self.reusable = False
        except httptools.HttpParserUpgrade:
            raise httpx.RemoteProtocolError("switched to a protocol nobody asked for") from None
        if self._fed - self.size > MAX_HEAD + FRAME_PER_BYTE * self.size:
            raise httpx.RemoteProtocolError(f"more than {MAX_HEAD} bytes around the body")

    def end(self) -> None:
        """Take note that nothing more will come; raises httpx.RemoteProtocolError if it should."""
        self.reusable = False
        if self.begun and not self.complete and not self._is_framed():
            self.complete = True
        elif not self.complete:
            when = "the answer was complete" if self.received else "an answer came"
            raise httpx.RemoteProtocolError(f"closed before {when}")

    def close(self) -> None:
        """Let go of the parser, which refers to this reader."""
        self._parser = None

    def take(self) -> list[bytes]:
        """Return the pieces of the body that came since the last time."""
        chunks, self.chunks = self.chunks, []
        return chunks

    # What follows is called by the parser.

    def on_message_begin(self) -> None:
        """Begin an answer, or an interim one, or one that nobody asked for."""
        if self.complete:
            self.reusable = False

    def on_status(self, reason: bytes) -> None:
        """Take a piece of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those of trailers are dropped."""
        if not self.begun:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin the body, unless the answer is interim (RFC 9110 section 15.2)."""
        if self.complete:
            return
        assert self._parser is not None
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            return
        self.status, self.reason, self.headers = status, self._reason, self._headers
        self.begun = True
        if self._bodiless:
            # llhttp was not told that no body follows: it cannot read on from here.
            self.reusable = self._parser.should_keep_alive()
            self.complete = True
            self._parser = None

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self.complete:
            self.reusable = False
            return
        self.size += len(data)
        self.chunks.append(data)

    def on_message_complete(self) -> None:
        """End the answer, or begin anew after an interim one."""
        if self.complete:
            return
        if not self.begun:
            self._headers, self._reason = [], b""
            return
        assert self._parser is not None
        self.complete = True
        self.reusable = self._parser.should_keep_alive()

    def _is_framed(self) -> bool:
        """Say whether the end of the body is marked, or the end of the connection is its end."""
        named = {name.lower(): value for name, value in self.headers}
        if (codings := named.get(b"transfer-encoding")) is not None:
            return codings.rpartition(b",")[2].strip().lower() == b"chunked"
        return b"content-length" in named
