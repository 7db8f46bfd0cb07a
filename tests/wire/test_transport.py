"""What a client needs of its transport, from both twins: exchanges, bodies, reuse, resending."""

import asyncio
import contextlib
import gzip

import httpx
import pytest

from crawler import WireTransport
from crawler.wire.http1 import MAX_HEAD
from tests.wire.scripted import LAST_PAGE, PAGE, in_turn, serve, serve_always
from tests.wire.twins import client_of, twin, until

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"


def leave_at_the_next(answer):
    """Answer one request, and close when another comes, which nobody looks at."""

    def script(peer):
        peer.request()
        peer.say(answer)
        peer.request()

    return script


# ---------------------------------------------------------------- answers


def test_an_answer_is_what_the_server_said(wire, scripted):
    said = b"HTTP/1.1 418 I'm a teapot\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\ntea"
    server = scripted(serve(said))
    response = wire().request("GET", server.url + "pot?a=b")

    assert (response.status_code, response.content) == (418, b"tea")
    assert response.reason_phrase == "I'm a teapot"
    assert response.http_version == "HTTP/1.1"
    assert response.headers.get_list("x-a") == ["1", "2"]
    assert server.peers[0].requests[0].startswith(b"GET /pot?a=b HTTP/1.1\r\nHost: 127.0.0.1:")


def test_connections_are_used_again(wire, scripted):
    server, client = scripted(serve_always()), wire()
    bodies = [client.request("GET", server.url).content for _ in range(5)]

    assert bodies == [b"page"] * 5
    assert [len(peer.requests) for peer in server.peers] == [5]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (EMPTY, b""),
        (OK + CHUNKED + b"0\r\n\r\n", b""),
        (OK + CHUNKED + b"2;x=y\r\npa\r\n2\r\nge\r\n0\r\nTrailer: x\r\n\r\n", b"page"),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\npage", b"page"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n" + PAGE, b"page"),
    ],
    ids=["empty", "no chunk", "chunks", "old but kept", "204", "304", "interim"],
)
def test_after_each_kind_of_marked_end_the_connection_goes_on(wire, scripted, answer, body):
    server, client = scripted(serve(answer, PAGE)), wire()
    first = client.request("GET", server.url)
    second = client.request("GET", server.url)

    assert (first.content, second.content) == (body, b"page")
    assert len(server.peers) == 1


@pytest.mark.parametrize("length", [b"Content-Length: 4\r\n\r\n", CHUNKED])
def test_a_head_has_no_body_whatever_it_says(wire, scripted, length):
    server, client = scripted(serve(OK + length, PAGE)), wire()
    first = client.request("HEAD", server.url)
    second = client.request("GET", server.url)

    assert (first.status_code, first.content, second.content) == (200, b"", b"page")
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    "answer",
    [
        LAST_PAGE,
        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\npage",
        OK + b"Connection: close\r\n" + CHUNKED + b"4\r\npage\r\n0\r\n\r\n",
    ],
    ids=["close", "old", "chunked"],
)
def test_a_connection_that_is_not_to_be_kept_is_closed_by_us(wire, scripted, answer):
    server, client = scripted(serve(answer)), wire()
    bodies = [client.request("GET", server.url).content for _ in range(2)]
    client.close()
    server.until(lambda: len(server.peers) == 2 and not server.here)

    assert bodies == [b"page"] * 2


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_a_body_may_end_with_its_connection(wire, scripted, version):
    def script(peer):
        peer.request()
        peer.say(version, b" 200 OK\r\n\r\n")
        for _ in range(100):
            peer.say(b"page" * 1000)

    server, client = scripted(script), wire()
    bodies = [client.request("GET", server.url).content for _ in range(2)]

    assert bodies == [b"page" * 100_000] * 2
    assert len(server.peers) == 2


def test_an_answer_may_come_byte_by_byte(wire, scripted):
    def script(peer):
        peer.request()
        for byte in OK + CHUNKED + b"4\r\npage\r\n0\r\n\r\n":
            peer.say(bytes([byte]))
        peer.until_gone()

    assert wire().request("GET", scripted(script).url).content == b"page"


