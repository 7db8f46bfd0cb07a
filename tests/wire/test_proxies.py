"""By way of a proxy: each kind, in every colour, with the same guard and the same failures."""

import asyncio
import contextlib
import socket

import httpx
import pytest
import trustme

from crawler.core.pages import Outcome
from crawler.core.proxy import Proxy
from crawler.wire.failures import Limits, failure_of
from crawler.wire.httpcore_transports import AHttpcoreTransport, HttpcoreTransport
from crawler.wire.names import Names
from tests.wire.relays import (
    LONG,
    HttpProxy,
    Server,
    SocksProxy,
    head_of,
    page,
    reset,
    server_context,
)

in_every_colour = pytest.mark.parametrize(
    "visit", [f"httpcore {colour}" for colour in ("fetch", "asyncio", "uvloop")], indirect=True
)
KINDS = ("http", "https", "socks5", "socks5h")
#: The name of a public site, and what makes it one: its address is treated as public.
NAMES = {"public.test": "127.1.0.1", "site.test": "127.0.0.1"}
OUTSIDE = {"resolve": NAMES, "treat_as_public": ("127.1.0.0/16",)}
REFUSED = (Outcome.PRIVATE_ADDRESS, "led to 127.0.0.1, which is not public")
LOGIN = ("a user", "p@ss:w/\u00f6rd")
LOGIN_IN_URL = "a%20user:p%40ss%3Aw%2F%C3%B6rd"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def serving():
    """Start servers of a kind."""
    with contextlib.ExitStack() as stack:

        def start(kind, *given, **named):
            server = kind(*given, **named)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def proxy(serving, authority, trusting):
    """Start a proxy of the kind that a scheme names; it knows the names, and is trusted."""

    def start(scheme, **options):
        trusting(authority)
        if scheme == "https":
            options["tls"] = server_context(authority.issue_cert("127.0.0.1"), "h2", "http/1.1")
        kind = SocksProxy if scheme.startswith("socks") else HttpProxy
        started = serving(kind, routes=NAMES, **options)
        started.url = f"{scheme}://127.0.0.1:{started.port}"
        return started

    return start


@pytest.fixture
def secured(serving, authority):
    """Start a page behind TLS; gives its URL."""

    def start(certificate=None, host="site.test"):
        tls = server_context(certificate or authority.issue_cert(host))
        return f"https://{host}:{serving(Server, page, tls=tls).port}/"

    return start


@pytest.fixture
def home(site):
    return site("127.0.0.1")


@pytest.fixture
def public(site):
    return site("127.1.0.1")


def at(site, where="", host="public.test"):
    return f"http://{host}:{site.port}/{where}"


def end(fetched):
    return fetched.outcome, fetched.error


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_page_is_asked_for_by_way_of_the_proxy(visit, proxy, home, scheme):
    by = proxy(scheme)
    url = at(home, "a%20b;c", "site.test")
    found = visit(url, url, proxy=by.url, **OUTSIDE)

    assert [(fetched.outcome, fetched.body) for fetched in found] == [(Outcome.OK, b"page")] * 2
    asked = {"socks5": ["address 127.0.0.1"], "socks5h": ["name site.test"]}
    assert by.asked == asked.get(scheme, [f"GET {url}"] * 2)
    assert home.asked == ["/a%20b;c"] * 2
    assert by.connections == 1
    assert found[0].timing.connect is not None
    assert found[1].timing.connect is None


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_page_behind_tls_is_reached_through_a_tunnel(visit, proxy, secured, scheme):
    by, url = proxy(scheme), secured()
    found = visit(url, url + "more", proxy=by.url, **OUTSIDE)

    assert [(fetched.outcome, fetched.body) for fetched in found] == [(Outcome.OK, b"page")] * 2
    port = httpx.URL(url).port
    asked = {"socks5": "address 127.0.0.1", "socks5h": "name site.test"}
    assert by.asked == [asked.get(scheme, f"CONNECT site.test:{port}")]


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_the_certificate_of_the_host_is_looked_at_behind_a_proxy(visit, proxy, secured, scheme):
    by = proxy(scheme)
    url = secured(trustme.CA().issue_cert("site.test"))
    [fetched] = visit(url, proxy=by.url, **OUTSIDE)

    assert end(fetched) == (Outcome.TLS, "the certificate's issuer is not trusted")


