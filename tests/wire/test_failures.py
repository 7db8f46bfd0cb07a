"""Every kind of failure, as it really happens, has one outcome and one text in every colour."""

import asyncio
import contextlib
import datetime
import socket
import ssl
import struct
import sys

import httpx
import pytest
import trustme

from crawler.core.job import FetchRules, Options, Way
from crawler.core.pages import Outcome
from crawler.core.urls import target_of
from crawler.stages.fetch import afetch
from crawler.system.loops import loop_factory
from crawler.wire.failures import Limits, failure_of
from crawler.wire.http1 import MAX_HEAD
from crawler.wire.names import Names
from crawler.wire.transports import atransport_of

UTC = datetime.UTC


def failure(fetched):
    assert fetched.body is None
    assert fetched.wire_bytes is None
    return fetched.outcome, fetched.error


def request_of(peer):
    """Read the head of a request."""
    head = b""
    while b"\r\n\r\n" not in head and (part := peer.recv(65_536)):
        head += part
    return head


def reset(peer):
    request_of(peer)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def leave(peer):
    request_of(peer)


def answer(*parts):
    def handle(peer):
        request_of(peer)
        peer.sendall(b"".join(parts))

    return handle


def say_nothing(peer):
    """Keep silent for far longer than a test waits, until whoever asked has gone."""
    peer.settimeout(5)
    try:
        while peer.recv(65_536):
            pass
    except TimeoutError:
        peer.sendall(b"nobody was in a hurry\r\n\r\n")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
LENGTH_4 = b"Content-Length: 4\r\n\r\n"
LONG = 20.0  # seconds; only a test that fails takes them
NOT_HTTP = "the answer is not valid HTTP, or ended early"


