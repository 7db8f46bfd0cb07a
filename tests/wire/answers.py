"""Answers of servers good and bad, made by hypothesis, and a server that sends them as they are."""

import contextlib
import itertools
import socket
import struct
import threading
from dataclasses import dataclass

from hypothesis import strategies as st

CLOSE, RESET, KEEP = "close", "reset", "keep"
LONG = 20.0  # seconds; only a test that fails takes them


@dataclass(frozen=True)
class Sent:
    """The bytes that answer one request, where they are cut, and what becomes of the connection."""

    raw: bytes
    cuts: tuple[int, ...] = ()
    ending: str = CLOSE
    method: str = "GET"

    @property
    def pieces(self):
        cuts = [0, *sorted({cut for cut in self.cuts if 0 < cut < len(self.raw)}), len(self.raw)]
        return [self.raw[a:b] for a, b in itertools.pairwise(cuts)]


class RawServer:
    """Answers each request with what was put under its path; one connection after the other.

    A connection that is kept stays open until the next one comes.
    """

    def __init__(self):
        self.answers: dict[bytes, Sent] = {}
        self._server = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        self._is_over = False
        self._thread = threading.Thread(target=self._work)
        self.url = "http://127.0.0.1:{1}".format(*self._server.getsockname())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over = True
        with socket.create_connection(self._server.getsockname()):
            self._thread.join()
        self._server.close()

    def _work(self):
        while True:
            peer, _ = self._server.accept()
            while self._kept:
                self._kept.pop().close()
            if self._is_over:
                peer.close()
                return
            with contextlib.suppress(OSError):
                self._answer(peer)

    def _answer(self, peer):
        ending = CLOSE
        try:
            peer.settimeout(LONG)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = b""
            while b"\r\n\r\n" not in head and (part := peer.recv(65_536)):
                head += part
            sent = self.answers[head.split(b" ", 2)[1]]
            ending = sent.ending
            for piece in sent.pieces:
                peer.sendall(piece)
        finally:
            if ending == KEEP:
                self._kept.append(peer)
            else:
                if ending == RESET:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()


