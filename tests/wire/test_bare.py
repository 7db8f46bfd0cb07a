"""The bare connection over real sockets: what is told to whom, once, and what is kept."""

import asyncio
import os
import ssl
from itertools import pairwise
from typing import Any

import httptools
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.system.usage import peak_memory
from crawler.wire.bare import BareConnection
from tests.wire.scripted import LAST_PAGE, PAGE, in_turn, serve, serve_always

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = (
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\npa\r\n2;x=y\r\nge\r\n0\r\nTrailer: t\r\n\r\n"
)
UNTIL_CLOSE = OK + b"\r\npage"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


class Ears:
    """An owner that keeps what it is told."""

    def __init__(self):
        self.news: asyncio.Queue = asyncio.Queue()
        self.connection: Any = None

    def answered(self, connection):
        self.news.put_nowait(("answered", connection.status, connection.received))
        if not connection.is_reusable:
            connection.close()

    def failed(self, connection, reason):
        self.news.put_nowait(("failed", reason, connection.received))

    def lost(self, _):
        self.news.put_nowait(("lost", 0, 0))

    async def next(self):
        return await asyncio.wait_for(self.news.get(), 20)

    async def ask(self, request=REQUEST, **more):
        self.connection.ask(request, **more)
        return (await self.next())[:2]


async def open_to(server, tls=None):
    ears = Ears()
    _, ears.connection = await asyncio.get_running_loop().create_connection(
        lambda: BareConnection(ears, None),
        "127.0.0.1",
        server.port,
        ssl=tls,
        server_hostname="site.test" if tls else None,
    )
    return ears


async def hears_no_more(ears):
    """Close the connection, and say whether its owner is told anything from then on."""
    ears.connection.close()
    for _ in range(10):
        await asyncio.sleep(0)
    return ears.news.empty()


@pytest.fixture
def asks(run, scripted):
    """Ask a server with this script once for each of *kinds*; give what was told, and the ears."""

    def ask(script, *kinds, tls=None, secured=None):
        server = scripted(script, tls=tls)

        async def main():
            ears = await open_to(server, secured)
            told = [await ears.ask(**kind) for kind in kinds or ({},)]
            assert ears.news.empty()
            reusable = ears.connection.is_reusable
            assert await hears_no_more(ears)
            return told, reusable

        return run(main())

    return ask


def in_pieces(answer, size=1):
    def script(peer):
        while True:
            peer.request()
            for at in range(0, len(answer), size):
                peer.say(answer[at : at + size])

    return script


@pytest.mark.parametrize(
    "answer",
    [PAGE, CHUNKED, CONTINUE + PAGE, CONTINUE + HINTS + CHUNKED, OK + b"Content-Length: 0\r\n\r\n"],
)
def test_an_answer_may_come_byte_by_byte(asks, answer):
    assert asks(in_pieces(answer), {}, {}) == ([("answered", 200)] * 2, True)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_with_its_head(asks, status):
    answer = b"HTTP/1.1 %d X\r\nETag: x\r\n\r\n" % status
    assert asks(serve_always(answer), {}, {}) == ([("answered", status)] * 2, True)


def test_the_answer_to_head_has_no_body_whatever_it_says(asks):
    answer = OK + b"Content-Length: 1000\r\n\r\n"
    head = {"bodiless": True}
    assert asks(serve_always(answer), head, head) == ([("answered", 200)] * 2, True)


def test_the_answer_to_head_may_come_after_an_interim_one_and_byte_by_byte(asks):
    answer = HINTS + OK + b"Transfer-Encoding: chunked\r\n\r\n"
    head = {"bodiless": True}
    assert asks(in_pieces(answer), head, head) == ([("answered", 200)] * 2, True)


def test_the_answer_to_head_needs_no_length(asks):
    head = {"bodiless": True}
    assert asks(serve_always(OK + b"\r\n"), head, head) == ([("answered", 200)] * 2, True)
    close = OK + b"Connection: close\r\n\r\n"
    assert asks(serve_always(close), head) == ([("answered", 200)], False)