@in_every_colour
def test_the_certificate_of_the_proxy_is_looked_at(visit, serving, home):
    tls = server_context(trustme.CA().issue_cert("127.0.0.1"))
    by = serving(HttpProxy, tls=tls)
    [fetched] = visit(at(home, host="127.0.0.1"), proxy=f"https://127.0.0.1:{by.port}")

    issuer = "at the proxy: the certificate's issuer is not trusted"
    assert end(fetched) == (Outcome.TLS, issuer)
    assert by.asked == []


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_an_ipv6_address_is_passed_on(visit, proxy, serving, authority, scheme):
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        by = proxy(scheme)
        by.routes = {"::1": "127.0.0.1"}
        plain = serving(Server, page)
        tls = serving(Server, page, tls=server_context(authority.issue_cert("::1")))
        urls = f"http://[::1]:{plain.port}/", f"https://[::1]:{tls.port}/"

        assert [fetched.body for fetched in visit(*urls, proxy=by.url)] == [b"page"] * 2


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_the_proxy_is_told_user_and_password_and_nobody_else_is(visit, proxy, serving, scheme):
    by = proxy(scheme, login=LOGIN)
    heads = []

    def note(peer):
        heads.append(head_of(peer))
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    url = f"http://127.0.0.1:{serving(Server, note).port}/"
    [fetched] = visit(url, proxy=by.url.replace("://", f"://{LOGIN_IN_URL}@"))

    assert fetched.outcome is Outcome.OK
    assert len(heads) == 1
    assert b"proxy" not in heads[0].lower()
    assert b"authorization" not in heads[0].lower()


@in_every_colour
@pytest.mark.parametrize("given", ["", "a%20user:wrong@"])
@pytest.mark.parametrize("scheme", KINDS)
def test_wrong_credentials_are_refused(visit, proxy, home, scheme, given):
    by = proxy(scheme, login=LOGIN)
    urls = at(home, host="site.test"), "https://site.test/"
    found = visit(*urls, proxy=by.url.replace("://", f"://{given}"), **OUTSIDE)

    wants = "it does not take these credentials" if given else "it wants credentials"
    reason = wants if scheme.startswith("socks") else "407"
    failure = Outcome.REFUSED, f"refused by the proxy: {reason}"
    assert [(*end(fetched), fetched.status) for fetched in found] == [(*failure, None)] * 2
    assert home.asked == []


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_redirect_to_a_private_address_is_refused(visit, proxy, home, public, scheme):
    by = proxy(scheme)
    inner = [at(home, host=host) for host in ("127.0.0.1", "site.test", "[::ffff:127.0.0.1]")]
    found = visit(*(at(public, "?" + url) for url in inner), proxy=by.url, **OUTSIDE)

    assert [end(fetched) for fetched in found[:2]] == [REFUSED] * 2
    assert [(fetched.outcome, fetched.status) for fetched in found] == [(REFUSED[0], None)] * 3
    assert [fetched.final_url for fetched in found[:2]] == inner[:2]
    assert (home.connections, len(public.asked)) == (0, 3)


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_connection_that_is_there_already_is_refused_as_well(visit, proxy, home, public, scheme):
    by, inner = proxy(scheme), at(home, "inner", "site.test")
    first, second, third = visit(inner, at(public, "?" + inner), inner, proxy=by.url, **OUTSIDE)

    assert (first.outcome, third.outcome) == (Outcome.OK, Outcome.OK)
    assert end(second) == REFUSED
    assert home.asked == ["/inner", "/inner"]


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_metadata_is_out_of_reach_even_if_private_addresses_are_allowed(visit, proxy, home, scheme):
    by = proxy(scheme)
    urls = [
        at(home, f"?http://{host}/", "127.0.0.1")
        for host in ("169.254.169.254", "metadata.test", "[fd00:ec2::254]")
    ]
    names = {"metadata.test": "169.254.169.254"}
    found = visit(*urls, proxy=by.url, allow_private=True, resolve=names)

    assert {fetched.outcome for fetched in found} == {Outcome.PRIVATE_ADDRESS}
    assert [asked for asked in by.asked if "127.0.0.1" not in asked.partition("?")[0]] == []


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_found_link_goes_nowhere_private(visit, proxy, home, public, scheme):
    by = proxy(scheme)
    urls = at(public), at(home, host="site.test")
    outside, inside = visit(*urls, typed=False, proxy=by.url, **OUTSIDE)

    assert outside.outcome is Outcome.OK
    assert end(inside) == REFUSED


class Several(Names):
    """A resolver that has found more than one address for every name."""

    def _known(self, _host):
        return ["127.1.0.1", "127.0.0.1"]


@in_every_colour
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_all_addresses_must_be_allowed_where_the_proxy_chooses(visit, proxy, home, scheme):
    by, inner = proxy(scheme), at(home, host="two.test")
    [fetched] = visit(
        inner, typed=False, names=Several({}), proxy=by.url, treat_as_public=("127.1.0.0/16",)
    )

    assert end(fetched) == REFUSED
    assert by.asked == []