@pytest.mark.parametrize(
    ("handle", "outcome", "error"),
    [
        (reset, Outcome.RESET, "the connection was reset"),
        (leave, Outcome.RESET, "the connection was closed without an answer"),
        (answer(b"SSH-2.0-OpenSSH_9.6\r\n"), Outcome.PROTOCOL, NOT_HTTP),
        (answer(b"\0" * 100), Outcome.PROTOCOL, NOT_HTTP),
        (answer(HEAD), Outcome.PROTOCOL, NOT_HTTP),
        (answer(HEAD, b"Content-Length: 99\r\n\r\nshort"), Outcome.PROTOCOL, NOT_HTTP),
        (answer(HEAD, b"Content-Length: -1\r\n\r\n"), Outcome.PROTOCOL, NOT_HTTP),
        (
            answer(HEAD, b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort"),
            Outcome.PROTOCOL,
            NOT_HTTP,
        ),
        (
            answer(HEAD, b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
            Outcome.PROTOCOL,
            NOT_HTTP,
        ),
    ],
    ids=[
        "reset",
        "closed",
        "garbage",
        "zeroes",
        "half a head",
        "half a body",
        "a negative length",
        "half a chunk",
        "no chunk",
    ],
)
def test_a_server_that_breaks_off(visit, listening, handle, outcome, error):
    [fetched] = visit(f"http://127.0.0.1:{listening(handle)}/")

    assert failure(fetched) == (outcome, error)


@pytest.mark.parametrize(
    ("fault", "outcome", "error"),
    [
        ("reset", Outcome.RESET, "the connection was reset"),
        ("reset-headers", Outcome.RESET, "the connection was reset"),
        ("reset-body", Outcome.RESET, "the connection was reset"),
        ("truncate", Outcome.PROTOCOL, NOT_HTTP),
        ("garbage", Outcome.PROTOCOL, NOT_HTTP),
    ],
)
def test_the_faults_of_the_test_site(visit, running, fault, outcome, error):
    [fetched] = visit(f"{running.url}/p/1?fault={fault}")

    assert failure(fetched) == (outcome, error)


def test_a_port_that_nobody_listens_on(visit):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        [fetched] = visit(f"http://127.0.0.1:{bound.getsockname()[1]}/")

    assert failure(fetched) == (Outcome.REFUSED, "the connection was refused")
    assert fetched.status is None
    assert fetched.home is None


@pytest.mark.skipif(sys.platform != "linux", reason="a full backlog is refused elsewhere")
def test_a_server_too_busy_to_accept(visit):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex(server.getsockname())
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        [fetched] = visit(url, connect_timeout=0.1)

    assert failure(fetched) == (Outcome.TIMEOUT, "no connection within 0.1 s")


def test_a_silent_server(visit, listening):
    port = listening(say_nothing)
    [fetched] = visit(f"http://127.0.0.1:{port}/", read_timeout=0.1)

    assert failure(fetched) == (Outcome.TIMEOUT, "nothing received for 0.1 s")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_silent_server_at_the_deadline(visit, listening, scheme):
    [fetched] = visit(f"{scheme}://127.0.0.1:{listening(say_nothing)}/", timeout=0.1)

    assert failure(fetched) == (Outcome.TIMEOUT, "not finished within 0.1 s")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_many_visits_that_end_at_their_deadlines_have_one_text(running, loop):
    async def main():
        names = Names({})
        rules = [FetchRules.of(Options(timeout=0.1 + n * 0.0013), "test") for n in range(150)]
        target = target_of(f"{running.url}/p/1?latency=1h")
        async with atransport_of(Way(), names, 10) as http:
            found = await asyncio.gather(*(afetch(http, target, rule) for rule in rules))
        names.close()
        return found

    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        found = runner.run(main())

    assert {str(fetched.error).partition(" within")[0] for fetched in found} == {"not finished"}


def test_a_drip_ends_at_the_deadline(visit, running):
    [fetched] = visit(f"{running.url}/p/1?drip=50ms", timeout=0.3, read_timeout=0.2)

    assert failure(fetched) == (Outcome.TIMEOUT, "not finished within 0.3 s")
    assert fetched.status == 200


def test_redirects_do_not_put_the_deadline_off(visit, running):
    url = f"{running.url}/p/1?hops=9&latency=60ms"
    [fetched] = visit(url, timeout=0.2, read_timeout=0.15)

    assert failure(fetched) == (Outcome.TIMEOUT, "not finished within 0.2 s")
    assert 0 < len(fetched.redirects) < 9


def test_a_name_that_has_no_address(visit):
    """It is longer than names can be, so nobody is asked for it."""
    [fetched] = visit(f"http://{('a' * 63 + '.') * 4}test/")

    assert failure(fetched) == (Outcome.DNS, "the name has no address")


def test_a_name_that_no_resolver_takes(visit):
    [fetched] = visit(f"http://{'x' * 64}.test/")

    assert failure(fetched) == (Outcome.BAD_URL, "not a valid URL")


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def stranger():
    return trustme.CA()


@pytest.fixture
def secured(listening):
    """Start a server with a certificate; gives the URL of its page."""

    def start(certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)

        def handle(peer):
            with (
                contextlib.suppress(ssl.SSLError),
                context.wrap_socket(peer, server_side=True) as tls,
            ):
                answer(HEAD, b"Content-Length: 4\r\n\r\npage")(tls)

        return f"https://site.test:{listening(handle)}/"

    return start


SITE = {"resolve": {"site.test": "127.0.0.1"}}


def test_a_trusted_certificate_is_taken(visit, authority, trusting, secured):
    trusting(authority)
    [fetched] = visit(secured(authority.issue_cert("site.test")), **SITE)

    assert (fetched.outcome, fetched.body) == (Outcome.OK, b"page")
    assert fetched.home is True


def test_each_fault_of_a_certificate_is_named(visit, authority, stranger, trusting, secured):
    trusting(authority)
    day = datetime.timedelta(days=1)
    today = datetime.datetime.now(UTC)
    wrong = {
        "the certificate is for another host": authority.issue_cert("other.test"),
        "the certificate has expired": authority.issue_cert(
            "site.test", not_before=today - 2 * day, not_after=today - day
        ),
        "the certificate is not valid yet": authority.issue_cert(
            "site.test", not_before=today + day, not_after=today + 2 * day
        ),
        "the certificate's issuer is not trusted": stranger.issue_cert("site.test"),
    }
    found = [failure(visit(secured(certificate), **SITE)[0]) for certificate in wrong.values()]

    assert found == [(Outcome.TLS, words) for words in wrong]


def test_a_certificate_for_another_address_is_named(visit, authority, trusting, secured):
    trusting(authority)
    url = secured(authority.issue_cert("127.0.0.2")).replace("site.test", "127.0.0.1")
    [fetched] = visit(url)

    assert failure(fetched) == (Outcome.TLS, "the certificate is for another address")


def test_a_server_that_speaks_no_tls(visit, listening):
    def handle(peer):
        peer.recv(65_536)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    port = listening(handle)
    [fetched] = visit(f"https://127.0.0.1:{port}/")

    assert failure(fetched) == (Outcome.TLS, "TLS failed")


def test_a_server_that_leaves_in_the_middle_of_the_handshake(visit, listening):
    [fetched] = visit(f"https://127.0.0.1:{listening(lambda peer: peer.recv(65_536))}/")

    assert failure(fetched) == (Outcome.TLS, "TLS failed")


def test_a_server_that_resets_in_the_middle_of_the_handshake(visit, listening):
    def handle(peer):
        peer.recv(65_536)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    [fetched] = visit(f"https://127.0.0.1:{listening(handle)}/")

    assert failure(fetched) == (Outcome.RESET, "the connection was reset")


def test_a_server_that_is_silent_in_the_handshake(visit, listening):
    port = listening(say_nothing)
    [fetched] = visit(f"https://127.0.0.1:{port}/", connect_timeout=0.1)

    assert failure(fetched) == (Outcome.TIMEOUT, "no connection within 0.1 s")


class Several(Names):
    """A resolver whose every name has the same addresses."""

    def __init__(self, *addresses):
        super().__init__({})
        self.addresses = list(addresses)

    def _known(self, _host):
        return list(self.addresses)


def test_one_address_that_answers_is_enough(visit, site):
    there = site("127.0.0.2")
    [fetched] = visit(
        f"http://many.test:{there.port}/", names=Several("127.0.0.1", "127.0.0.2", "127.0.0.3")
    )

    assert (fetched.outcome, fetched.body) == (Outcome.OK, b"page")


def test_a_server_that_leaves_behind_a_redirect(visit, site, listening):
    """That the first hop had an answer says nothing of the second."""
    there = f"http://127.0.0.1:{listening(leave)}/"
    [fetched] = visit(f"http://127.0.0.1:{site('127.0.0.1').port}/?{there}")

    assert failure(fetched) == (Outcome.RESET, "the connection was closed without an answer")
    assert fetched.final_url == there


def test_when_every_address_refuses_so_does_the_name(visit):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        [fetched] = visit(
            f"http://many.test:{bound.getsockname()[1]}/",
            names=Several("127.0.0.1", "127.0.0.2"),
        )

    assert failure(fetched) == (Outcome.REFUSED, "the connection was refused")


def test_an_address_that_refuses_hides_no_later_failure(visit, listening):
    """The first address is refused, the second answers with garbage."""
    port = listening(answer(b"garbage\r\n\r\n"), host="127.0.0.2")
    [fetched] = visit(f"http://many.test:{port}/", names=Several("127.0.0.1", "127.0.0.2"))

    assert failure(fetched) == (Outcome.PROTOCOL, NOT_HTTP)


def test_a_flood_of_interim_answers_is_no_answer(visit, listening):
    """Each is a proper answer with nothing wrong; without a cap only the deadline would end it."""

    def flood(peer):
        request_of(peer)
        for _ in range(4 * MAX_HEAD // 1000):
            peer.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 40)

    [fetched] = visit(f"http://127.0.0.1:{listening(flood)}/", timeout=LONG)

    assert failure(fetched) == (Outcome.PROTOCOL, NOT_HTTP)
    assert fetched.status is None


def test_a_few_interim_answers_do_no_harm(visit, listening):
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 20
    [fetched] = visit(f"http://127.0.0.1:{listening(answer(interim, HEAD, LENGTH_4, b'page'))}/")

    assert (fetched.outcome, fetched.status, fetched.body) == (Outcome.OK, 200, b"page")


@pytest.mark.parametrize("end", [leave, reset])
def test_a_connection_that_was_closed_as_it_was_taken_is_no_failure(visit, listening, end):
    """A server may close an idle connection at any time; the request was not looked at."""
    connections = []

    def handle(peer):
        connections.append(peer)
        answer(HEAD, LENGTH_4, b"page")(peer)
        end(peer)

    url = f"http://127.0.0.1:{listening(handle)}/"
    found = visit(url, url, url, retries=0)

    assert [(fetched.outcome, fetched.body) for fetched in found] == [(Outcome.OK, b"page")] * 3
    assert len(connections) == 3


def test_a_server_that_closes_whatever_is_sent_is_asked_once_more_only(visit, listening):
    connections = []

    def handle(peer):
        connections.append(peer)
        if len(connections) == 1:
            answer(HEAD, LENGTH_4, b"page")(peer)
        leave(peer)

    url = f"http://127.0.0.1:{listening(handle)}/"
    first, second = visit(url, url, retries=0)

    assert first.outcome is Outcome.OK
    assert failure(second) == (Outcome.RESET, "the connection was closed without an answer")
    assert len(connections) == 2


@pytest.mark.parametrize(
    "where", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[::1"]
)
def test_a_redirect_to_no_web_page(visit, site, where):
    there = f"http://127.0.0.1:{site('127.0.0.1').port}/?{where}"
    [fetched] = visit(there)

    assert failure(fetched) == (
        Outcome.BAD_URL,
        "redirected to something that is no http or https URL",
    )
    assert (fetched.status, fetched.final_url, fetched.redirects) == (302, there, [])


def test_a_fault_of_ours_is_no_failure_of_the_wire():
    limits = Limits(30, 5, 10)
    for error in (KeyError("x"), AssertionError(), ZeroDivisionError(), AttributeError("x")):
        assert failure_of(error, limits, out_of_time=True, received=False) is None


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (httpx.ConnectTimeout, "no connection within 5 s"),
        (httpx.ReadTimeout, "nothing received for 10 s"),
        (httpx.WriteTimeout, "nothing could be sent for 10 s"),
    ],
)
def test_a_timeout_says_which_limit_it_was(kind, error):
    limits = Limits(30, 5, 10)

    def named(out_of_time):
        return failure_of(kind("x"), limits, out_of_time=out_of_time, received=False)

    assert named(out_of_time=False) == (Outcome.TIMEOUT, error)
    assert named(out_of_time=True) == (Outcome.TIMEOUT, "not finished within 30 s")