def mostly(usual, *odd, one_in=8):
    """Draw *usual*, but one time in so many one of the *odd* ones."""
    chance = st.integers(1, one_in).map(lambda n: n == one_in // 2 + 1)  # ends are drawn more often
    return chance.flatmap(lambda is_odd: st.sampled_from(odd) if is_odd else st.just(usual))


def any_of(*these):
    return st.sampled_from(these)


# fmt: off
PROTOCOLS = mostly(
    b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3.9", b"HTTP/0.9",
    b"http/1.1", b"HTTP/1", b"HTTP/11.1", b"HTTP/1.11", b"RTSP/1.0", b"ICE/1.0", b"ICY",
    b"HTTP/1.1 ", b" HTTP/1.1", b"\r\nHTTP/1.1", b"\nHTTP/1.1", b"\r\n\r\nHTTP/1.1", b"",
    one_in=10,
)
STATUSES = mostly(
    b"200", b"204", b"204", b"304", b"304", b"205", b"206", b"301", b"404", b"429", b"503",
    b"599", b"600", b"999", b"000", b"099", b"101", b"199", b"20", b"2000", b"2x0", b"-20",
    b"+200", b"", b"\xb2\xb2\xb2", one_in=5,
)
REASONS = mostly(
    b" OK", b"", b" ", b"  OK ", b"\tOK", b"OK", b" Not  Found", b" " + b"long " * 700,
    b" \xe9t\xe9", b" O\0K", b" O\x01K", b" O\x0bK", b" O\rK", b" \x7f",
)
#: As they stand in a head, without the end of the line.
HEADERS = any_of(
    b"Content-Type: text/html; charset=utf-8", b"Server: x", b"Retry-After: 120", b"Vary: a, b",
    b"Content-Encoding: gzip", b"Date: Sun, 06 Nov 1994 08:49:37 GMT", b"Set-Cookie: a=b; Path=/",
    b"Set-Cookie: c=d", b'ETag: "x"', b"X: y", b"x:y", b"Connection: close",
    b"Connection: keep-alive", b"Connection: keep-alive, Upgrade", b"Upgrade: websocket",
)
ODD_HEADERS = (
    b"A: b\r\n c", b"A: b\r\n\tc", b"A: b\r\n ", b"A:\r\n b", b"A: b\n c", b" A: b", b"\tA: b",
    b"Content-Length:\r\n 5", b"Content-Length: 5\r\n 5", b"Transfer-Encoding: chun\r\n ked",
    b"A : b", b"A\t: b", b"Content-Length : 5", b"Transfer-Encoding : chunked",
    b" Content-Length: 5", b"A:\tb\t", b"A:   b   ", b"A: ", b"A:", b"A:\t", b"A: b\tc", b"A",
    b"A b", b": b", b":", b"A: \xe9\xff", b"\xe9: a", b"A: \x01", b"A: \x7f", b"A: \x0b",
    b"A: \x0c", b"A: \0", b"A: b\rc", b"A: b\r", b"A(: b", b'"A": b', b"A@: b",
    b"A!#$%&'*+.^_`|~-9: b", b"A: b: c", b"A=b", b"Long: " + b"x" * 9000, b"L" * 9000 + b": x",
    b"Content-Type:text/html\t ", b'Set-Cookie: "', b"Connection: close, close", b"Connection:",
    b"Connection: \xff", b"Upgrade: h2c", b"\0: \0",
)
LENGTHS = any_of(
    b"%d", b"%d ", b" %d", b"0%d", b"%d, %d", b"%d,%d", b"+%d", b"-%d", b"%d;", b"%d.0", b"0x%d",
    b"%d %d", b"", b"000000000000000000000000%d", b"1%d", b"%d0", b"999999999999999",
    b"18446744073709551615", b"18446744073709551616", b"99999999999999999999",
    b"999999999999999999999", b'"%d"', b"%d\r\nContent-Length: %d", b"%d\r\nContent-Length: 1%d",
    b"%d\r\ncontent-length:%d\r\nCONTENT-LENGTH: %d ",
)
CODINGS = mostly(
    b"chunked", b"Chunked", b"CHUNKED ", b"\tchunked", b"gzip, chunked", b"chunked, gzip",
    b"identity", b"chunked, identity", b"identity, chunked", b"chunked, chunked", b"chunked,",
    b",chunked", b"", b"chunked;q=1", b"xchunked", b"chunkedx", b'"chunked"', b"gzip",
    b"\x0bchunked", b"chun ked", b"chunked\r\nTransfer-Encoding: chunked",
    b"chunked\r\nTransfer-Encoding: identity", b"identity\r\nTransfer-Encoding: chunked",
    b"gzip\r\nTransfer-Encoding: chunked", b"chunked\r\nContent-Length: 5", one_in=5,
)
SIZES = mostly(
    b"%x", b"%X", b"0%x", b"000%X", b"%019x", b"%020x", b"%021x", b"%040x", b"%x0", b"+%x",
    b"-%x", b"0x%x", b" %x", b"%x ", b"%x  ", b"%x\t", b"%xg", b"%x,%x", b"ffffffff",
    b"ffffffffffffffff", b"10000000000000000", b"fffffffffffffffffff", b"", b"\xb2", one_in=10,
)
EXTENSIONS = mostly(
    b"", b";x", b";x=y", b";x=y;z", b';x="y z"', b';x="\\""', b"; x=y", b" ;x=y", b";x = y",
    b";x=y ", b";", b";;", b";=", b";x=", b";x=\xff", b";x=\0", b';x="', b" x", b";x\ry",
    one_in=8,
)
LINE_ENDS = mostly(b"\r\n", b"\n", b"\r", b"\r\r\n", b"", one_in=60)
TRAILERS = mostly(
    b"", b"T: x\r\n", b"T: x\r\nU: y\r\n", b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"Connection: close\r\n",
    b"T\r\n", b"T: x\r\n y\r\n", b"T: x\n", b" T: x\r\n", b"T : x\r\n", b"T: \0\r\n",
    b"T: \x01\r\n", one_in=4,
)
BODIES = any_of(
    b"page", b"", b"a", b"\r\n", b"\r\n\r\n", b"<p>\n x\r\n</p>\r\n", b"\0\xff" * 9, b"x" * 3000,
    b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n",
)
INTERIM = mostly(
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
    b"HTTP/1.1 100\r\n\r\n", b"HTTP/1.1 102 P\n\n", b"HTTP/1.1 199 \r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 104 E\r\nContent-Length: 4\r\n\r\nevil",
    b"HTTP/1.1 103 E\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 104 E\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 100 C\r\nTransfer-Encoding: chunked\r\n\r\n", b"HTTP/1.0 100 C\r\n\r\n",
    b"HTTP/1.1 100 C\r\nConnection: close\r\n\r\n", b"HTTP/1.1 101 S\r\n\r\n",
    b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 100 C\r\nA: \x01\r\n\r\n", b"HTTP/1.1 100 C\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 100 \0\r\n\r\n", b"HTTP/1.1 100 C\r\n\r\n\r\n",
    b"HTTP/1.1 100 C\r\nA: b\r\n c\r\n\r\n",
    one_in=3,
)
SURPLUS = mostly(
    b"", b"x", b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"\0", b"0\r\n"
)
KINDS = ["length"] * 3 + ["chunked"] * 4 + ["close"] * 2 + ["odd length"] * 2 + ["both"]
# fmt: on


@st.composite
def chunked(draw):
    """Draw a body in chunks, mostly good."""
    parts = []
    for body in draw(st.lists(BODIES.filter(bool), max_size=3)):
        size = draw(SIZES)
        size = size % ((len(body),) * size.count(b"%"))
        parts += [size, draw(EXTENSIONS), draw(LINE_ENDS), body, draw(LINE_ENDS)]
    last = draw(mostly(b"0", b"000", b"0" * 25, b"", b"1", one_in=12))
    parts += [last, draw(EXTENSIONS), draw(LINE_ENDS), draw(TRAILERS), draw(LINE_ENDS)]
    return b"".join(parts)


@st.composite
def framed(draw):
    """Draw the headers that frame a body, and the body."""
    kind = draw(st.sampled_from(KINDS))
    body = draw(BODIES)
    if kind == "close":
        return [], body
    if kind == "length":
        return [b"Content-Length: %d" % len(body)], body + draw(SURPLUS)
    if kind == "odd length":
        value = draw(LENGTHS)
        length = max(0, len(body) + draw(st.integers(-2, 2)))
        return [b"Content-Length: " + value % ((length,) * value.count(b"%"))], body
    headers = [b"Transfer-Encoding: " + draw(CODINGS)]
    if kind == "both":
        headers.insert(draw(st.integers(0, 1)), b"Content-Length: %d" % draw(st.integers(0, 20)))
    return headers, draw(chunked()) + draw(SURPLUS)


@st.composite
def answers(draw):
    """Draw the bytes of an answer, nearly right."""
    framing, body = draw(framed())
    headers = draw(st.lists(HEADERS, max_size=3)) + framing
    if (odd := draw(mostly(None, *ODD_HEADERS, one_in=5))) is not None:
        headers.insert(draw(st.integers(0, len(headers))), odd)
    end = draw(mostly(b"\r\n", b"\n"))
    status = draw(PROTOCOLS) + b" " + draw(STATUSES) + draw(REASONS)
    interim = draw(st.lists(INTERIM, max_size=2)) if draw(mostly(None, 1, one_in=3)) else []
    ends = LINE_ENDS.map(lambda odd: end if odd == b"\r\n" else odd)
    lines = [line + draw(ends) for line in [status, *headers]]
    return b"".join([*interim, *lines, end, body])


@st.composite
def mutated(draw):
    """Draw an answer in which a few bytes are not as they were."""
    raw = bytearray(draw(answers()))
    for _ in range(draw(mostly(0, 1, 2, 3, one_in=4))):
        where = draw(st.integers(0, len(raw)))
        what = draw(st.sampled_from(b'\0\t\n\x0b\r "(),:;0159AfxHT\x7f\x80\xff'))
        kind = draw(st.sampled_from(["flip", "insert", "delete", "cut off", "repeat"]))
        if kind == "insert":
            raw.insert(where, what)
        elif kind == "flip":
            raw[where : where + 1] = bytes([what])
        elif kind == "delete":
            del raw[where : where + 1]
        elif kind == "repeat":
            raw[where:where] = raw[where : where + 4]
        else:
            del raw[where:]
    return bytes(raw)


@st.composite
def sendings(draw):
    """Draw what a server does when it is asked once."""
    raw = draw(mostly(None, 1, one_in=12))
    raw = draw(mutated()) if raw is None else draw(st.binary(max_size=60))
    return Sent(
        raw,
        tuple(draw(st.lists(st.integers(0, len(raw)), max_size=4))),
        draw(st.sampled_from([CLOSE, CLOSE, CLOSE, RESET, KEEP])),
        draw(st.sampled_from(["GET", "GET", "GET", "HEAD"])),
    )


_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
#: Good answers, by what is special about them.
CORPUS = {
    "a length": _OK + b"Content-Type: text/html\r\nContent-Length: 4\r\n\r\npage",
    "no body": _OK + b"Content-Length: 0\r\n\r\n",
    "until it closes": _OK + b"Content-Type: text/html \r\n\r\npage",
    "an old server": b"HTTP/1.0 404\r\nA:\r\nB:\t\r\nC:\tc\t \r\n\r\n",
    "a status alone": _OK + b"\r\n",
    "line feeds": b"HTTP/1.1 200 OK\nA: b\nContent-Length: 4\n\npage",
    "chunked": _CHUNKED + b"4\r\npage\r\n0\r\n\r\n",
    "chunked, with everything": _OK + b"Transfer-Encoding: Chunked\r\nVary: \xe9\r\n\r\n"
    b'00C;a;b=c;d="e;\\""\r\n<p>\r\n</p>\r\n\n\r\n3  \r\nabc\r\n000;last\r\nT: x\r\nU:\r\n\r\n',
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: </x>\r\n\r\n"
    + _OK
    + b"Content-Length: 4\r\n\r\npage",
    "interim answers that say close": b"HTTP/1.0 100\r\n\r\nHTTP/1.1 102 P\r\nConnection: close"
    b"\r\n\r\n" + _OK + b"Content-Length: 4\r\n\r\npage",
    "no content": b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\nETag: x\r\n\r\n",
    "a version to come": b"HTTP/1.2 200 OK\r\nContent-Length: 4\r\n\r\npage",
    "every kind of name": _OK + b"a!#$%&'*+.^_`|~-9Z: b: c\r\nContent-Length: 4\r\n\r\npage",
    "a page like a head": _OK + b"Content-Length: 19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
}