def test_httpx_decodes_redirects_and_keeps_cookies_as_ever(wire, scripted):
    packed = gzip.compress(b"page")
    server = scripted(
        serve(
            b"HTTP/1.1 302 Found\r\nLocation: /there\r\nSet-Cookie: a=b\r\n" + LENGTH_0,
            OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
        )
    )
    response = wire().request("GET", server.url, follow_redirects=True)

    assert response.content == b"page"
    assert [len(peer.requests) for peer in server.peers] == [2]
    assert b"GET /there HTTP/1.1" in server.peers[0].requests[1]
    assert b"Cookie: a=b" in server.peers[0].requests[1]


LENGTH_0 = b"Content-Length: 0\r\n\r\n"


def test_a_head_that_does_not_end_is_no_answer(wire, scripted):
    def script(peer):
        peer.request()
        peer.say(OK)
        peer.flood(b"X-More: of the same\r\n" * 100, 100 * MAX_HEAD)
        peer.until_gone()

    server, client = scripted(script), wire()
    with pytest.raises(httpx.RemoteProtocolError):
        client.request("GET", server.url)
    server.until(lambda: not server.here)

    assert server.peers[0].sent < 50 * MAX_HEAD


# ---------------------------------------------------------------- bodies of requests


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "REPORT"])
def test_a_body_of_known_length_arrives(wire, scripted, method):
    server, client = scripted(serve(EMPTY, EMPTY)), wire()
    for _ in range(2):
        assert client.request(method, server.url, content=b"body" * 1000).status_code == 200

    [peer] = server.peers
    assert peer.bodies == [b"body" * 1000] * 2
    assert b"\r\nContent-Length: 4000" in peer.requests[0]
    assert b"expect" not in peer.requests[0].lower()


def test_a_body_made_on_the_way_arrives_in_chunks(wire, scripted):
    server, client = scripted(serve(EMPTY, EMPTY)), wire()
    for _ in range(2):
        client.request("POST", server.url, content=client.body([b"one", b"", b"two" * 9999]))

    [peer] = server.peers
    assert peer.bodies == [b"one" + b"two" * 9999] * 2
    assert b"\r\nTransfer-Encoding: chunked" in peer.requests[0]


def test_a_form_and_a_file_arrive(wire, scripted):
    server, client = scripted(serve(EMPTY, EMPTY)), wire()
    client.request("POST", server.url, data={"a": "ü"})
    [peer] = server.peers

    assert peer.bodies == [b"a=%C3%BC"]


def test_a_body_of_length_zero_is_said_to_be_one(wire, scripted):
    server, client = scripted(serve(EMPTY, EMPTY)), wire()
    client.request("POST", server.url, content=b"")
    client.request("POST", server.url, content=client.body([]))

    [peer] = server.peers
    assert peer.bodies == [b"", b""]


@pytest.mark.parametrize("said", [3, 5])
def test_a_body_of_another_length_than_was_said_is_refused(wire, scripted, said):
    """The server would take what follows for a part of it, or a part of it for a request."""
    server, client = scripted(serve_always(EMPTY)), wire()
    client.request("GET", server.url)
    wrong = {"content": client.body([b"bo", b"dy"]), "headers": {"Content-Length": str(said)}}
    with pytest.raises(httpx.LocalProtocolError):
        client.request("POST", server.url, **wrong)
    client.request("GET", server.url + "next")

    assert len(server.peers) == 2
    assert server.peers[1].requests[0].startswith(b"GET /next ")


def test_an_upload_waits_for_a_slow_reader(wire, scripted):
    """What the client was asked to send, and the server has not read, stays within bounds."""
    piece, count = b"x" * 65_536, 640
    most, made, ahead = 16 * 2**20, [0], []

    def pieces():
        for _ in range(count):
            made[0] += 1
            yield piece

    def script(peer):
        peer.head()
        left = len(piece) * count - len(peer._read)
        peer.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        while left:
            left -= len(peer.stream.recv(min(left, 4 * len(piece))))
            ahead.append(made[0] * len(piece) - (len(piece) * count - left))
        peer.say(PAGE)
        peer.until_gone()

    server, client = scripted(script), wire()
    length = {"Content-Length": str(len(piece) * count)}
    response = client.request("POST", server.url, content=client.body(pieces()), headers=length)

    assert response.content == b"page"
    assert made == [count]
    assert max(ahead) < most


