"""What is asked for in the wire's own terms: where, the head, the frame of the body, the waits."""

import asyncio

import httptools
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.wire.asked import Asked, framed, framed_awaiting


def asked(url="http://a.test/", method="GET", **more):
    return Asked(httpx.Request(method, url, **more))


def sent_blocking(pieces, length):
    yield from framed(pieces, length)


def sent_awaiting(pieces, length):
    async def given():
        for piece in pieces:
            yield piece

    pulled = framed_awaiting(given(), length)
    with asyncio.Runner() as runner:
        while (piece := runner.run(anext(pulled, b""))) != b"":
            yield piece


both = pytest.mark.parametrize("sent", [sent_blocking, sent_awaiting])

# ---------------------------------------------------------------- where, and the head


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("http://a.test", ("http", "a.test", 80), b"a.test"),
        ("http://a.test:80/", ("http", "a.test", 80), b"a.test"),
        ("https://a.test/", ("https", "a.test", 443), b"a.test"),
        ("https://a.test:80/", ("https", "a.test", 80), b"a.test:80"),
        ("http://a.test:8080/", ("http", "a.test", 8080), b"a.test:8080"),
        ("http://A.TEST/", ("http", "a.test", 80), b"a.test"),
        ("http://ü.test/", ("http", "xn--tda.test", 80), b"xn--tda.test"),
        ("http://user:word@a.test/", ("http", "a.test", 80), b"a.test"),
        ("http://[::1]/", ("http", "::1", 80), b"[::1]"),
        ("https://[2001:db8::1]:8443/", ("https", "2001:db8::1", 8443), b"[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_where_to_connect_and_the_host_header_who_is_meant(url, origin, host):
    one = asked(url)

    assert one.origin == origin
    assert one.head == b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host


@pytest.mark.parametrize(
    ("rest", "target"),
    [("", b"/"), ("?a=b", b"/?a=b"), ("/a%2Fb/?c=%20d", b"/a%2Fb/?c=%20d"), ("/a#b", b"/a")],
)
def test_path_and_query_are_asked_for_and_the_fragment_is_not(rest, target):
    assert asked("http://a.test" + rest).head.startswith(b"GET %b HTTP/1.1\r\n" % target)


def test_a_target_stands_in_for_path_and_query_and_leaves_the_origin_alone():
    one = asked("http://a.test:81/path?query", extensions={"target": b"http://b.test/"})

    assert one.head == b"GET http://b.test/ HTTP/1.1\r\nHost: a.test:81\r\n\r\n"
    assert one.origin == ("http", "a.test", 81)


def test_headers_keep_their_order_and_their_case_and_the_given_host_counts():
    headers = [("X-B", "1"), ("x-a", "2"), ("X-B", "3"), ("Host", "b.test")]

    assert asked(headers=headers).head == (
        b"GET / HTTP/1.1\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nHost: b.test\r\n\r\n"
    )


# ---------------------------------------------------------------- how long to wait


def test_each_wait_is_what_the_extension_says_and_without_limit_where_it_says_nothing():
    timeouts = httpx.Timeout(connect=1, read=2, write=3, pool=None).as_dict()
    one, other = asked(extensions={"timeout": timeouts}), asked(extensions={"timeout": {"read": 0}})

    assert (one.connect, one.read, one.write, one.pool) == (1, 2, 3, None)
    assert (other.connect, other.read, other.write, other.pool) == (None, 0, None, None)
    assert asked().read is None


# ---------------------------------------------------------------- whether a body follows, and how


@pytest.mark.parametrize(
    ("method", "content", "headers", "framing"),
    [
        ("GET", None, {}, (False, 0)),
        ("POST", None, {}, (True, 0)),
        ("POST", b"", {}, (True, 0)),
        ("POST", b"body", {}, (True, 4)),
        ("GET", b"body", {}, (True, 4)),
        ("POST", iter([b"body"]), {}, (True, None)),
        ("POST", iter([b"body"]), {"content-LENGTH": "4"}, (True, 4)),
        ("POST", iter([b"body"]), {"transfer-encoding": "gzip, Chunked"}, (True, None)),
    ],
)
def test_the_headers_tell_the_frame(method, content, headers, framing):
    one = asked(method=method, content=content, headers=headers)

    assert (one.has_body, one.length) == framing


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "four")],
        [("Content-Length", "-4")],
        [("Content-Length", "+4")],
        [("Content-Length", "")],
        [("Content-Length", "4, 4")],
        [("Content-Length", "4"), ("content-length", "5")],
        [("Transfer-Encoding", "gzip")],
        [("Transfer-Encoding", "chunked, identity")],
    ],
)
def test_a_frame_that_servers_would_read_in_another_way_is_refused(headers):
    with pytest.raises(httpx.LocalProtocolError):
        asked(method="POST", content=iter([b"body"]), headers=headers)


def test_what_goes_in_chunks_has_no_length_beside():
    """A server that heeds the length takes the rest for another request (RFC 9112, 6.2)."""
    one = asked(method="POST", content=b"body", headers={"Transfer-Encoding": "chunked"})

    assert (one.has_body, one.length) == (True, None)
    assert b"content-length" not in one.head.lower()


class Reader:
    """Reads requests as a server does."""

    def __init__(self):
        self.body = b""
        self.requests = 0

    def on_body(self, data):
        self.body += data

    def on_message_complete(self):
        self.requests += 1


@both
@given(st.lists(st.binary(max_size=40)), st.booleans())
def test_a_server_reads_the_body_and_its_end(sent, pieces, is_chunked):
    body = b"".join(pieces)
    headers = {} if is_chunked else {"Content-Length": str(len(body))}
    one = asked(method="POST", content=iter(pieces), headers=headers)
    reader = Reader()
    parser = httptools.HttpRequestParser(reader)
    for part in (one.head, *sent(pieces, one.length)):
        parser.feed_data(part)

    assert (reader.body, reader.requests) == (body, 1)


@both
def test_an_empty_piece_is_not_the_end_of_the_chunks(sent):
    assert list(sent([b"", b"pa", b"", b"ge", b""], None)) == [
        b"2\r\npa\r\n",
        b"2\r\nge\r\n",
        b"0\r\n\r\n",
    ]


@both
@pytest.mark.parametrize(("length", "before"), [(3, [b"bo"]), (5, [b"bo", b"dy"]), (0, [])])
def test_no_byte_beyond_the_length_is_sent_and_none_may_lack(sent, length, before):
    got: list[bytes] = []
    with pytest.raises(httpx.LocalProtocolError):
        got.extend(sent([b"bo", b"dy"], length))  # keeps what came before the error

    assert got == before