def test_after_the_answer_to_head_others_are_read_as_before(asks):
    script = serve(OK + b"Content-Length: 4\r\n\r\n", PAGE)
    assert asks(script, {"bodiless": True}, {}) == ([("answered", 200)] * 2, True)


def test_an_answer_may_last_until_the_end(asks):
    def script(peer):
        peer.request()
        peer.say(UNTIL_CLOSE)

    assert asks(script) == ([("answered", 200)], False)


def test_an_answer_in_a_coding_but_not_in_chunks_lasts_until_the_end(asks):
    """RFC 9112 section 6.3, rule 4."""

    def script(peer):
        peer.request()
        peer.say(OK + b"Transfer-Encoding: gzip\r\n\r\nxxxx")

    assert asks(script) == ([("answered", 200)], False)


def test_after_connection_close_it_is_not_to_be_used(asks):
    assert asks(serve(LAST_PAGE)) == ([("answered", 200)], False)


def test_each_status_is_told(asks):
    answers = [b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % n for n in (200, 301, 404, 503, 599)]
    told, _ = asks(serve(*answers), *[{}] * len(answers))
    assert [status for _, status in told] == [200, 301, 404, 503, 599]


@pytest.mark.parametrize("second", [PAGE, PAGE[:1], PAGE[:12], b"garbage\r\n\r\n"])
def test_what_follows_an_answer_is_taken_for_no_answer_to_the_next_request(asks, second):
    assert asks(serve(PAGE + second)) == ([("answered", 200)], False)


def cut(answer):
    """Return a script that sends part of an answer, and closes."""

    def script(peer):
        peer.request()
        peer.say(answer)

    return script


TRUNCATED = [
    PAGE[:-1],
    PAGE[:9],
    OK,
    CHUNKED[:-2],
    CONTINUE,
    CONTINUE + PAGE[:-1],
    HINTS + CHUNKED[:-7],
]


@pytest.mark.parametrize("answer", TRUNCATED)
def test_an_answer_that_is_cut_short_is_truncated(asks, answer):
    assert asks(cut(answer)) == ([("failed", "truncated")], False)


def test_an_answer_that_is_cut_short_behind_an_interim_one_that_came_first():
    owner = Counting()
    connection = connection_of(owner)
    connection.ask(REQUEST)
    for part in (CONTINUE, PAGE[:30], PAGE[30:-1]):
        connection.data_received(part)
    connection.eof_received()
    assert owner.told == ["truncated"]


def resets_after(answer):
    def script(peer):
        peer.request()
        peer.say(answer)
        peer.reset()

    return script


@pytest.mark.parametrize("answer", [b"", PAGE[:-1], UNTIL_CLOSE])
def test_a_reset_is_a_reset(asks, answer):
    told, reusable = asks(resets_after(answer))
    assert told == [("failed", "reset")]
    assert not reusable


def test_a_close_without_an_answer_counts_as_a_reset(asks):
    assert asks(cut(b"")) == ([("failed", "reset")], False)


GARBAGE = [
    b"SSH-2.0-x\r\n",
    b"HTTQ/9.9 banana\x00\r\n\r\n",
    OK + b"no colon here\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\npage",
    b"HTTP/1.1 2OO OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    b"\x16\x03\x01\x00\x01\x01",
]


@pytest.mark.parametrize("answer", GARBAGE)
def test_what_is_no_http_is_told_at_once(asks, answer):
    def script(peer):
        peer.request()
        peer.say(answer)
        peer.until_gone()

    assert asks(script) == ([("failed", "protocol")], False)


def test_a_server_that_closes_an_idle_connection_is_lost(run, scripted):
    def script(peer):
        peer.request()
        peer.say(PAGE)

    server = scripted(script)

    async def main():
        ears = await open_to(server)
        assert await ears.ask() == ("answered", 200)
        assert (await ears.next())[0] == "lost"
        assert not ears.connection.is_reusable
        assert await hears_no_more(ears)

    run(main())