@in_every_colour
def test_an_address_that_is_allowed_is_chosen_here_for_socks5(visit, proxy, public):
    by = proxy("socks5")
    options = {"proxy": by.url, "treat_as_public": ("127.1.0.0/16",), "typed": False}
    [fetched] = visit(at(public, host="two.test"), names=Several({}), **options)

    assert fetched.outcome is Outcome.OK
    assert by.asked == ["address 127.1.0.1"]


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_the_name_that_is_looked_up_is_the_one_that_is_asked_for(visit, proxy, public, scheme):
    """Told in Unicode, a resolver of another time would take it for fass.test."""
    by, name = proxy(scheme), "xn--fa-hia.test"
    by.routes = {**NAMES, name: "127.0.0.1"}
    options = {**OUTSIDE, "resolve": {**NAMES, "fass.test": "127.1.0.1", name: "127.0.0.1"}}
    [fetched] = visit(at(public, f"?http://{name}/"), proxy=by.url, **options)

    assert end(fetched) == REFUSED


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_what_is_known_of_the_place_of_a_host_behind_a_proxy(visit, proxy, home, public, scheme):
    """Of a typed name nothing is known but the name, unless it is looked up here."""
    by = proxy(scheme)
    urls = at(home, host="127.0.0.1"), at(home, host="site.test"), at(public)
    found = visit(*urls, proxy=by.url, **OUTSIDE)

    assert [fetched.home for fetched in found] == [True, scheme == "socks5", False]


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_redirect_from_home_to_home_is_followed(visit, proxy, home, scheme):
    inner = at(home, host="site.test")
    urls = at(home, "?" + inner, "127.0.0.1")
    [fetched] = visit(urls, proxy=proxy(scheme).url, **OUTSIDE)

    assert (fetched.outcome, fetched.final_url, fetched.home) == (Outcome.OK, inner, True)


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_name_that_nobody_here_can_look_up_is_not_gone_to_unless_it_was_typed(
    visit, proxy, public, scheme
):
    by, name = proxy(scheme), f"{('a' * 63 + '.') * 4}test"
    [fetched] = visit(at(public, f"?http://{name}/"), proxy=by.url, **OUTSIDE)

    assert end(fetched) == (Outcome.DNS, "the name has no address")


def leave(peer):
    peer.recv(65_536)


def leave_in_anger(peer):
    leave(peer)
    reset(peer)


def say_nonsense(peer):
    peer.recv(65_536)
    peer.sendall(b"\0\0SSH-2.0-OpenSSH_9.6\r\n")


def say_nothing(peer):
    while peer.recv(65_536):
        pass


CLOSED = "the connection was closed without an answer"
NOT_HTTP = "the answer is not valid HTTP, or ended early"
GONE = (Outcome.RESET, "the connection was reset")
FAILED = {
    ("http", leave): (Outcome.RESET, CLOSED),
    ("http", leave_in_anger): GONE,
    ("http", say_nonsense): (Outcome.PROTOCOL, NOT_HTTP),
    ("http", say_nothing): (Outcome.TIMEOUT, "nothing received for 0.1 s"),
    ("https", leave): (Outcome.TLS, "at the proxy: TLS failed"),
    ("https", leave_in_anger): (Outcome.RESET, "at the proxy: the connection was reset"),
    ("https", say_nonsense): (Outcome.TLS, "at the proxy: TLS failed"),
    ("https", say_nothing): (Outcome.TIMEOUT, "at the proxy: no connection within 0.1 s"),
    ("socks5h", leave): (Outcome.RESET, f"at the proxy: {CLOSED}"),
    ("socks5h", leave_in_anger): (Outcome.RESET, "at the proxy: the connection was reset"),
    ("socks5h", say_nonsense): (Outcome.REFUSED, "refused by the proxy: it does not speak SOCKS 5"),
    ("socks5h", say_nothing): (Outcome.TIMEOUT, "at the proxy: no connection within 0.1 s"),
}  # fmt: skip


@in_every_colour
@pytest.mark.parametrize(("scheme", "does"), FAILED)
def test_a_proxy_that_breaks_off(visit, serving, scheme, does):
    by = f"{scheme}://127.0.0.1:{serving(Server, does).port}"
    limits = {"connect_timeout": 0.1, "read_timeout": 0.1} if does is say_nothing else {}
    found = visit("http://127.0.0.1:1/", "https://127.0.0.1:1/", proxy=by, **limits)

    assert [end(fetched) for fetched in found] == [FAILED[scheme, does]] * 2
    assert [fetched.status for fetched in found] == [None] * 2


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_proxy_that_is_not_there(visit, scheme):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        [refused] = visit("http://127.0.0.1:1/", proxy=f"{scheme}://127.0.0.1:{port}")
    [unknown] = visit("http://127.0.0.1:1/", proxy=f"{scheme}://{('a' * 63 + '.') * 4}test")

    assert end(refused) == (Outcome.REFUSED, "at the proxy: the connection was refused")
    assert end(unknown) == (Outcome.DNS, "at the proxy: the name has no address")


