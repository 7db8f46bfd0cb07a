"""HTTP/1.1 without a network: what is asked for, what is read, and what is refused."""

import itertools

import httpx
import pytest

from crawler.wire.http1 import FRAME_PER_BYTE, MAX_HEAD, AnswerReader, request_head
from tests.wire.answers import CORPUS

OK = b"HTTP/1.1 200 OK\r\n"
PAGE = OK + b"Content-Length: 4\r\n\r\npage"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

# ---------------------------------------------------------------- requests


def test_a_request_is_written_as_it_was_asked_for():
    head = request_head("GET", b"/a?b=%20", [(b"Host", b"a.test"), (b"X", b""), (b"X", b"\xe9 z")])

    assert head == b"GET /a?b=%20 HTTP/1.1\r\nHost: a.test\r\nX: \r\nX: \xe9 z\r\n\r\n"


@pytest.mark.parametrize(
    "value", [b"a\r\nEvil: x", b"a\nEvil: x", b"a\rEvil: x", b"a\0", b"\r\n", b"a\r\n\r\nGET /"]
)
def test_no_value_of_a_header_ends_its_line(value):
    with pytest.raises(httpx.LocalProtocolError):
        request_head("GET", b"/", [(b"Host", b"a.test"), (b"X", value)])


@pytest.mark.parametrize(
    "name", [b"", b"A b", b"A:", b"A\r\nB", b"A\n", b"\xe9", b"A\0", b" A", b"A ", b"(", b'"']
)
def test_no_name_of_a_header_is_anything_but_a_token(name):
    with pytest.raises(httpx.LocalProtocolError):
        request_head("GET", b"/", [(name, b"x")])


@pytest.mark.parametrize(
    "target", [b"", b"/ HTTP/1.1", b"/\r\nHost: x", b"/a\tb", b"/\0", b"/\x7f", b"/\n", b"/\r"]
)
def test_no_target_ends_the_request_line(target):
    with pytest.raises(httpx.LocalProtocolError):
        request_head("GET", target, [])


@pytest.mark.parametrize("method", ["", "GET /", "GET\r\nX: y", "G\0", "GET\n", " GET"])
def test_no_method_is_anything_but_a_token(method):
    with pytest.raises(httpx.LocalProtocolError):
        request_head(method, b"/", [])


# ---------------------------------------------------------------- answers


def reading(*pieces, method="GET"):
    """Return a reader that was fed these pieces, as far as it took them."""
    reader = AnswerReader()
    reader.expect(method)
    for piece in pieces:
        reader.feed(piece)
    return reader


def read(pieces, method="GET"):
    """Return all that is seen of an answer after which the connection is closed."""
    try:
        reader = reading(*pieces, method=method)
        reader.end()
        head = reader.status, reader.reason, reader.headers
    except httpx.RemoteProtocolError as error:
        return str(error)
    try:
        return *head, b"".join(reader.take())
    except httpx.RemoteProtocolError as error:
        return *head, str(error)