@pytest.mark.parametrize("news", [PAGE, b"x"])
def test_a_server_that_speaks_first_is_lost(run, scripted, news):
    server = scripted(lambda peer: (peer.say(news), peer.until_gone()))

    async def main():
        ears = await open_to(server)
        assert (await ears.next())[0] == "lost"
        assert await hears_no_more(ears)

    run(main())


def test_a_connection_that_was_closed_says_nothing_of_what_was_in_flight(run, scripted):
    def script(peer):
        peer.request()
        peer.say(PAGE[:20])
        peer.until_gone()

    server = scripted(script)

    async def main():
        ears = await open_to(server)
        ears.connection.ask(REQUEST)
        while not ears.connection.received:  # noqa: ASYNC110 (nobody tells of a part)
            await asyncio.sleep(0)
        assert ears.connection.received == 20
        assert await hears_no_more(ears)

    run(main())
    server.until(lambda: not server.here)


def test_a_request_of_a_megabyte_is_sent_whole(asks):
    body = bytes(range(256)) * 4096
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    seen = []

    def script(peer):
        peer.request()
        seen.append(peer.bodies[0] == body)
        peer.say(PAGE)
        peer.until_gone()

    assert asks(script, {"request": head + body}) == ([("answered", 200)], True)
    assert seen == [True]


def test_bytes_are_counted_for_each_answer_by_itself(run, scripted):
    server = scripted(in_pieces(CHUNKED, 7))

    async def main():
        ears = await open_to(server)
        for _ in range(3):
            ears.connection.ask(REQUEST)
            assert await ears.next() == ("answered", 200, len(CHUNKED))
        assert ears.connection.first_head.startswith(OK)
        ears.connection.close()

    run(main())


def test_the_first_head_is_kept_even_when_it_came_in_parts(run, scripted):
    answer = OK + b"X-Arrival: 7\r\nContent-Length: 4\r\n\r\npage"
    server = scripted(in_pieces(CONTINUE + answer, 3))

    async def main():
        ears = await open_to(server)
        assert await ears.ask() == ("answered", 200)
        assert b"\r\nX-Arrival: 7\r\n" in ears.connection.first_head
        ears.connection.close()

    run(main())


@pytest.mark.parametrize("start", [OK + b"X: ", UNTIL_CLOSE])
def test_an_answer_without_end_takes_no_memory(run, scripted, start):
    """It keeps what is a thousandth of what came."""
    most = 60_000_000

    def script(peer):
        peer.request()
        peer.say(start)
        peer.flood(b"x" * 1_000_000, most)

    server = scripted(script)

    async def main():
        ears = await open_to(server)
        ears.connection.ask(REQUEST)
        before = 0
        while ears.connection.received < most // 2:
            if not before and ears.connection.received > most // 8:
                before = peak_memory()
            await asyncio.sleep(0)
        assert peak_memory() - before < 8_000_000
        assert await hears_no_more(ears)

    run(main())