def endless(made, count=10_000):
    for _ in range(count):
        made.append(1)
        yield b"x" * 65_536


async def endless_awaiting(made):
    for piece in endless(made):
        yield piece


def test_an_answer_before_the_upload_is_done_ends_it(run, scripted):
    def script(peer):
        peer.head()
        peer.say(LAST_PAGE)
        peer.until_gone()  # to close with bytes unread would be a reset

    async def main():
        async with client_of() as (client, _):
            return await client.post(server.url, content=endless_awaiting(made))

    made: list[int] = []
    server = scripted(script)

    assert run(main()).content == b"page"
    assert len(made) < 10_000


def test_an_answer_is_read_when_the_rest_of_an_upload_is_refused(scripted):
    """The blocking twin does not look while it sends."""

    def script(peer):
        peer.head()
        peer.say(LAST_PAGE)

    made: list[int] = []
    server = scripted(script)
    with contextlib.closing(twin("blocking")) as client:
        response = client.request("POST", server.url, content=endless(made))

    assert response.content == b"page"
    assert len(made) < 10_000


def test_a_reset_ends_an_upload_though_its_pieces_never_wait(wire, scripted):
    """A write to a lost connection does nothing, at once: without a look the loop never turns."""

    def script(peer):
        peer.head()
        peer.reset()

    made: list[int] = []
    server, client = scripted(script), wire()
    with pytest.raises(httpx.NetworkError):
        client.request("POST", server.url, content=client.body(endless(made)))

    assert len(made) < 10_000


# ---------------------------------------------------------------- bodies of answers, as they come


def test_a_body_is_there_piece_by_piece(wire, scripted):
    """The server sends no more before the head was seen."""

    def script(peer):
        peer.request()
        peer.say(OK, b"Content-Length: 4\r\n\r\n")
        server.until(lambda: seen)
        peer.say(b"pa", b"ge")
        peer.until_gone()

    seen: list[int] = []
    server, client = scripted(script), wire()
    response = client.begin("GET", server.url)
    seen.append(response.status_code)
    server.noted()

    assert client.read(response) == b"page"


def test_an_answer_that_is_not_wanted_to_its_end_takes_its_connection_along(wire, scripted):
    def script(peer):
        peer.request()
        peer.say(OK, b"Content-Length: 100\r\n\r\n", b"page")
        peer.until_gone()

    server, client = scripted(script), wire()
    for _ in range(2):
        client.leave(client.begin("GET", server.url))
    client.close()
    server.until(lambda: len(server.peers) == 2 and not server.here)


def test_two_answers_at_once_come_over_two_connections(wire, scripted):
    server, client = scripted(serve_always()), wire()
    first, second = client.begin("GET", server.url), client.begin("GET", server.url)
    bodies = [client.read(second), client.read(first)]
    for _ in range(2):
        client.request("GET", server.url)

    assert bodies == [b"page"] * 2
    assert sorted(len(peer.requests) for peer in server.peers) == [1, 3]  # the last one goes on


def test_what_was_not_read_of_one_answer_is_no_part_of_the_next(wire, scripted):
    """Its end has come with its head, so the connection is as good as new."""
    server, client = scripted(serve(PAGE, OK + b"Content-Length: 5\r\n\r\nother")), wire()
    client.leave(client.begin("GET", server.url))

    assert client.request("GET", server.url).content == b"other"


# ---------------------------------------------------------------- connections that end


def test_a_connection_closed_while_idle_is_not_used(wire, scripted):
    """Not even for what could not be sent twice."""

    def script(peer):
        peer.request()
        peer.say(PAGE)
        server.until(lambda: read)

    read: list[bytes] = []
    server, client = scripted(script), wire()
    read.append(client.request("GET", server.url).content)
    server.noted()
    server.until(lambda: server.peers[0].stream.fileno() == -1)

    assert client.request("POST", server.url, content=b"body").content == b"page"
    assert [len(peer.requests) for peer in server.peers] == [1, 1]


