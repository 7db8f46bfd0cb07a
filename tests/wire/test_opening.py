"""Connections are opened to an address that answers, verified, in time or not at all."""

import asyncio
import contextlib
import datetime
import os
import socket
import ssl
import sys
from concurrent.futures import Future

import aiohappyeyeballs
import httpx
import pytest
import trustme

from crawler.wire.names import Names
from tests.wire.scripted import PAGE, Gone, serve, serve_always
from tests.wire.twins import client_of, elsewhere, until

DAY = datetime.timedelta(days=1)
SITE = {"site.test": "127.0.0.1"}


class Several(Names):
    """A resolver whose every name has the same addresses."""

    def __init__(self, *addresses):
        super().__init__({})
        self.addresses = list(addresses)

    def _known(self, _host):
        return list(self.addresses)


class Silent(Names):
    """A resolver that never answers, and notes whom nobody waits for any more."""

    def __init__(self):
        super().__init__({})
        self.asked: list[Future[list[str]]] = []

    def _ask(self, _host, _port):
        self.asked.append(Future())
        return self.asked[-1]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def client_tls(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_tls(certificate, version=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    certificate.configure_cert(context)
    return context


@pytest.fixture
def full():
    """Listen where no further connection is taken up: whoever tries is left waiting."""
    with contextlib.ExitStack() as stack:

        def start(host="127.0.0.1"):
            server = stack.enter_context(socket.socket())
            server.bind((host, 0))
            server.listen(0)
            for _ in range(4):
                peer = stack.enter_context(socket.socket())
                peer.setblocking(False)
                peer.connect_ex(server.getsockname())
            return server.getsockname()[1]

        yield start


needs_a_full_backlog = pytest.mark.skipif(
    sys.platform != "linux", reason="a full backlog is refused elsewhere"
)


def sockets():
    """Count the open sockets of this process."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    return found


# ---------------------------------------------------------------- TLS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_verified_connection_is_kept_and_its_server_was_told_the_name(
    wire, scripted, authority, client_tls, version
):
    named = []
    context = server_tls(authority.issue_cert("site.test"), version)
    context.sni_callback = lambda _stream, name, _context: named.append(name)
    server = scripted(serve_always(), tls=context)
    client = wire(tls=client_tls, names=Names(SITE))
    url = f"https://site.test:{server.port}/"
    found = [client.request("GET", url) for _ in range(3)]
    made = [response.extensions["timings"] for response in found]

    assert [response.content for response in found] == [b"page"] * 3
    assert named == ["site.test"]
    assert len(server.peers) == 1
    assert made[0].dns + made[0].connect + made[0].tls <= made[0].ttfb
    assert made[0].tls > 0
    assert made[1].tls is None


def test_an_address_has_a_certificate_too_and_no_name_to_tell(
    wire, scripted, authority, client_tls
):
    named = []
    context = server_tls(authority.issue_cert("127.0.0.1"))
    context.sni_callback = lambda _stream, name, _context: named.append(name)
    server = scripted(serve_always(), tls=context)

    assert wire(tls=client_tls).request("GET", server.url).content == b"page"
    assert named == [None]


def test_large_bodies_pass_both_ways(wire, scripted, authority, client_tls):
    body = os.urandom(3_000_000)
    length = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    server = scripted(
        serve_always(length + body), tls=server_tls(authority.issue_cert("127.0.0.1"))
    )
    client = wire(tls=client_tls)
    for _ in range(2):
        assert client.request("POST", server.url, content=body).content == body

    assert [len(peer.requests) for peer in server.peers] == [2]
    assert server.peers[0].bodies == [body, body]


def self_signed():
    alone = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with alone.cert_pem.tempfile() as certificate, alone.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)
    return context


@pytest.mark.parametrize(
    ("code", "context"),
    [
        (62, lambda authority: server_tls(authority.issue_cert("other.test"))),
        (10, lambda authority: server_tls(issued(authority, -2, -1))),
        (9, lambda authority: server_tls(issued(authority, 1, 2))),
        (20, lambda _: server_tls(trustme.CA().issue_cert("site.test"))),
        (18, lambda _: self_signed()),
    ],
    ids=["another host", "expired", "not yet valid", "a stranger's", "self-signed"],
)
def test_a_certificate_that_is_no_good_ends_the_connection(
    wire, scripted, authority, client_tls, code, context
):
    server = scripted(serve_always(), tls=context(authority))
    client = wire(tls=client_tls, names=Names(SITE))
    with pytest.raises(httpx.ConnectError) as caught:
        client.request("GET", f"https://site.test:{server.port}/")

    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert caught.value.__cause__.verify_code == code
    assert not server.requests


def issued(authority, first, last):
    today = datetime.datetime.now(datetime.UTC)
    return authority.issue_cert(
        "site.test", not_before=today + first * DAY, not_after=today + last * DAY
    )


def test_a_server_that_leaves_in_the_handshake(wire, scripted, client_tls):
    server = scripted(lambda peer: peer.stream.recv(65_536))
    with pytest.raises(httpx.ConnectError) as caught:
        wire(tls=client_tls).request("GET", f"https://{server.netloc}/")

    assert isinstance(caught.value.__cause__, ssl.SSLError)


def test_a_server_that_is_silent_in_the_handshake(wire, scripted, client_tls):
    server = scripted(lambda peer: peer.until_gone())
    timeout = httpx.Timeout(None, connect=0.1)
    with pytest.raises(httpx.ConnectTimeout):
        wire(tls=client_tls).request("GET", f"https://{server.netloc}/", timeout=timeout)
    server.until(lambda: server.peers and not server.here)


def test_a_server_that_leaves_with_the_last_word_of_the_handshake(
    wire, scripted, authority, client_tls
):
    """The end comes in one packet with that word, and before a request was on its way."""
    context = server_tls(authority.issue_cert("127.0.0.1"), ssl.TLSVersion.TLSv1_2)

    def script(peer):
        told, tells = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(told, tells, server_side=True)
        is_open = True
        while is_open:
            try:
                secured.do_handshake()
                is_open = False
                with contextlib.suppress(ssl.SSLWantReadError):
                    secured.unwrap()
            except ssl.SSLWantReadError:
                pass
            peer.say(tells.read())
            if is_open:
                told.write(peer.stream.recv(65_536))

    server = scripted(script)
    with pytest.raises((httpx.RemoteProtocolError, httpx.NetworkError)):
        wire(tls=client_tls).request("GET", f"https://{server.netloc}/", timeout=5)


# ---------------------------------------------------------------- addresses


def test_an_address_of_version_6(wire, scripted):
    try:
        server = scripted(serve_always(), host="::1")
    except OSError:
        pytest.skip("this system has no ::1")

    assert wire().request("GET", server.url).content == b"page"
    assert f"\r\nHost: {server.netloc}\r\n".encode() in server.peers[0].requests[0] + b"\r\n"


def test_the_address_after_one_that_refuses_is_taken(wire, scripted):
    server = scripted(serve_always(), host="127.0.0.3")
    client = wire(names=Several("127.0.0.1", "127.0.0.2", "127.0.0.3"))

    assert client.request("GET", f"http://many.test:{server.port}/").content == b"page"


@needs_a_full_backlog
def test_the_address_after_one_that_is_silent_is_taken_in_time(wire, scripted, full):
    port = full()
    server = scripted(serve_always(), host="127.0.0.2", port=port)
    client = wire(names=Several("127.0.0.1", "127.0.0.2"))
    timeout = httpx.Timeout(20, connect=1)
    response = client.request("GET", f"http://many.test:{port}/", timeout=timeout)

    assert response.content == b"page"
    assert len(server.peers) == 1
    assert response.extensions["timings"].connect < 1


def test_where_nobody_listens_the_connection_is_refused(wire):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.ConnectError) as caught:
            wire().request("GET", f"http://127.0.0.1:{bound.getsockname()[1]}/")

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


@needs_a_full_backlog
def test_a_server_too_busy_to_accept_is_left_in_time(wire, full):
    client, url, before = wire(), f"http://127.0.0.1:{full()}/", sockets()
    with pytest.raises(httpx.ConnectTimeout):
        client.request("GET", url, timeout=httpx.Timeout(None, connect=0.05))

    assert sockets() == before


@pytest.mark.parametrize("seconds", [0.05, 0])
def test_a_name_that_nobody_looks_up_ends_in_time(wire, seconds):
    names = Silent()
    with pytest.raises(httpx.ConnectTimeout):
        wire(names=names).request(
            "GET", "http://a.test/", timeout=httpx.Timeout(None, connect=seconds)
        )

    assert all(future.cancelled() for future in names.asked)


def test_a_server_that_resets_at_once_has_reset_the_connection(wire, scripted, monkeypatch):
    """Before we could ask who it was; then the system says that there is no connection."""

    def reset(stream):
        server.until(lambda: server.peers and server.peers[0].stream.fileno() == -1)
        with contextlib.suppress(OSError):  # wait for the reset, and take it
            stream.setblocking(True)
            stream.recv(1)
        return stream

    async def start_connection(*arguments, **more):
        return reset(await start(*arguments, **more))

    connect, start = socket.create_connection, aiohappyeyeballs.start_connection
    monkeypatch.setattr(socket, "create_connection", lambda *given: reset(connect(*given)))
    monkeypatch.setattr("crawler.wire.opening.start_connection", start_connection)
    server = scripted(lambda peer: peer.reset())
    with pytest.raises(httpx.NetworkError) as caught:
        wire().request("GET", server.url)

    assert isinstance(caught.value.__cause__, ConnectionResetError)


# ---------------------------------------------------------------- cancellation


async def cancelled(task):
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_look_up_that_is_cancelled_is_called_back(run):
    async def main():
        names = Silent()
        async with client_of(names=names) as (client, _):
            task = asyncio.ensure_future(client.get("http://a.test/"))
            await until(lambda: names.asked)
            await cancelled(task)
            return names.asked[0].cancelled()

    assert run(main())


@needs_a_full_backlog
def test_connecting_that_is_cancelled_leaves_no_socket(run, full):
    async def main():
        async with client_of() as (client, transport):
            before = sockets()
            task = asyncio.ensure_future(client.get(url))
            await until(lambda: sockets() > before)
            await cancelled(task)
            await until(lambda: sockets() == before)
            return repr(transport)

    url = f"http://127.0.0.1:{full()}/"

    assert run(main()) == "<WireTransport 0 open, 0 of them idle>"


def test_a_handshake_that_is_cancelled_leaves_no_socket(run, scripted, client_tls):
    def script(peer):
        peer.stream.recv(65_536)
        greeted.append(peer)
        server.noted()
        peer.until_gone()

    async def main():
        async with client_of(tls=client_tls) as (client, transport):
            task = asyncio.ensure_future(client.get(f"https://{server.netloc}/"))
            await elsewhere(server.until, lambda: greeted)
            await cancelled(task)
            await elsewhere(server.until, lambda: not server.here)
            return repr(transport)

    greeted: list[object] = []
    server = scripted(script)

    assert run(main()) == "<WireTransport 0 open, 0 of them idle>"


def test_whoever_is_cancelled_or_times_out_at_any_turn_of_opening_leaves_nothing(
    run, scripted, authority, client_tls
):
    """Cancelled after one turn of the loop, after two, and so on until it is through."""

    def script(peer):
        with contextlib.suppress(OSError, Gone):
            serve(PAGE)(peer)
        peer.is_gone = True
        server.noted()

    async def main():
        ends: list[type] = []
        before = sockets()
        async with client_of(tls=client_tls) as (client, transport):
            for turns in range(60):
                task = asyncio.ensure_future(client.get(server.url))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                ends += map(type, await asyncio.gather(task, return_exceptions=True))
                for connection in tuple(transport._open):
                    assert not connection.is_busy
                    connection.abort()
                await until(lambda: not transport._open)
            await until(lambda: sockets() == before)  # the loop closes what it left
        return set(ends)

    server = scripted(script, tls=server_tls(authority.issue_cert("127.0.0.1")))

    assert asyncio.CancelledError in run(main())
