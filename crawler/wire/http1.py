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
_BREAKS = re.compile(rb"[\r\n\0]")
#: What no reason phrase holds; llhttp lets it through, browsers and h11 do not.
_ODD = re.compile(rb"[\0\v\f]")
#: llhttp takes RTSP and ICE as well; empty lines it passes over, as browsers do.
_BEGINNINGS = (b"H", b"\r", b"\n")
_TRANSFER_ENCODING = b"transfer-encoding"
#: RFC 9110 section 15.2: it has none, but llhttp reads one when it does not know the status.
_INTERIM_BODY = "an interim answer with a body"


def request_head(method: str, target: bytes, headers: Iterable[Header]) -> bytes:
    """Return the request line and the *headers* as they are sent.

    Raises httpx.LocalProtocolError for what would be read as something else than was meant.
    """
    if not _is_token(method.encode()) or not target or _SPACES.search(target):
        raise httpx.LocalProtocolError("the request line is not valid")
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode(), target, _lines(tuple(headers)))


@functools.lru_cache(256)
def _lines(headers: tuple[Header, ...]) -> bytes:
    """Return the lines of *headers*, which are the same from one request to the next."""
    for name, value in headers:
        if not _is_token(name):
            raise httpx.LocalProtocolError(f"{name!r} is no name of a header")
        if _BREAKS.search(value):
            raise httpx.LocalProtocolError(f"a line break or NUL in the header {name!r}")
    return b"".join([b"%b: %b\r\n" % header for header in headers])


@functools.lru_cache(1024)
def _is_token(text: bytes) -> bool:
    return _TOKEN.fullmatch(text) is not None


class _RefusedError(Exception):
    """Raised within the parser, which ends by it; what it says becomes the error's words."""


def _cause(error: httptools.HttpParserError) -> BaseException:
    """Return what ended the parser; raises what is a fault of ours, or ctrl-C, again."""
    cause = error.__context__
    if cause is None or not isinstance(error, httptools.HttpParserCallbackError):
        return error
    if not isinstance(cause, _RefusedError):
        raise cause
    return cause


class AnswerReader:
    """Reads the answers that come over one connection, one after the other.

    ``expect`` announces a request; then bytes are fed until the answer is ``complete``.  It is
    ``begun`` when its head is there: ``status``, ``reason`` and ``headers``, interim answers
    passed over.  ``chunks`` collects pieces of the body, still content-encoded, for whoever
    takes them out; ``size`` counts the whole of it.  ``reusable`` tells whether another request
    may follow on this connection.

    llhttp does the reading (RFC 9112); what it refuses is an httpx.RemoteProtocolError.  One in
    the body is kept until somebody wants the body: whether a head is seen must not depend on
    how many bytes came with it.  docs/wire-differences.md tells where other readers differ.
    """

    __slots__ = (
        "_bodiless", "_error", "_fed", "_headers", "_is_chunked", "_parser", "_reason", "begun",
        "chunks", "complete", "headers", "reason", "received", "reusable", "size", "status",
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
            self._parser.set_dangerous_leniencies(
                # RFC 9112 section 2.2: a recipient may take a lone LF for the end of a line.
                lenient_optional_cr_before_lf=True,
                # Old servers fill up the size of a chunk with spaces; where it ends is clear.
                lenient_spaces_after_chunk_size=True,
                # RFC 9110 section 2.5: a version we do not know is read as the one we do.
                lenient_version=True,
                # An interim answer may say `Connection: close`; the real one follows.
                lenient_keep_alive=True,
            )
        self._bodiless = method == "HEAD"
        self._headers: list[Header] = []
        self._reason = b""
        self._fed = 0
        self._is_chunked = False
        self._error: httpx.RemoteProtocolError | None = None
        self.status = 0
        self.reason = b""
        self.headers: list[Header] = []
        self.chunks: list[bytes] = []
        self.size = 0
        self.begun = self.complete = self.received = self.reusable = False

    def feed(self, data: bytes) -> None:
        """Read more of the answer; raises httpx.RemoteProtocolError if it is none."""
        was_complete = self.complete
        if was_complete:
            self.reusable = False  # more than was asked for
            return
        assert self._parser is not None
        if not self.received and not data.startswith(_BEGINNINGS):
            self.received = True
            raise httpx.RemoteProtocolError("not HTTP/1.1: does not begin with HTTP")
        self.received = True
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self.complete:
                self.reusable = False
            else:
                self._fail(f"not HTTP/1.1: {_cause(error)}")
        except httptools.HttpParserUpgrade:
            self._fail("switched to a protocol nobody asked for")
        if not self.complete and self._fed - self.size > MAX_HEAD + FRAME_PER_BYTE * self.size:
            self._fail(f"more than {MAX_HEAD} bytes around the body")

    def end(self) -> None:
        """Take note that nothing more will come; raises httpx.RemoteProtocolError if it should."""
        self.reusable = False
        if self.begun and not self.complete and not self._is_framed():
            self.complete = True
        elif not self.complete:
            when = "the answer was complete" if self.received else "an answer came"
            self._fail(f"closed before {when}")

    def close(self) -> None:
        """Let go of the parser, which refers to this reader."""
        self._parser = None

    def take(self) -> list[bytes]:
        """Return the pieces of the body that came since the last time.

        Raises httpx.RemoteProtocolError if the body turned out to be no good.
        """
        if self._error is not None:
            raise self._error
        chunks, self.chunks = self.chunks, []
        return chunks

    def _fail(self, words: str) -> None:
        """Raise an error, or keep it for whoever takes the body."""
        error = httpx.RemoteProtocolError(words)
        if not self.begun:
            raise error from None
        self._error = error
        self.complete, self.reusable = True, False

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
        if len(name) == len(_TRANSFER_ENCODING) and name.lower() == _TRANSFER_ENCODING:
            self._check_coding(value)
        if not self.begun:
            self._headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Begin the body, unless the answer is interim (RFC 9110 section 15.2)."""
        if self.complete:
            return
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 100 or status == 101:
            raise _RefusedError(f"the status {status:03}")
        if _ODD.search(self._reason):
            raise _RefusedError("an odd reason phrase")
        if status < 200:
            if self._is_chunked and status > 103:
                raise _RefusedError(_INTERIM_BODY)
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
        if not self.begun:
            raise _RefusedError(_INTERIM_BODY)
        self.size += len(data)
        self.chunks.append(data)

    def on_message_complete(self) -> None:
        """End the answer, or begin anew after an interim one."""
        if self.complete:
            return
        if not self.begun:
            self._headers, self._reason, self._is_chunked = [], b"", False
            return
        assert self._parser is not None
        self.complete = True
        self.reusable = self._parser.should_keep_alive()

    def _check_coding(self, value: bytes) -> None:
        """Refuse any transfer coding but one `chunked`: we asked for none, and undo none."""
        if value.strip(b" \t").lower() != b"chunked" or (self._is_chunked and not self.begun):
            raise _RefusedError("a transfer coding other than chunked")
        self._is_chunked = True

    def _is_framed(self) -> bool:
        """Say whether the end of the body is marked, or the end of the connection is its end."""
        named = (name.lower() for name, _ in self.headers)
        return self._is_chunked or b"content-length" in named