@in_every_colour
@pytest.mark.parametrize("status", [403, 502])
def test_a_tunnel_that_is_not_opened(visit, proxy, status):
    by = proxy("http")
    by.answer = b"HTTP/1.1 %d A \x1b[31mreason\r\nContent-Length: 0\r\n\r\n" % status
    [tunnel] = visit("https://127.0.0.1:1/", proxy=by.url)

    assert end(tunnel) == (Outcome.REFUSED, f"refused by the proxy: {status}")


@in_every_colour
def test_an_answer_to_a_forwarded_request_is_an_answer(visit, proxy):
    by = proxy("http")
    by.answer = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    [forwarded] = visit("http://127.0.0.1:1/", proxy=by.url)

    assert (forwarded.outcome, forwarded.status) == (Outcome.HTTP_ERROR, 502)


@in_every_colour
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (1, "its answer is 1"),
        (2, "its rules do not allow it"),
        (4, "the host is unreachable"),
        (5, "the host refused the connection"),
    ],
)
def test_what_a_socks_proxy_answers_is_told(visit, proxy, reply, reason):
    by = proxy("socks5h")
    by.reply = reply
    [fetched] = visit("http://127.0.0.1:1/", proxy=by.url)

    assert end(fetched) == (Outcome.REFUSED, f"refused by the proxy: {reason}")


@in_every_colour
def test_a_socks_proxy_may_answer_in_pieces(visit, proxy, home):
    by = proxy("socks5h", login=LOGIN)
    by.piece = 1
    url = by.url.replace("://", f"://{LOGIN_IN_URL}@")
    [fetched] = visit(at(home, host="site.test"), proxy=url)

    assert fetched.body == b"page"


@in_every_colour
def test_a_name_too_long_for_socks(visit, proxy):
    by = proxy("socks5h")
    [fetched] = visit(f"http://{('a' * 63 + '.') * 5}test/", proxy=by.url)

    assert end(fetched) == (Outcome.REFUSED, "refused by the proxy: the name is too long for it")


@in_every_colour
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_host_that_leaves_behind_a_tunnel_gave_no_answer(
    visit, proxy, serving, authority, scheme
):
    """That the proxy answered says nothing of the host."""
    tls = server_context(authority.issue_cert("site.test"))
    port = serving(Server, leave, tls=tls).port
    [fetched] = visit(f"https://site.test:{port}/", proxy=proxy(scheme).url)

    assert end(fetched) == (Outcome.RESET, CLOSED)


@in_every_colour
@pytest.mark.parametrize("scheme", KINDS)
def test_a_connection_that_was_closed_as_it_was_taken_is_no_failure(
    visit, proxy, serving, authority, scheme
):
    def once(peer):
        head_of(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
        head_of(peer)

    tls = server_context(authority.issue_cert("site.test"))
    url = f"https://site.test:{serving(Server, once, tls=tls).port}/"
    found = visit(url, url, url, proxy=proxy(scheme).url, **OUTSIDE)

    assert [fetched.body for fetched in found] == [b"page"] * 3


def test_no_connection_is_remembered_that_failed(proxy, secured):
    """httpcore keeps one that failed in the handshake behind a tunnel, and never uses it."""
    by = Proxy.of(proxy("http").url)
    names = Names({})
    request = httpx.Request(
        "GET",
        secured(trustme.CA().issue_cert("site.test")),
        extensions={"timeout": {"connect": LONG, "read": LONG, "write": LONG}},
    )
    with HttpcoreTransport(names, by) as http:
        for _ in range(3):
            with pytest.raises(httpx.ConnectError):
                http.handle_request(request)
        assert http._pool.connections == []

    async def main():
        async with AHttpcoreTransport(names, 10, by) as http:
            for _ in range(3):
                with pytest.raises(httpx.ConnectError):
                    await http.handle_async_request(request)
            assert http._pool.connections == []

    asyncio.run(main())


def test_the_environment_names_no_proxy(visit, monkeypatch, home):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    [fetched] = visit(at(home, host="127.0.0.1"))

    assert fetched.outcome is Outcome.OK


def test_an_error_at_the_proxy_that_is_a_fault_of_ours_is_none_of_the_wire():
    error = httpx.ProxyError("x")
    error.__cause__ = KeyError("x")

    assert failure_of(error, Limits(30, 5, 10), out_of_time=False, received=False) is None
