"""HTTP/2, where a server offers it: spoken over TLS, with the same guard, limits and failures."""

import asyncio
import contextlib
import socket
import ssl
import threading
from typing import Any

import pytest
import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

from crawler.core.job import LOOPS, FetchRules, Options, Way
from crawler.core.pages import Outcome
from crawler.core.urls import target_of
from crawler.stages.fetch import afetch, fetch
from crawler.system.loops import loop_factory
from crawler.wire.names import Names
from crawler.wire.tls import tls_context
from crawler.wire.transports import atransport_of, transport_of
from tests.wire.relays import LONG, HttpProxy, Server, SocksProxy, page, server_context

in_every_colour = pytest.mark.parametrize(
    "visit", [f"httpcore {colour}" for colour in ("fetch", "asyncio", "uvloop")], indirect=True
)
NAMES = {"public.test": "127.1.0.1", "site.test": "127.0.0.1"}
OUTSIDE: dict[str, Any] = {
    "http2": True, "resolve": NAMES, "treat_as_public": ("127.1.0.0/16",),
}  # fmt: skip


class Line:
    """One stream of an HTTP/2 connection, as a script sees it."""

    def __init__(self, peer, h2, stream, path):
        self.peer, self.h2, self.stream, self.path = peer, h2, stream, path

    def head(self, status="200", *fields, end=False):
        self.h2.send_headers(self.stream, [(":status", status), *fields], end_stream=end)
        self.flush()

    def data(self, data, *, end=True):
        self.h2.send_data(self.stream, data, end_stream=end)
        self.flush()

    def flush(self):
        self.peer.sendall(self.h2.data_to_send())


def say_page(line):
    """Answer with a page, or redirect to what the query is."""
    where = line.path.partition("?")[2]
    line.head("302" if where else "200", *([("location", where)] if where else []))
    line.data(b"page")


def leave_whole(peer):
    """Say no more, and read to the end: to close with bytes unread would be a reset."""
    peer.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        while peer.recv(65_536):
            pass


class H2Server(Server):
    """Speaks HTTP/2 if that is agreed on; *say* answers, and ends the connection if it is true."""

    def __init__(self, certificate, say=say_page, protocols=("h2", "http/1.1"), host="127.0.0.1"):
        self.say = say
        self.asked: list[str] = []
        self.spoken: list[str | None] = []
        super().__init__(tls=server_context(certificate, *protocols), host=host)

    def talk(self, peer):
        self.spoken.append(peer.selected_alpn_protocol())
        if self.spoken[-1] != "h2":
            return page(peer)
        settings = H2Configuration(client_side=False, validate_outbound_headers=False)
        h2 = H2Connection(settings)
        h2.initiate_connection()
        peer.sendall(h2.data_to_send())
        while data := peer.recv(65_536):
            for event in h2.receive_data(data):
                if isinstance(event, RequestReceived):
                    path = dict(event.headers)[b":path"].decode()
                    self.asked.append(path)
                    if self.say(Line(peer, h2, event.stream_id, path)):
                        return leave_whole(peer)
            peer.sendall(h2.data_to_send())
        return None


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def serving(authority, trusting):
    """Start servers, which are trusted."""
    trusting(authority)
    with contextlib.ExitStack() as stack:

        def start(kind=H2Server, *given, **named):
            if kind is H2Server:
                given = (authority.issue_cert("site.test", "public.test"), *given)
            server = kind(*given, **named)
            stack.callback(server.close)
            return server

        yield start


def at(server, path="", host="site.test"):
    return f"https://{host}:{server.port}/{path}"


def end(fetched):
    return fetched.outcome, fetched.error


@in_every_colour
def test_pages_come_over_one_connection(visit, serving):
    server = serving()
    found = visit(at(server, "a%20b?/c"), at(server, "d"), **OUTSIDE)

    assert [(fetched.outcome, fetched.body) for fetched in found] == [(Outcome.OK, b"page")] * 2
    assert server.asked == ["/a%20b?/c", "/c", "/d"]
    assert server.spoken == ["h2"]
    assert found[0].home is True


@in_every_colour
@pytest.mark.parametrize("protocols", [("http/1.1",), ()])
def test_a_server_that_offers_none_is_spoken_to_in_http_1(visit, serving, protocols):
    server = serving(protocols=protocols)
    [fetched] = visit(at(server), **OUTSIDE)

    assert fetched.body == b"page"
    assert server.spoken == ["http/1.1" if protocols else None]