# Over TLS.


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def server_side(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("site.test").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def secured(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("answer", [PAGE, CHUNKED])
def test_over_tls_it_is_the_same(asks, server_side, secured, answer):
    told = asks(in_pieces(answer, 5), {}, {}, tls=server_side, secured=secured)
    assert told == ([("answered", 200)] * 2, True)


def test_a_reset_over_tls_is_a_reset(asks, server_side, secured):
    told, _ = asks(resets_after(PAGE[:-1]), tls=server_side, secured=secured)
    assert told == [("failed", "reset")]


@pytest.mark.parametrize(
    ("answer", "reason"), [(PAGE[:-1], "truncated"), (b"", "reset")], ids=["within", "before"]
)
def test_an_end_over_tls_is_told_as_one_without(asks, server_side, secured, answer, reason):
    told, reusable = asks(cut(answer), tls=server_side, secured=secured)
    assert told == [("failed", reason)]
    assert not reusable


def test_what_is_no_tls_any_more_is_told_as_such(asks, server_side, secured):
    def script(peer):
        peer.request()
        peer.say(PAGE[:-1])
        os.write(peer.stream.fileno(), b"no record of TLS at all")
        peer.until_gone()

    told, _ = asks(script, tls=server_side, secured=secured)
    assert told == [("failed", "tls")]


# Against the same parser that is given all at once.


STATUS = st.sampled_from([200, 204, 301, 304, 404, 500])
BODY = st.binary(max_size=30)


@st.composite
def answers(draw):
    """An answer that ends by itself."""
    status, body = draw(STATUS), draw(BODY)
    interim = draw(st.sampled_from([b"", CONTINUE, HINTS]))
    start = b"HTTP/1.1 %d X\r\n" % status
    if status in {204, 304}:
        return interim + start + b"\r\n", status
    if draw(st.booleans()):
        return interim + start + b"Content-Length: %d\r\n\r\n" % len(body) + body, status
    chunk = b"%x\r\n" % len(body) + body + b"\r\n" if body else b""
    return interim + start + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n", status


class NoTransport:
    def write(self, data):
        pass

    def abort(self):
        pass


class Counting:
    def __init__(self):
        self.told = []

    def answered(self, connection):
        self.told.append(connection.status)

    def failed(self, _, reason):
        self.told.append(reason)

    def lost(self, _):
        self.told.append("lost")


def connection_of(owner):
    connection: Any = BareConnection(owner, None)
    connection.connection_made(NoTransport())
    return connection


@settings(max_examples=40)
@given(st.lists(st.tuples(answers(), st.lists(st.integers(1, 200)), st.integers(0)), max_size=4))
def test_each_request_gets_one_word_wherever_its_answer_is_cut(exchanges):
    owner = Counting()
    connection = connection_of(owner)
    for (raw, _), cuts, _ in exchanges:
        connection.ask(REQUEST)
        edges = [0, *sorted({cut for cut in cuts if cut < len(raw)}), len(raw)]
        for begin, end in pairwise(edges):
            connection.data_received(raw[begin:end])
        assert connection.received == len(raw)
        assert connection.is_reusable
    assert owner.told == [status for (_, status), _, _ in exchanges]
    connection.close()
    connection.connection_lost(None)
    assert len(owner.told) == len(exchanges)


@settings(max_examples=40)
@given(answers(), st.integers(0), st.sampled_from(["eof", "error", "close"]))
def test_an_answer_that_ends_too_early_is_told_once_or_not_at_all(answer, end, how):
    raw, _ = answer
    owner = Counting()
    connection = connection_of(owner)
    connection.ask(REQUEST)
    part = raw[: end % len(raw)]
    if part:
        connection.data_received(part)
    if how == "close":
        connection.close()
    elif how == "eof":
        connection.eof_received()
    connection.connection_lost(ConnectionResetError(104, "reset") if how == "error" else None)
    wanted = {"eof": "truncated" if part else "reset", "error": "reset"}.get(how)
    assert owner.told == ([wanted] if wanted else [])
    assert not connection.is_reusable


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5))
def test_no_bytes_make_it_raise_or_say_two_words(parts):
    owner = Counting()
    connection = connection_of(owner)
    connection.ask(REQUEST)
    for part in parts:
        connection.data_received(part)
    connection.eof_received()
    connection.connection_lost(None)
    assert len([word for word in owner.told if word != "lost"]) == 1


def test_a_fault_in_the_parser_s_callbacks_is_not_taken_for_the_server_s(monkeypatch):
    connection = connection_of(Counting())
    monkeypatch.setattr(connection, "on_headers_complete", lambda: 1 / 0)
    connection.ask(REQUEST)
    with pytest.raises(httptools.HttpParserCallbackError):
        connection.data_received(PAGE)


def test_a_connection_may_be_asked_again_from_within_its_owner_s_ear(run, scripted):
    server = scripted(in_turn(serve_always()))

    async def main():
        ears = await open_to(server)
        told = ears.answered

        def answered(connection):
            told(connection)
            connection.ask(REQUEST)

        ears.answered = answered
        ears.connection.ask(REQUEST)
        for _ in range(20):
            assert (await ears.next())[:2] == ("answered", 200)
        ears.connection.close()

    run(main())
