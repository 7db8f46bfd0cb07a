"""A server does its worst at every phase: each way of fetching ends as it should, and goes on."""

import asyncio
import contextlib
import datetime
import os
import socket
import ssl
import stat
import zlib
from unittest.mock import Mock

import httpx
import pytest
import trustme

from crawler.core.guard import Guard
from crawler.core.job import FetchRules, Options
from crawler.core.pages import Outcome
from crawler.core.urls import target_of
from crawler.stages.fetch import afetch, fetch
from crawler.system.clock import now
from crawler.wire.blocking_connection import BlockingConnection
from crawler.wire.connection import Connection
from crawler.wire.http1 import MAX_HEAD
from crawler.wire.names import Names
from crawler.wire.visit import Visit
from tests.wire.scripted import LAST_PAGE, LONG, PAGE, Peer, in_turn, serve_always
from tests.wire.twins import COLOURS, LOOPS, Blocking, client_of, twin, until

DAY = datetime.timedelta(days=1)
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH_4 = OK + b"Content-Length: 4\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
TO_THE_CLOSE = OK + b"\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

#: What a bad end is called: by httpx's clients, and by the fetch stage.
RESET = (httpx.ReadError, "reset: the connection was reset")
NO_ANSWER = (httpx.RemoteProtocolError, "reset: the connection was closed without an answer")
BROKEN = (
    httpx.RemoteProtocolError,
    "protocol: the answer is not valid HTTP, or ended early",
)
#: Before anything was sent it is a matter of chance which step meets the end.
AT_ONCE = (*RESET, *NO_ANSWER, httpx.ConnectError, httpx.WriteError)


class Way:
    """One way of fetching over one transport of ours; the same for all that is asked of it."""

    def __init__(self, colour, **options):
        self.twin = twin(colour, **options)
        self.is_blocking = isinstance(self.twin, Blocking)

    def until(self, is_so):
        """Let a loop turn until *is_so*(); without one it is so."""
        if self.is_blocking:
            assert is_so()
        else:
            self.twin.runner.run(until(is_so))

    def sockets(self):
        """Count the open sockets; uvloop has more of them while it runs."""
        if self.is_blocking:
            return sockets()

        async def main():
            return sockets()

        return self.twin.runner.run(main())

    @property
    def is_empty(self):
        """Whether no connection is open, or kept to be used again."""
        if self.is_blocking:
            return not len(self.twin.transport._pool)
        return repr(self.twin.transport) == "<WireTransport 0 open, 0 of them idle>"


class ByClient(Way):
    """An httpx client asks; it has no limit for a body."""

    def ask(self, url, read=LONG, total=LONG):
        """Return the body, or the error that there was instead."""
        visit = Visit(Guard(allow_private=True), now() + total, typed=True, referrer_home=None)
        timeout = httpx.Timeout(LONG, read=read)
        try:
            return self.twin.request(
                "GET", url, timeout=timeout, extensions={"visit": visit}
            ).content
        except httpx.HTTPError as error:
            return type(error)


class ByStage(Way):
    """The fetch stage asks."""

    def ask(self, url, read=LONG, total=LONG, **limits):
        """Return the body, or what went wrong in the stage's words."""
        options = Options(timeout=total, connect_timeout=LONG, read_timeout=read, **limits)
        asked = (self.twin.transport, target_of(url), FetchRules.of(options, "test"))
        found = fetch(*asked) if self.is_blocking else self.twin.runner.run(afetch(*asked))
        if found.outcome is Outcome.OK:
            return found.body
        assert (found.body, found.wire_bytes) == (None, None)
        return f"{found.outcome}: {found.error}"