def test_what_an_idle_connection_says_is_no_answer_to_what_is_asked_next(wire, scripted):
    def script(peer):
        peer.request()
        peer.say(PAGE)
        server.until(lambda: read)
        peer.say(OK, b"Content-Length: 4\r\n\r\nevil")
        said.append(peer)
        server.noted()
        peer.until_gone()

    read: list[bytes] = []
    said: list[object] = []
    server, client = scripted(in_turn(script, serve_always())), wire()
    read.append(client.request("GET", server.url).content)
    server.noted()
    server.until(lambda: said)

    assert client.request("GET", server.url).content == b"page"
    assert len(server.peers) == 2


def test_more_than_the_answer_is_no_answer_to_what_is_asked_next(wire, scripted):
    server, client = scripted(in_turn(serve(PAGE + PAGE), serve_always())), wire()
    for _ in range(2):
        assert client.request("GET", server.url).content == b"page"

    assert [len(peer.requests) for peer in server.peers] == [1, 1]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_what_met_the_end_of_an_idle_connection_is_sent_over_a_new_one(wire, scripted, method):
    server = scripted(in_turn(leave_at_the_next(PAGE), serve_always(EMPTY)))
    client = wire()
    client.request("GET", server.url)
    content = b"body" if method == "PUT" else None
    response = client.request(method, server.url + "next", content=content)

    assert response.status_code == 200
    assert [len(peer.requests) for peer in server.peers] == [2, 1]
    assert server.peers[0].requests[1] == server.peers[1].requests[0]
    assert server.peers[1].bodies == [content or b""]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "REPORT"])
def test_what_may_not_be_done_twice_is_not_sent_twice(wire, scripted, method, end):
    def script(peer):
        leave_at_the_next(PAGE)(peer)
        if end == "reset":
            peer.reset()

    server, client = scripted(in_turn(script, serve_always())), wire()
    client.request("GET", server.url)
    with pytest.raises((httpx.RemoteProtocolError, httpx.NetworkError)):
        client.request(method, server.url, content=b"body")

    assert [len(peer.requests) for peer in server.peers] == [2]


def test_a_body_that_can_be_made_only_once_is_not_sent_twice(wire, scripted):
    server, client = scripted(in_turn(leave_at_the_next(PAGE), serve_always())), wire()
    client.request("GET", server.url)
    with pytest.raises(httpx.RemoteProtocolError):
        client.request("PUT", server.url, content=client.body([b"once"]))

    assert [len(peer.requests) for peer in server.peers] == [2]


def test_it_is_sent_again_only_once_and_only_over_a_new_connection(wire, scripted):
    """Two connections are idle, so the second one could be taken for the second try."""
    server, client = scripted(leave_at_the_next(PAGE)), wire()
    pair = [client.begin("GET", server.url), client.begin("GET", server.url)]
    for response in pair:
        client.read(response)
    assert client.request("GET", server.url).content == b"page"  # by way of a third one

    assert sorted(len(peer.requests) for peer in server.peers) == [1, 1, 2]


def test_a_server_that_leaves_twice_is_asked_twice(wire, scripted):
    server = scripted(in_turn(leave_at_the_next(PAGE), lambda peer: peer.request()))
    client = wire()
    client.request("GET", server.url)
    with pytest.raises(httpx.RemoteProtocolError):
        client.request("GET", server.url)

    assert [len(peer.requests) for peer in server.peers] == [2, 1]


def test_a_new_connection_that_ends_is_a_failure(wire, scripted):
    server = scripted(lambda peer: peer.request())
    with pytest.raises(httpx.RemoteProtocolError):
        wire().request("GET", server.url)

    assert len(server.peers) == 1