@in_every_colour
def test_without_tls_http_1_is_spoken(visit, serving):
    server = serving(Server, page)
    [fetched] = visit(f"http://127.0.0.1:{server.port}/", http2=True)

    assert fetched.body == b"page"


@in_every_colour
@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
def test_it_goes_through_proxies(visit, serving, authority, scheme):
    """The way to the proxy itself is HTTP/1.1, even if that offers more."""
    tls = server_context(authority.issue_cert("127.0.0.1"), "h2", "http/1.1")
    kind = SocksProxy if scheme.startswith("socks") else HttpProxy
    by = serving(kind, routes=NAMES, tls=tls if scheme == "https" else None)
    server = serving()
    [fetched] = visit(at(server), proxy=f"{scheme}://127.0.0.1:{by.port}", **OUTSIDE)

    assert fetched.body == b"page"
    assert server.spoken == ["h2"]
    assert len(by.asked) == 1


def test_what_is_offered_does_not_depend_on_who_else_connects(serving):
    """The wire speaks HTTP/1.1 only; both open connections all the time, in many threads."""
    server, names = serving(), Names(NAMES)
    ways = [Way(), Way(transport="httpcore", http2=True), Way(transport="httpcore")]
    rules = FetchRules.of(Options(**OUTSIDE), "test")
    spoken, start = [], threading.Barrier(6)

    def work(way):
        start.wait(LONG)
        for number in range(10):
            with transport_of(way, names) as http:
                page = fetch(http, target_of(at(server, f"{way.http2}{number}")), rules)
            spoken.append((page.body, way.http2))

    threads = [threading.Thread(target=work, args=(way,)) for way in ways * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names.close()

    assert sorted(spoken) == [(b"page", False)] * 40 + [(b"page", True)] * 20
    assert sorted(server.spoken) == ["h2"] * 20 + ["http/1.1"] * 40
    assert all(path.startswith("/True") for path in server.asked)


def test_what_a_context_offers_is_settled_when_it_is_made(serving):
    """httpcore says it again for each connection, where others may be connecting."""
    server = serving()
    context = tls_context()
    context.set_alpn_protocols(["h2"])
    with (
        socket_to(server) as plain,
        context.wrap_socket(plain, server_hostname="site.test") as stream,
    ):
        assert stream.selected_alpn_protocol() == "http/1.1"
    assert tls_context(http2=True) is tls_context(http2=True) is not context
    assert tls_context(http2=True).verify_mode is ssl.CERT_REQUIRED


def socket_to(server):
    return socket.create_connection(("127.0.0.1", server.port), LONG)


@in_every_colour
def test_no_redirect_leads_into_a_private_network(visit, serving):
    public, home = serving(host="127.1.0.1"), serving()
    inner = at(home, "inner")
    found = visit(inner, at(public, "?" + inner, "public.test"), inner, **OUTSIDE)

    assert [fetched.outcome for fetched in found] == [
        Outcome.OK, Outcome.PRIVATE_ADDRESS, Outcome.OK,
    ]  # fmt: skip
    assert found[1].error == "led to 127.0.0.1, which is not public"
    assert home.asked == ["/inner", "/inner"]
    assert [fetched.home for fetched in found] == [True, False, True]


@in_every_colour
def test_a_connection_is_used_again_by_whoever_may(visit, serving):
    public, home = serving(host="127.1.0.1"), serving()
    outer, inner = at(public, host="public.test"), at(home)
    found = visit(inner, outer, inner, outer, **OUTSIDE)

    assert [fetched.body for fetched in found] == [b"page"] * 4
    assert (home.connections, public.connections) == (1, 1)


CLOSED = Outcome.RESET, "the connection was closed without an answer"
BROKEN = Outcome.PROTOCOL, "the answer is not valid HTTP, or ended early"


def leave(_line):
    return True


def leave_after_the_head(line):
    line.head()
    return True


def leave_in_the_body(line):
    line.head()
    line.data(b"pa", end=False)
    return True


def reset_the_stream(line):
    line.h2.reset_stream(line.stream)
    line.flush()


def reset_in_the_body(line):
    line.head()
    line.data(b"pa", end=False)
    reset_the_stream(line)


def say_nonsense(line):
    """Send data that belongs to no page."""
    line.peer.sendall(b"\0\0\4\0\0\0\0\0\0page")
    return True


def say_nonsense_in_the_body(line):
    line.head()
    line.data(b"pa", end=False)
    return say_nonsense(line)


def say_a_status_that_is_none(line):
    line.head("abc")
    line.data(b"page")


def say_a_status_out_of_range(line):
    line.head("99")
    line.data(b"page")


def say_another_length(line):
    line.head("200", ("content-length", "400"))
    line.data(b"page")


def say_far_too_many_headers(line):
    line.head("200", *[(f"x-{n}", "x" * 1000) for n in range(100)])
    line.data(b"page")


@in_every_colour
@pytest.mark.parametrize(
    ("say", "failure"),
    [
        (leave, CLOSED),
        (leave_after_the_head, BROKEN),
        (leave_in_the_body, BROKEN),
        (reset_the_stream, CLOSED),
        (reset_in_the_body, BROKEN),
        (say_nonsense, BROKEN),
        (say_nonsense_in_the_body, BROKEN),
        (say_a_status_that_is_none, BROKEN),
        (say_a_status_out_of_range, BROKEN),
        (say_another_length, BROKEN),
        (say_far_too_many_headers, BROKEN),
    ],
)
def test_a_server_that_breaks_off(visit, serving, say, failure):
    server = serving(say=say)
    [fetched] = visit(at(server), **OUTSIDE)

    assert end(fetched) == failure
    assert fetched.body is None
    assert server.connections == 1


@in_every_colour
@pytest.mark.parametrize("says_so", [True, False])
def test_a_connection_that_was_closed_as_it_was_taken_is_no_failure(visit, serving, says_so):
    def once(line):
        say_page(line)
        if says_so:
            line.h2.close_connection()
            line.flush()
        return True

    server = serving(say=once)
    found = visit(at(server), at(server), at(server), **OUTSIDE)

    assert [fetched.body for fetched in found] == [b"page"] * 3
    assert server.connections == 3


@in_every_colour
def test_a_page_that_is_given_up_does_not_hinder_the_next(visit, serving):
    def say(line):
        if line.path == "/small":
            return say_page(line)
        line.head()
        for _ in range(100):
            line.data(b"x" * 16_000, end=False)
        return line.data(b"")

    server = serving(say=say)
    large, small = visit(at(server), at(server, "small"), max_bytes=1000, **OUTSIDE)

    assert end(large) == (Outcome.TOO_LARGE, "more than 1000 bytes as sent")
    assert small.body == b"page"
    assert server.connections == 2


@in_every_colour
def test_a_silent_server_is_waited_for_no_longer_than_allowed(visit, serving):
    server = serving(say=lambda _: None)
    [silent] = visit(at(server), read_timeout=0.1, **OUTSIDE)
    [late] = visit(at(server), timeout=0.2, **OUTSIDE)

    assert end(silent) == (Outcome.TIMEOUT, "nothing received for 0.1 s")
    assert end(late) == (Outcome.TIMEOUT, "not finished within 0.2 s")


@pytest.mark.parametrize("loop", LOOPS)
def test_a_page_that_runs_out_of_time_takes_no_other_with_it(serving, loop):
    """The slow page is answered only when the silent one was given up."""
    gone = threading.Event()

    def say(line):
        if line.path == "/silent":
            with contextlib.suppress(OSError):
                while line.peer.recv(65_536):
                    pass
            gone.set()
            return True
        assert gone.wait(LONG)
        return say_page(line)

    server, names = serving(say=say), Names(NAMES)

    async def main():
        rules = [
            FetchRules.of(Options(**OUTSIDE, read_timeout=seconds), "test")
            for seconds in (0.1, LONG)
        ]
        targets = [target_of(at(server, path)) for path in ("silent", "slow")]
        async with atransport_of(rules[0].way, names, 10) as http:
            pairs = zip(targets, rules, strict=True)
            return await asyncio.gather(*(afetch(http, *pair) for pair in pairs))

    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        silent, slow = runner.run(main())
    names.close()

    assert silent.outcome is Outcome.TIMEOUT
    assert slow.body == b"page"