KINDS = {"client": ByClient, "stage": ByStage}
STAGES = [f"stage {colour}" for colour in COLOURS]
WAYS = [*(f"client {colour}" for colour in COLOURS), *STAGES]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def client_tls(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(params=WAYS)
def way(request, client_tls):
    kind, _, colour = request.param.partition(" ")
    made = KINDS[kind](colour, tls=client_tls, names=Names({"site.test": "127.0.0.1"}))
    with contextlib.closing(made.twin):
        yield made


def sockets():
    """Count the open sockets of this process."""
    found = 0
    for number in range(512):
        with contextlib.suppress(OSError):
            found += stat.S_ISSOCK(os.fstat(number).st_mode)
    return found


class Left:
    """Asks a server that does its worst, and looks whether anything of it stays behind."""

    def __init__(self, way, scripted):
        self.way = way
        self.scripted = scripted

    def by(self, *scripts, tls=None, is_known=False, **limits):
        """Return what came of asking, and the first peer; then a good page must come.

        One that is known was asked before: a short deadline may pass before one is connected.
        """
        self.server = server = self.scripted(in_turn(*scripts, serve_always()), tls=tls)
        before = self.way.sockets()
        assert not is_known or self.way.ask(server.url) == b"page"
        found = self.way.ask(server.url, **limits)
        server.until(lambda: len(server.peers) == len(scripts))
        self.nothing_of(server, before)
        assert self.way.ask(server.url) == b"page"
        assert len(server.peers) == len(scripts) + 1
        return found, server.peers[0]

    def nothing_of(self, server, before):
        for thread in server._threads[1:]:
            thread.join(LONG)
            assert not thread.is_alive(), "the client did not leave"
        self.way.until(lambda: self.way.is_empty and sockets() == before)


@pytest.fixture
def left(way, scripted):
    return Left(way, scripted)


# ---------------------------------------------------------------- the end, at every phase


def half_close(peer):
    peer.stream.shutdown(socket.SHUT_WR)
    peer.until_gone()


def saying(said, end):
    """Return a script that says something, and ends so; None: before anything was asked."""

    def script(peer):
        if said is not None:
            peer.request()
            peer.stream.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )  # or resets overtake it
            peer.say(said)
        end(peer)

    return script


