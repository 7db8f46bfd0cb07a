"""The wire and httpcore are sent the same answers, good and bad, and say the same of them."""

import asyncio
import contextlib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import h11
import httpx
import pytest
import uvloop
from hypothesis import HealthCheck, example, given, settings

from crawler.core.job import FetchRules, Options
from crawler.core.pages import Outcome
from crawler.core.urls import target_of
from crawler.stages.fetch import afetch, fetch
from crawler.wire.http1 import AnswerReader
from crawler.wire.names import Names
from crawler.wire.transports import atransport_of, transport_of
from tests.wire.answers import CLOSE, CORPUS, KEEP, LONG, RESET, RawServer, Sent, sendings

WIRE = ["wire blocking", "wire asyncio", "wire uvloop"]
HTTPCORE = ["httpcore blocking", "httpcore asyncio"]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@dataclass(frozen=True)
class Seen:
    """What one colour of one transport made of an answer; ``problem`` is what it raised."""

    outcome: Outcome
    error: str | None
    status: int | None
    content_type: str | None
    content_encoding: str
    retry_after: float | None
    wire_bytes: int | None
    body: bytes | None
    headers: tuple[tuple[bytes, bytes], ...] | None
    problem: str = field(compare=False)

    @property
    def is_failure(self):
        return self.outcome in (Outcome.PROTOCOL, Outcome.RESET, Outcome.TIMEOUT)

    @property
    def is_bad(self):
        return self.outcome is Outcome.PROTOCOL