BAD = {
    "nonsense": b"nonsense\r\n\r\n",
    "another protocol": b"RTSP/1.0 200 OK\r\n\r\n",
    "no number": b"HTTP/1.1 two OK\r\n\r\n",
    "a number too low": b"HTTP/1.1 099 OK\r\n\r\n",
    "another protocol from here": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n"
    b"Connection: upgrade\r\n\r\nx",
    "a reason with NUL": b"HTTP/1.1 200 O\0K\r\n\r\n",
    "an interim reason with NUL": b"HTTP/1.1 100 \0\r\n\r\n" + PAGE,
    "an interim body": b"HTTP/1.1 104 U\r\nContent-Length: 4\r\n\r\nevil" + PAGE,
    "an interim chunk": b"HTTP/1.1 104 U\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + PAGE,
    "a space before the colon": OK + b"A : b\r\n\r\n",
    "a length with a sign": OK + b"Content-Length: +4\r\n\r\npage",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\npage",
    "a length and chunks": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "chunks of gzip": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "gzip of chunks": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\npage",
    "chunks in chunks": OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "another coding": OK + b"Transfer-Encoding: identity\r\n\r\npage",
    "another coding without a body": b"HTTP/1.1 204 N\r\nTransfer-Encoding: x\r\n\r\n",
    "another coding in a trailer": CHUNKED + b"0\r\nTransfer-Encoding: x\r\n\r\n",
    "a chunk with a sign": CHUNKED + b"-4\r\npage\r\n0\r\n\r\n",
    "a chunk too long": CHUNKED + b"4\r\npages\r\n0\r\n\r\n",
    "a chunk of all bytes there are": CHUNKED + b"10000000000000000\r\npage",
    "a line feed after the size": CHUNKED + b"4\npage\r\n0\r\n\r\n",
    "a trailer without a colon": CHUNKED + b"4\r\npage\r\n0\r\nT\r\n\r\n",
    "half a head": OK + b"A: b\r\n",
    "half a body": OK + b"Content-Length: 5\r\n\r\npage",
    "half a chunk": CHUNKED + b"5\r\npage",
    "no last chunk": CHUNKED + b"4\r\npage\r\n",
    "half a trailer": CHUNKED + b"0\r\nT: x\r\n",
    "only interim answers": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_answer_is_refused(name):
    seen = read([BAD[name]])

    assert isinstance(seen if isinstance(seen, str) else seen[-1], str)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", CORPUS | BAD)
def test_it_does_not_matter_where_an_answer_is_cut(name, method):
    raw = (CORPUS | BAD)[name]
    whole = read([raw], method)

    for cut in range(1, len(raw)):
        assert (cut, whole) == (cut, read([raw[:cut], raw[cut:]], method))
    assert whole == read([raw[n : n + 1] for n in range(len(raw))], method)


@pytest.mark.parametrize("name", CORPUS)
def test_a_good_answer_is_read(name):
    *_, body = read([CORPUS[name]])
    *_, none = read([CORPUS[name]], "HEAD")

    assert isinstance(body, bytes)
    assert none == b""


def test_everything_is_read_as_it_was_sent():
    assert read([CORPUS["chunked, with everything"]]) == (
        200,
        b"OK",
        [(b"Transfer-Encoding", b"Chunked"), (b"Vary", b"\xe9")],
        b"<p>\r\n</p>\r\n\nabc",
    )
    assert read([CORPUS["an old server"]]) == (
        404,
        b"",
        [(b"A", b""), (b"B", b""), (b"C", b"c")],
        b"",
    )
    assert read([CORPUS["interim answers"]]) == (200, b"OK", [(b"Content-Length", b"4")], b"page")


@pytest.mark.parametrize("framing", [b"Content-Length: 4", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_some_answers_have_no_body_whatever_they_say(status, framing):
    reader = reading(b"HTTP/1.1 " + status + b"\r\n" + framing + b"\r\n\r\n")

    assert (reader.complete, reader.reusable, reader.take()) == (True, True, [])


def test_the_answer_to_head_has_no_body_whatever_it_says():
    reader = reading(OK + b"Content-Length: 4\r\n\r\n", method="HEAD")
    assert (reader.complete, reader.reusable, reader.take()) == (True, True, [])

    reader.expect("GET")
    reader.feed(PAGE)
    assert (reader.complete, reader.reusable, reader.take()) == (True, True, [b"page"])


def test_a_body_is_taken_out_once():
    reader = reading(OK + b"\r\nab", b"cd")

    assert (reader.take(), reader.take()) == ([b"ab", b"cd"], [])
    assert reader.size == 4


def test_a_head_is_seen_whatever_follows():
    """It must not depend on whether the bad byte came at once, or later."""
    reader = reading(CHUNKED + b"4\r\npage\r\nxyz")

    assert (reader.begun, reader.status, reader.reusable) == (True, 200, False)
    with pytest.raises(httpx.RemoteProtocolError):
        reader.take()


def test_a_fault_of_ours_is_not_the_servers(monkeypatch):
    monkeypatch.setattr(AnswerReader, "on_body", lambda *_: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        reading(PAGE)


# ---------------------------------------------------------------- the end of a connection


def test_the_end_of_the_connection_may_be_the_end_of_the_answer():
    reader = reading(OK + b"\r\npage")
    assert not reader.complete

    reader.end()
    assert (reader.complete, reader.reusable, reader.take()) == (True, False, [b"page"])


@pytest.mark.parametrize("sent", [b"", b"HTTP", OK, b"HTTP/1.1 100 C\r\n\r\n"])
def test_the_end_before_a_head_is_an_error(sent):
    reader = reading(*filter(None, [sent]))

    assert reader.received is bool(sent)
    with pytest.raises(httpx.RemoteProtocolError, match="closed before"):
        reader.end()


@pytest.mark.parametrize("sent", [PAGE[:-1], CHUNKED, CHUNKED + b"4\r\npage\r\n"])
def test_the_end_before_that_of_a_marked_body_is_an_error(sent):
    reader = reading(sent)
    reader.end()

    with pytest.raises(httpx.RemoteProtocolError, match="closed before the answer was complete"):
        reader.take()


def test_the_end_after_an_answer_is_none():
    reader = reading(PAGE)
    reader.end()

    assert (reader.complete, reader.reusable, reader.take()) == (True, False, [b"page"])


# ---------------------------------------------------------------- another request may follow


@pytest.mark.parametrize(
    ("sent", "reusable"),
    [
        (PAGE, True),
        (CHUNKED + b"4\r\npage\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 100 C\r\nConnection: close\r\n\r\n" + PAGE, True),
        (PAGE + b"x", False),
        (PAGE + PAGE, False),
        (PAGE + b"HTTP/1.1 100 Continue\r\n\r\n", False),
        (PAGE + b"\r\n\r\n\0", False),
        (CHUNKED + b"4\r\npage\r\n0\r\n\r\n0", False),
        (b"HTTP/1.1 204 No Content\r\n\r\nx", False),
        (OK + b"Connection: Close\r\nContent-Length: 4\r\n\r\npage", False),
        (OK + b"Connection: x, close\r\nContent-Length: 4\r\n\r\npage", False),
        (PAGE.replace(b"1.1", b"1.0"), False),
        (
            PAGE.replace(b"1.1", b"1.0").replace(b"OK\r\n", b"OK\r\nConnection: keep-alive\r\n"),
            True,
        ),
    ],
)
def test_a_connection_is_used_again_if_all_was_said(sent, reusable):
    whole = reading(sent)
    late = reading(*(sent[n : n + 1] for n in range(len(sent))))

    assert (whole.complete, whole.reusable) == (True, reusable)
    assert (late.complete, late.reusable) == (True, reusable)
    assert b"".join(whole.take()) == b"".join(late.take())


@pytest.mark.parametrize("surplus", [b"x", b"page", PAGE, b"\0"])
def test_a_body_that_was_not_asked_for_is_surplus(surplus):
    assert not reading(PAGE[:-4] + surplus, method="HEAD").reusable
    assert not reading(PAGE[:-4], surplus, method="HEAD").reusable


def test_answers_follow_one_another():
    reader = AnswerReader()
    for sent in (
        PAGE,
        CHUNKED + b"4\r\npage\r\n0\r\nT: x\r\n\r\n",
        CORPUS["interim answers"],
        PAGE,
    ):
        reader.expect("GET")
        reader.feed(sent)
        assert (reader.complete, reader.reusable) == (True, True)
        assert b"".join(reader.take()) == b"page"


# ---------------------------------------------------------------- floods


def fed_until_refused(before, pieces):
    """Return how many bytes were fed when the reader had enough."""
    fed = 0

    def feed_all():
        nonlocal fed
        reader = reading(before)
        for piece in pieces:
            reader.feed(piece)
            reader.take()
            fed += len(piece)

    with pytest.raises(httpx.RemoteProtocolError, match="bytes around the body"):
        feed_all()
    return fed


FLOODS = {
    "a header without end": (OK + b"A: ", b"x" * 1000),
    "headers without end": (OK, b"A: b\r\n" * 200),
    "a reason without end": (b"HTTP/1.1 200 ", b"x" * 1000),
    "interim answers without end": (b"HTTP/1.1 100 \r\n\r\n", b"HTTP/1.1 102 P\r\n\r\n" * 50),
    "empty lines without end": (b"\r\n", b"\r\n" * 500),
    "trailers without end": (CHUNKED + b"4\r\npage\r\n0\r\n", b"T: x\r\n" * 200),
    "an extension without end": (CHUNKED + b"4;x=", b"y" * 1000),
    "zeros without end": (CHUNKED, b"0" * 1000),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_around_the_body_has_an_end(name):
    before, piece = FLOODS[name]
    fed = fed_until_refused(before, itertools.repeat(piece, 10 * MAX_HEAD // 1000))

    assert MAX_HEAD - 3000 < fed < MAX_HEAD + 3000


def test_extensions_may_not_be_longer_than_the_chunks_by_far():
    chunk = b"1;" + b"x" * 1000 + b"\r\ny\r\n"
    fed = fed_until_refused(CHUNKED, itertools.repeat(chunk, 2 * MAX_HEAD // 1000))

    assert MAX_HEAD - 3000 < fed < MAX_HEAD * 1.1


def test_a_long_body_in_small_chunks_is_no_flood():
    chunk = b"1\r\ny\r\n"
    assert len(chunk) < FRAME_PER_BYTE
    reader = reading(CHUNKED, *itertools.repeat(chunk * 1000, 2 * MAX_HEAD // 1000))
    reader.feed(b"0\r\n\r\n")

    assert reader.complete
    assert reader.size == 2 * MAX_HEAD // 1000 * 1000


def test_a_long_head_is_taken_to_the_limit():
    line = b"A: " + b"x" * 994 + b"\r\n"
    head = OK + line * (MAX_HEAD // len(line) - 1) + b"Content-Length: 4\r\n\r\n"

    assert read([head + b"page"])[-1] == b"page"