#: What was said, and what it is if the server then closes its side.
PHASES = {
    "at accept": (None, NO_ANSWER),
    "after the request": (b"", NO_ANSWER),
    "in an interim answer": (INTERIM[:30], BROKEN),
    "behind an interim answer": (INTERIM, BROKEN),
    "in the status line": (OK[:11], BROKEN),
    "in the headers": (OK + b"Content-Ty", BROKEN),
    "between head and body": (LENGTH_4, BROKEN),
    "in a body with a length": (LENGTH_4 + b"pa", BROKEN),
    "between head and chunk": (CHUNKED, BROKEN),
    "in the line of a chunk's size": (CHUNKED + b"4\r\npage\r\n1", BROKEN),
    "in a chunk": (CHUNKED + b"4\r\npa", BROKEN),
    "behind a chunk": (CHUNKED + b"4\r\npage\r\n", BROKEN),
    "in a trailer": (CHUNKED + b"4\r\npage\r\n0\r\nT: x", BROKEN),
    "behind a trailer": (CHUNKED + b"4\r\npage\r\n0\r\nT: x\r\n", BROKEN),
    "in a body to the close": (TO_THE_CLOSE + b"pa", [b"pa"]),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_reset_at_any_phase(left, phase):
    said, _ = PHASES[phase]
    found, _ = left.by(saying(said, Peer.reset))

    assert found in (AT_ONCE if said is None else RESET)


@pytest.mark.parametrize("phase", PHASES)
def test_half_a_close_at_any_phase(left, phase):
    said, expected = PHASES[phase]
    found, _ = left.by(saying(said, half_close))

    assert found in expected


@pytest.mark.parametrize("end", [Peer.reset, half_close], ids=["reset", "half a close"])
@pytest.mark.parametrize("said", [LENGTH_4 + b"pa", CHUNKED + b"4\r\npa", TO_THE_CLOSE + b"pa"])
def test_the_end_of_a_body_whose_head_was_seen(wire, scripted, said, end):
    """Here nothing that was said can come together with the end."""
    seen: list[int] = []

    def script(peer):
        peer.request()
        peer.say(said)
        server.until(lambda: seen)
        end(peer)

    server, client = scripted(in_turn(script, serve_always())), wire()
    response = client.begin("GET", server.url)
    seen.append(response.status_code)
    server.noted()
    try:
        found = client.read(response)
    except httpx.HTTPError as error:
        found = type(error)
    client.leave(response)

    closed = b"pa" if said.startswith(TO_THE_CLOSE) else httpx.RemoteProtocolError
    assert found == (httpx.ReadError if end is Peer.reset else closed)
    assert client.request("GET", server.url).content == b"page"
    assert len(server.peers) == 2


# ---------------------------------------------------------------- the end, during an upload


UPLOADS = {
    "no answer": (b"", httpx.RemoteProtocolError),
    "half a head": (OK, httpx.RemoteProtocolError),
    "half a body": (LENGTH_4 + b"pa", httpx.RemoteProtocolError),
    "a page": (LAST_PAGE, b"page"),
    "a page to the close": (TO_THE_CLOSE + b"page", b"page"),
}


def uploaded(client, scripted, said, count):
    """Return what came of an upload to a server that reads, but closed its side at its head."""

    def script(peer):
        peer.head()
        peer.say(said)
        half_close(peer)

    def pieces():
        for _ in range(count):
            made.append(1)
            yield b"x" * 65_536

    made: list[int] = []
    server = scripted(in_turn(script, serve_always()))
    try:
        found = client.request("POST", server.url, content=client.body(pieces())).content
    except httpx.HTTPError as error:
        found = type(error)
    server.until(lambda: not server.here)
    assert client.request("GET", server.url).content == b"page"
    assert len(server.peers) == 2
    return found, len(made)


@pytest.mark.parametrize("case", UPLOADS)
def test_half_a_close_during_an_upload(wire, scripted, case):
    said, expected = UPLOADS[case]
    found, _ = uploaded(wire(), scripted, said, 50)

    assert found == expected


@pytest.mark.parametrize("case", UPLOADS)
@pytest.mark.parametrize("loop", LOOPS)
def test_half_a_close_ends_an_upload(scripted, loop, case):
    """The blocking twin does not look while it sends."""
    said, expected = UPLOADS[case]
    with contextlib.closing(twin(loop)) as client:
        found, made = uploaded(client, scripted, said, 10_000)

    assert found == expected
    assert made < 10_000


def test_an_upload_that_never_waits_lets_the_loop_turn(run):
    """Otherwise the end would not be seen while its server takes every piece at once."""

    async def main():
        loop = asyncio.get_running_loop()
        connection = Connection(loop, "127.0.0.1", print)
        connection.connection_made(taker)
        connection.start(b"", "POST", float("inf"))
        loop.call_soon(turned.append, "turned")
        for _ in range(10):
            await connection.send(b"x" * 65_536, None)
        return list(turned)

    turned: list[str] = []
    with socket.socket() as plain:
        taker = Mock(is_closing=lambda: False, get_extra_info=lambda _: plain)
        assert run(main()) == ["turned"]
    assert taker.write.call_count == 11


def test_a_connection_that_went_with_its_last_byte_is_not_dropped_again(run, scripted):
    """The end of its peer comes in the same turn as room for all that is left to send."""

    def script(peer):
        peer.head()
        server.until(lambda: taken)
        peer.stream.shutdown(socket.SHUT_WR)
        peer._exactly(taken[0])
        drained.append(peer)
        server.noted()
        peer.until_gone()

    async def pieces(transport):
        [connection] = transport._open
        sent = 0
        while not (left := connection._transport.get_write_buffer_size()):
            yield b"x" * 16_384
            sent += 16_384
        taken.append(sent - left)
        server.noted()
        server.until(lambda: drained)
        yield b"x" * 65_536  # waits, and the loop turns

    async def main():
        async with client_of() as (client, transport):
            length = {"Content-Length": str(2**40)}
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(server.url, content=pieces(transport), headers=length)
            await until(lambda: not transport._open)

    taken: list[int] = []
    drained: list[object] = []
    server = scripted(script)
    run(main())
    server.until(lambda: not server.here)


# ---------------------------------------------------------------- slow ones


@pytest.mark.parametrize("phase", PHASES)
def test_silence_at_any_phase_ends_with_the_read_timeout(left, phase):
    said, _ = PHASES[phase]
    found, _ = left.by(saying(said, Peer.until_gone), read=0.03)

    assert found in (httpx.ReadTimeout, "timeout: nothing received for 0.03 s")


def drip(peer, drop):
    """Go on and on, a drop each 10 ms, for some seconds at most."""
    peer.stream.settimeout(0.01)
    for _ in range(300):
        try:
            if not peer.stream.recv(65_536):
                return
        except TimeoutError:
            peer.say(drop)


DRIPS = {
    "the headers": (OK, b"A: b\r\n"),
    "interim answers": (b"", INTERIM),
    "a body with a length": (OK + b"Content-Length: 9999\r\n\r\n", b"x"),
    "chunks": (CHUNKED, b"1\r\nx\r\n"),
    "a trailer": (CHUNKED + b"0\r\n", b"T: x\r\n"),
}


@pytest.mark.parametrize("what", DRIPS)
def test_a_drip_that_never_is_silent_ends_with_the_deadline(left, what):
    said, drop = DRIPS[what]
    script = saying(PAGE, saying(said, lambda peer: drip(peer, drop)))
    found, _ = left.by(script, is_known=True, read=0.15, total=0.15)

    assert found in (httpx.ReadTimeout, httpx.WriteTimeout, "timeout: not finished within 0.15 s")


# ---------------------------------------------------------------- endless ones

#: A flood is seen to be one after MAX_HEAD; the rest is what fits into the sockets' buffers, and
#: what uvloop reads before it lets anybody look: up to 8 MB.
FITS = 16 * 2**20


def flooding(said, piece):
    """Return a script that sends far more than fits, if it is let, and leaves."""

    def script(peer):
        peer.stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        peer.request()
        peer.say(said)
        peer.flood(piece * (10_000 // len(piece)), 4 * FITS)

    return script


FLOODS = {
    "a reason": (b"HTTP/1.1 200 ", b"x"),
    "a line": (OK + b"X-A: ", b"x"),
    "lines": (OK, b"X-A: b\r\n"),
    "empty lines": (b"", b"\r\n"),
    "interim answers": (b"", INTERIM),
    "an extension": (CHUNKED + b"4;x=", b"y"),
    "a size": (CHUNKED, b"0"),
    "trailers": (CHUNKED + b"4\r\npage\r\n0\r\n", b"T: x\r\n"),
    "a trailer": (CHUNKED + b"4\r\npage\r\n0\r\nT: ", b"x"),
}


@pytest.mark.parametrize("what", FLOODS)
def test_what_stands_around_a_body_has_an_end(left, what):
    found, peer = left.by(flooding(*FLOODS[what]))

    assert found in BROKEN
    assert peer.sent < MAX_HEAD + FITS


def test_what_follows_an_answer_without_end_is_not_read(way, scripted):
    """An idle connection may fill its buffers, until somebody looks at it."""
    server = scripted(in_turn(flooding(PAGE, PAGE), serve_always()))
    first = way.ask(server.url)
    server.until(lambda: server.peers[0].sent)
    second = way.ask(server.url)
    server._threads[1].join(LONG)

    assert (first, second, len(server.peers)) == (b"page", b"page", 2)
    assert server.peers[0].sent < FITS


PACKED = OK + b"Content-Encoding: gzip\r\n"
_packer = zlib.compressobj(wbits=31)
_BOMB = _packer.compress(bytes(100_000)) + _packer.flush(zlib.Z_SYNC_FLUSH)
_MORE = _packer.compress(bytes(100_000)) + _packer.flush(zlib.Z_SYNC_FLUSH)
_CHUNK = b"%x\r\n%b\r\n" % (len(_MORE), _MORE)

BODIES = {
    "with a length": (OK + b"Content-Length: %d\r\n\r\n" % 2**62, b"x"),
    "to the close": (TO_THE_CLOSE, b"x"),
    "in chunks": (CHUNKED, b"3e8\r\n%b\r\n" % (b"x" * 1000)),
    "in one chunk": (CHUNKED + b"%x\r\n" % 2**62, b"x"),
    "packed, to the close": (PACKED + b"\r\n" + _BOMB, _MORE),
    "packed, in chunks": (
        PACKED + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(_BOMB), _BOMB),
        _CHUNK,
    ),
}


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("way", STAGES, indirect=True)
def test_a_body_without_end_is_too_large(left, what):
    found, peer = left.by(flooding(*BODIES[what]), max_bytes=100_000)

    assert found == "too-large: more than 100000 bytes as sent"
    assert peer.sent < FITS


@pytest.mark.parametrize("framing", ["with a length", "to the close", "in chunks"])
@pytest.mark.parametrize("way", STAGES, indirect=True)
def test_a_redirect_is_followed_though_its_body_has_no_end(left, framing):
    head, piece = BODIES[framing]
    moved = head.replace(b"200 OK", b"302 Found\r\nLocation: /there")
    found, peer = left.by(flooding(moved, piece), saying(LAST_PAGE, Peer.until_gone))

    assert found == b"page"
    assert peer.sent < FITS


# ---------------------------------------------------------------- TLS


def server_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # with them each first page comes 40 ms later: Nagle
    certificate.configure_cert(context)
    return context


def self_signed():
    alone = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with alone.cert_pem.tempfile() as certificate, alone.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)
    return context


@pytest.fixture(scope="module")
def good_tls(authority):
    return server_tls(authority.issue_cert("127.0.0.1", "site.test"))


@pytest.fixture(scope="module")
def bad_tls(authority):
    """Contexts of servers that are not to be believed, by what is said of them."""
    today = datetime.datetime.now(datetime.UTC)
    issue = authority.issue_cert
    old = issue("site.test", not_before=today - 2 * DAY, not_after=today - DAY)
    early = issue("site.test", not_before=today + DAY, not_after=today + 2 * DAY)
    foreign = trustme.CA().issue_cert("site.test")
    return {
        "the certificate is for another host": server_tls(issue("other.test")),
        "the certificate has expired": server_tls(old),
        "the certificate is not valid yet": server_tls(early),
        "the certificate's issuer is not trusted": server_tls(foreign),
        "the certificate is self-signed": self_signed(),
        "TLS failed": None,
    }


def plainly(peer):
    """Answer a handshake without TLS."""
    peer.stream.recv(65_536)
    peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_whom_tls_does_not_believe_leaves_nothing_behind(left, way, scripted, good_tls, bad_tls):
    for words, context in bad_tls.items():
        server = scripted(plainly if context is None else serve_always(), tls=context)
        before = way.sockets()
        found = way.ask(f"https://site.test:{server.port}/")
        left.nothing_of(server, before)

        assert found in (httpx.ConnectError, f"tls: {words}")
        assert not server.requests
    good = scripted(serve_always(), tls=good_tls)

    assert way.ask(f"https://site.test:{good.port}/") == b"page"


def test_a_handshake_that_drips_ends_with_the_deadline(way, left, scripted):
    """A server's first record, byte by byte."""

    def script(peer):
        peer.say(b"\x16\3\3\x3f\xff\2\0\x3f\xfb\3\3")
        drip(peer, b"x")

    server = scripted(script)
    before = way.sockets()
    found = way.ask(f"https://{server.netloc}/", total=0.15)
    left.nothing_of(server, before)

    assert found in (httpx.ConnectTimeout, "timeout: not finished within 0.15 s")


TLS_PHASES = [
    "at accept",
    "after the request",
    "in the status line",
    "in a body with a length",
    "in a chunk",
    "in a body to the close",
]


def close_unsaid(peer):
    """Close the connection, and not TLS in it."""
    peer.stream.close()


def close_said(peer):
    with contextlib.suppress(OSError):
        peer.stream.unwrap()


@pytest.mark.parametrize(
    "end", [Peer.reset, close_said, close_unsaid], ids=["reset", "close_notify", "no close_notify"]
)
@pytest.mark.parametrize("phase", TLS_PHASES)
def test_the_end_of_an_answer_over_tls(left, good_tls, phase, end):
    """Where only the close ends a body, many servers do not announce it: it is taken as it is."""
    said, closed = PHASES[phase]
    found, _ = left.by(saying(said, end), tls=good_tls)

    assert found in (AT_ONCE if said is None else RESET if end is Peer.reset else closed)


def test_a_reset_over_tls_before_a_request_was_sent(left, good_tls, monkeypatch):
    def start(connection, *arguments):
        left.server.until(lambda: left.server.peers and left.server.peers[0].stream.fileno() == -1)
        begin(connection, *arguments)

    begin = BlockingConnection.start
    monkeypatch.setattr(BlockingConnection, "start", start)
    found, _ = left.by(Peer.reset, tls=good_tls)

    assert found in AT_ONCE


def test_what_is_no_tls_in_the_middle_of_it(left, good_tls):
    def garble(peer):
        os.write(peer.stream.fileno(), b"\0" * 100)
        peer.until_gone()

    found, _ = left.by(saying(TO_THE_CLOSE + b"pa", garble), tls=good_tls)

    assert found in (httpx.ReadError, "tls: TLS failed")