class Noting(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Passes a request on with another method, and notes the head and what was raised."""

    def __init__(self, inner, method):
        self.inner = inner
        self.method = method
        self.headers = None
        self.problem = ""

    @contextlib.contextmanager
    def noting(self):
        try:
            yield
        except Exception as error:
            self.problem = str(error)
            raise

    def noted(self, response):
        self.headers = tuple(_comparable(*header) for header in response.headers.raw)
        response.stream = _Noted(response.stream, self)
        return response

    def handle_request(self, request):
        request.method = self.method
        with self.noting():
            return self.noted(self.inner.handle_request(request))

    async def handle_async_request(self, request):
        request.method = self.method
        with self.noting():
            return self.noted(await self.inner.handle_async_request(request))


class _Noted(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, stream, noting):
        self.stream = stream
        self.noting = noting

    def __iter__(self):
        with self.noting.noting():
            yield from self.stream

    async def __aiter__(self):
        with self.noting.noting():
            async for chunk in self.stream:
                yield chunk

    def close(self):
        self.stream.close()

    async def aclose(self):
        await self.stream.aclose()


def _comparable(name, value):
    """Return a header in lower case; h11 writes the one value of Transfer-Encoding so, too."""
    name = name.lower()
    return name, value.lower() if name == b"transfer-encoding" else value


class Colours:
    """Asks one server in every colour; each keeps its loop, and connects anew for each request."""

    def __init__(self, server, names, runners):
        self.server = server
        self.names = names
        self.runners = runners
        self.numbers = map(str, itertools.count())
        self.rules = {
            way: FetchRules.of(Options(transport=way, timeout=LONG, read_timeout=LONG), "test")
            for way in ("wire", "httpcore")
        }

    def __call__(self, sent):
        """Return what each colour saw of an answer."""
        sent = sent if _is_settled(sent) else replace(sent, ending=CLOSE)
        key = "/" + next(self.numbers)
        self.server.answers[key.encode()] = sent
        seen = {colour: self.ask(colour, key, sent.method) for colour in WIRE + HTTPCORE}
        del self.server.answers[key.encode()]
        return seen

    def ask(self, colour, key, method):
        way, kind = colour.split()
        rules = self.rules[way]
        target = target_of(self.server.url + key)
        if kind == "blocking":
            with transport_of(rules.way, self.names) as http:
                noting = Noting(http, method)
                return _seen(noting, fetch(noting, target, rules))
        return self.runners[kind].run(self.aask(target, rules, method))

    async def aask(self, target, rules, method):
        async with atransport_of(rules.way, self.names, 1) as http:
            noting = Noting(http, method)
            return _seen(noting, await afetch(noting, target, rules))


def _seen(noting, fetched):
    return Seen(
        fetched.outcome,
        fetched.error,
        fetched.status,
        fetched.content_type,
        fetched.content_encoding,
        fetched.retry_after,
        fetched.wire_bytes,
        fetched.body,
        noting.headers,
        noting.problem,
    )


@pytest.fixture(scope="session")
def colours():
    with contextlib.ExitStack() as stack:
        runners = {
            kind: stack.enter_context(asyncio.Runner(loop_factory=factory))
            for kind, factory in LOOPS.items()
        }
        names = Names({})
        stack.callback(names.close)
        yield Colours(stack.enter_context(RawServer()), names, runners)


def _is_settled(sent):
    """Tell whether neither reader waits for more, on a connection that is kept: that takes time."""
    return sent.ending != KEEP or not (_wire_waits(sent) or _h11_waits(sent))


def _wire_waits(sent):
    reader = AnswerReader()
    reader.expect(sent.method)
    try:
        for data in filter(None, [sent.raw]):
            reader.feed(data)
    except httpx.RemoteProtocolError:
        return False
    return not reader.complete


def _h11_waits(sent):
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method=sent.method, target="/", headers=[("Host", "x")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(sent.raw)
    try:
        while (event := reader.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.EndOfMessage):
                return False
    except h11.RemoteProtocolError:
        return False
    return True


# ---------------------------------------------------------------- what is known to differ


@dataclass(frozen=True)
class Known:
    """A difference that docs/wire-differences.md explains: an example, and how to tell it."""

    example: bytes
    is_it: Callable[[Sent, Seen, Seen], bool]
    ending: str = CLOSE


def wire_refuses(*words):
    return lambda sent, wire, core: (  # noqa: ARG005 (all are asked alike)
        wire.is_bad and not core.is_bad and any(word in wire.problem for word in words)
    )


def httpcore_refuses(*words):
    return lambda sent, wire, core: (  # noqa: ARG005 (all are asked alike)
        core.is_bad and not wire.is_bad and any(word in core.problem for word in words)
    )


def httpcore_refuses_what_has(pattern):
    return lambda sent, wire, core: (
        core.is_bad and not wire.is_bad and re.search(pattern, sent.raw) is not None
    )


def is_seen_early(sent, wire, core):
    """The wire reads each byte as it comes, h11 each head as a whole."""
    late = (Outcome.RESET, Outcome.TIMEOUT)
    return sent.ending in (RESET, KEEP) and wire.is_bad and core.outcome in late


OK = b"HTTP/1.1 200 OK\r\n"
PAGE = b"Content-Length: 4\r\n\r\npage"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

KNOWN = {
    "folded-header": Known(
        OK + b"A: b\r\n c\r\n" + PAGE,
        wire_refuses("Unexpected whitespace after header value", "Invalid header value char"),
    ),
    "control-character": Known(
        OK + b"A: \x01\r\n" + PAGE, wire_refuses("Invalid header value char")
    ),
    "repeated-length": Known(
        OK + b"Content-Length: 4\r\n" + PAGE,
        wire_refuses("Duplicate Content-Length", "Invalid character in Content-Length"),
    ),
    "length-and-chunked": Known(
        OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n",
        wire_refuses("can't be present with"),
    ),
    "huge-number": Known(
        OK + b"Content-Length: 18446744073709551616\r\n\r\n", wire_refuses(" overflow")
    ),
    "odd-chunk-extension": Known(
        CHUNKED + b"4; x=y\r\npage\r\n0\r\n\r\n",
        wire_refuses("in chunk extensions", "Expected LF after chunk size"),
    ),
    "interim-body": Known(
        b"HTTP/1.1 104 Upload\r\nContent-Length: 4\r\n\r\n" + OK + PAGE,
        wire_refuses("an interim answer with a body"),
    ),
    "seen-early": Known(b"HTTP/1.1 two hundred", is_seen_early, RESET),
    "empty-line": Known(
        b"\r\n" + OK + PAGE, httpcore_refuses_what_has(rb"(^|\n\r?\n)[\r\n]+(HTTP/|\Z)")
    ),
    "many-digits": Known(
        OK + b"Content-Length: 000000000000000000004\r\n\r\npage",
        httpcore_refuses("bad Content-Length", "illegal chunk header"),
    ),
    "space-before-extension": Known(
        CHUNKED + b"4 ;x\r\npage\r\n0\r\n\r\n", httpcore_refuses("illegal chunk header")
    ),
    "line-feed-after-chunk": Known(
        CHUNKED + b"4\r\npage\n0\r\n\r\n", httpcore_refuses("malformed chunk footer")
    ),
    "other-protocol": Known(
        b"HTTP/1.1 100 Continue\r\n\r\nICE/1.0 200 OK\r\n" + PAGE,
        httpcore_refuses_what_has(rb"[\r\n](ICE|RTSP)/"),
    ),
    "long-head": Known(
        OK + b"A: " + b"x" * 200_000 + b"\r\n" + PAGE, httpcore_refuses("Receive buffer too long")
    ),
}
#: Differs in what happens to the connection, not in what is seen of one answer.
KNOWN_OF_CONNECTIONS = {"surplus"}


def compare(sent, seen):
    """Return the name of what is known to differ, if something does; fails if it is unknown."""
    first, *wires = [seen[colour] for colour in WIRE]
    assert [first] * len(wires) == wires
    for core in [seen[colour] for colour in HTTPCORE]:
        is_alike = core == first or (first.is_failure and core.outcome == first.outcome)
        if not is_alike:
            names = [name for name, known in KNOWN.items() if known.is_it(sent, first, core)]
            assert names, (sent, first, core)
            return names
    return []


CHECKED = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=False
)


@settings(CHECKED, max_examples=100)
@given(sendings())
@example(Sent(b"\rRTSP/1.0 200 OK\r\n" + PAGE))
@example(Sent(b"HTTP/1.1 199 OK\r\n\r\n\r\n", (), RESET))
def test_the_wire_sees_what_httpcore_sees(colours, sent):
    compare(sent, colours(sent))


@pytest.mark.slow
@settings(CHECKED, max_examples=6000)
@given(sendings())
def test_the_wire_sees_what_httpcore_sees_many_times(colours, sent):
    compare(sent, colours(sent))


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_to_differ_does(colours, name):
    known = KNOWN[name]
    sent = Sent(known.example, ending=known.ending)

    assert name in compare(sent, colours(sent))


def test_what_is_known_to_differ_is_explained():
    page = Path(__file__).parents[2] / "docs" / "wire-differences.md"
    explained = re.findall(r"^\| `([a-z-]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted([*KNOWN, *KNOWN_OF_CONNECTIONS]) == sorted(explained)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", CORPUS)
def test_a_good_answer_is_seen_alike_whole_and_byte_by_byte(colours, name, method):
    raw = CORPUS[name]
    whole = colours(Sent(raw, method=method))
    dripped = colours(Sent(raw, cuts=tuple(range(len(raw))), method=method))

    assert [] == compare(Sent(raw), whole)
    assert not whole["wire blocking"].is_failure
    assert whole == dripped


@pytest.mark.parametrize("ending", [CLOSE, RESET, KEEP])
@pytest.mark.parametrize("end", range(0, 120, 7))
def test_an_answer_that_breaks_off_is_seen_alike(colours, ending, end):
    sent = Sent(CORPUS["chunked, with everything"][:end], ending=ending)

    assert [] == compare(sent, colours(sent))


SURPLUS = OK + PAGE.replace(b"page", b"evil")


@pytest.fixture
def talkative(listening):
    """Start a server that sends more than was asked for; gives its URL and its connections."""
    connections = []

    def handle(peer):
        connections.append(peer)
        while peer.recv(65_536):
            peer.sendall(OK + PAGE + SURPLUS)

    return f"http://127.0.0.1:{listening(handle)}/", connections


def test_the_wire_uses_no_connection_again_that_said_too_much(visit, talkative):
    if visit.transport == "httpcore":
        pytest.skip("see the next test")
    url, connections = talkative
    found = visit(url, url, url)

    assert [(fetched.outcome, fetched.body) for fetched in found] == [(Outcome.OK, b"page")] * 3
    assert len(connections) == 3


def test_httpcore_takes_it_for_the_answer_to_the_next_request(visit, talkative):
    """When this fails, httpcore was mended: then the two tests are one."""
    if visit.transport == "wire":
        pytest.skip("see the test before")
    url, _ = talkative
    found = visit(url, url)

    assert [fetched.body for fetched in found] == [b"page", b"evil"]