def test_an_answer_that_had_begun_is_not_asked_for_again(wire, scripted):
    def script(peer):
        leave_at_the_next(PAGE)(peer)
        peer.say(b"HTTP/1.1 200")

    server, client = scripted(in_turn(script, serve_always())), wire()
    client.request("GET", server.url)
    with pytest.raises(httpx.RemoteProtocolError):
        client.request("GET", server.url)

    assert len(server.peers) == 1


# ---------------------------------------------------------------- extensions, and being asked


def test_a_target_goes_as_it_is(wire, scripted):
    server, client = scripted(serve_always()), wire()
    for target in (b"*", b"/a/../b?%zz|", b"http://x.test/"):
        client.request("OPTIONS", server.url, extensions={"target": target})

    lines = [head.split(b"\r\n")[0] for head in server.peers[0].requests]
    assert lines == [
        b"OPTIONS * HTTP/1.1",
        b"OPTIONS /a/../b?%zz| HTTP/1.1",
        b"OPTIONS http://x.test/ HTTP/1.1",
    ]


@pytest.mark.parametrize("url", ["ftp://a.test/", "ws://a.test/"])
def test_other_protocols_are_not_supported(wire, url):
    with pytest.raises(httpx.UnsupportedProtocol):
        wire().request("GET", url)


def test_a_header_that_would_be_two_is_refused(wire, scripted):
    client, server = wire(), scripted(serve_always())
    with pytest.raises(httpx.LocalProtocolError):
        client.request("GET", server.url, headers={"X-A": "b\r\nX-C: d"})

    assert not server.peers
    assert client.request("GET", server.url).content == b"page"


def test_timings_tell_where_the_seconds_went(wire, scripted):
    def script(peer):
        for _ in range(2):
            peer.request()
            peer.say(OK, b"Content-Length: 4\r\n\r\n")
            peer.say(b"page")
        peer.until_gone()

    server, client = scripted(script), wire()
    first = client.begin("GET", server.url)
    made = first.extensions["timings"]
    assert made.total is None
    client.read(first)
    second = client.request("GET", server.url).extensions["timings"]

    assert made.queue is None
    assert made.tls is None
    assert 0 <= made.dns + made.connect <= made.ttfb <= made.total
    assert (second.queue, second.dns, second.connect, second.tls) == (None,) * 4
    assert 0 < second.ttfb <= second.total


def test_a_request_that_was_sent_again_tells_what_its_new_connection_took(wire, scripted):
    server = scripted(in_turn(leave_at_the_next(PAGE), serve_always()))
    client = wire()
    client.request("GET", server.url)
    timings = client.request("GET", server.url).extensions["timings"]

    assert 0 < timings.connect <= timings.ttfb


# ---------------------------------------------------------------- what only the awaiting one has


def test_it_says_how_many_connections_it_has(run, scripted):
    async def main():
        transport = WireTransport()
        async with httpx.AsyncClient(transport=transport) as client:
            said = [repr(transport)]
            async with client.stream("GET", server.url):
                said.append(repr(transport))
            said.append(repr(transport))
        said.append(repr(transport))
        return said

    server = scripted(serve_always())

    assert run(main()) == [
        "<WireTransport 0 open, 0 of them idle>",
        "<WireTransport 1 open, 0 of them idle>",
        "<WireTransport 1 open, 1 of them idle>",
        "<WireTransport 0 open, 0 of them idle>",
    ]


def test_where_an_upload_was_cut_off_nothing_else_follows(run, scripted):
    """The server would take it for the rest of that upload."""
    answered = asyncio.Event()

    async def pieces():
        yield b"half"
        await answered.wait()
        yield b"the other half"

    async def main():
        async with client_of() as (client, transport):
            length = {"Content-Length": "18"}
            post = asyncio.ensure_future(client.post(server.url, content=pieces(), headers=length))
            await until(lambda: any(one.reader.complete for one in transport._open))
            answered.set()
            return [(await post).content, (await client.get(server.url)).content]

    def script(peer):
        peer.head()
        peer.say(PAGE)
        peer.until_gone()

    server = scripted(script)

    assert run(main()) == [b"page"] * 2
    assert len(server.peers) == 2
