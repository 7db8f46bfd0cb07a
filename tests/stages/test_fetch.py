"""One attempt at one URL: what is asked, what is kept, and the same in both colours."""

import asyncio
import base64
import contextlib
import gzip

import httpx
import pytest
import respx
from werkzeug import Response

from crawler.core.job import FetchRules, Options
from crawler.core.pages import Hop, Outcome, Target
from crawler.core.record import encode, record_of
from crawler.core.urls import target_of
from crawler.stages.fetch import DRAIN, afetch, fetch
from crawler.system.clock import now
from crawler.wire.names import Names
from crawler.wire.transports import atransport_of, transport_of

ONE = "http://one.test/"
TWO = "http://two.test/"


class Unreadable(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that must not be read."""

    def __iter__(self):
        raise AssertionError("the body was read")

    def __aiter__(self):
        raise AssertionError("the body was read")


@pytest.fixture(params=["fetch", "afetch"])
def ask(request):
    """Fetch URLs or targets one after another over one transport, in one colour.

    respx takes the place of httpcore's pool; the wire has tests of its own.
    """

    def ask(*asked, **options):
        targets = [target_of(one) if isinstance(one, str) else one for one in asked]
        rules = FetchRules.of(Options(transport="httpcore", **options), "test")
        with contextlib.closing(Names(options.get("resolve", {}))) as names:
            if request.param == "afetch":
                return asyncio.run(awaiting(names, targets, rules))
            with transport_of(rules.way, names) as http:
                return [fetch(http, target, rules) for target in targets]

    async def awaiting(names, targets, rules):
        async with atransport_of(rules.way, names, 4) as http:
            return [await afetch(http, target, rules) for target in targets]

    return ask


@pytest.fixture
def web():
    """The whole web, made of what a test says; nothing else can be reached."""
    with respx.mock(assert_all_called=False) as router:
        yield router


def page(body=b"page", status=200, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=body, headers=sent)


def to(location, status=302, body=b""):
    return httpx.Response(status, headers={"location": location}, content=body)


def requests(route):
    return [call.request for call in route.calls]


def test_the_web_of_a_test_is_under_our_own_transport(ask, web):
    route = web.get(ONE).mock(return_value=page(b"made up"))
    [fetched] = ask(ONE)

    assert route.call_count == 1
    assert (fetched.outcome, fetched.body) == (Outcome.OK, b"made up")


def test_a_page_is_kept_with_what_belongs_to_it(ask, web):
    web.get(ONE).mock(return_value=page(b"sent", content_type="text/html; charset=x"))
    target = target_of(ONE)
    target.taken_at = now()
    [fetched] = ask(target)

    assert (fetched.url, fetched.final_url) == (ONE, ONE)
    assert (fetched.status, fetched.error) == (200, None)
    assert (fetched.body, fetched.wire_bytes) == (b"sent", 4)
    assert (fetched.content_type, fetched.content_encoding) == ("text/html; charset=x", "")
    assert fetched.redirects == []
    timing = fetched.timing
    assert 0 <= timing.queue
    assert timing.ttfb is not None
    assert 0 < timing.ttfb <= timing.total
    assert fetched.fetched_at > 1_700_000_000


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, br", "unheard-of"])
def test_a_body_stays_as_it_was_sent(ask, httpserver, coding):
    sent = gzip.compress(b"a page")
    httpserver.expect_request("/").respond_with_data(sent, headers={"Content-Encoding": coding})
    [fetched] = ask(httpserver.url_for("/"))

    assert (fetched.body, fetched.content_encoding) == (sent, coding)
    assert (fetched.outcome, fetched.wire_bytes) == (Outcome.OK, len(sent))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.OK),
        (203, Outcome.OK),
        (304, Outcome.NOT_MODIFIED),
        (300, Outcome.HTTP_ERROR),
        (404, Outcome.HTTP_ERROR),
        (503, Outcome.HTTP_ERROR),
    ],
)
def test_a_status_has_its_outcome_and_its_body(ask, web, status, outcome):
    web.get(ONE).mock(return_value=page(b"a body", status))
    [fetched] = ask(ONE)

    assert (fetched.outcome, fetched.status, fetched.error) == (outcome, status, None)
    assert fetched.body == b"a body"


def test_an_empty_answer_has_an_empty_body(ask, httpserver):
    httpserver.expect_request("/204").respond_with_data(status=204)
    httpserver.expect_request("/304").respond_with_data(status=304)
    none, unchanged = ask(httpserver.url_for("/204"), httpserver.url_for("/304"))

    assert (none.outcome, none.body, none.wire_bytes) == (Outcome.OK, b"", 0)
    assert (unchanged.outcome, unchanged.body) == (Outcome.NOT_MODIFIED, b"")


def test_the_length_of_a_page_that_did_not_change_is_not_too_large(ask, web):
    """RFC 9110 section 8.6: a 304 may say how long the page is that it does not send."""
    web.get(ONE).mock(return_value=httpx.Response(304, headers={"content-length": "99000000"}))
    [fetched] = ask(ONE)

    assert fetched.outcome is Outcome.NOT_MODIFIED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_noted(ask, web, status):
    web.get(ONE).mock(return_value=to("/b", status))
    web.get(ONE + "b").mock(return_value=to(TWO, 308))
    web.get(TWO).mock(return_value=page(b"there"))
    [fetched] = ask(ONE)

    assert (fetched.url, fetched.final_url) == (ONE, TWO)
    assert fetched.redirects == [Hop(status, ONE + "b"), Hop(308, TWO)]
    assert (fetched.outcome, fetched.status, fetched.body) == (Outcome.OK, 200, b"there")


def test_a_redirect_is_followed_by_a_get_without_a_body(ask, web):
    web.get(ONE).mock(return_value=to(TWO, 307))
    route = web.route(url=TWO).mock(return_value=page())
    ask(ONE)

    [request] = requests(route)
    assert (request.method, request.content) == ("GET", b"")


@pytest.mark.parametrize("most", [0, 1, 5])
def test_a_loop_of_redirects_ends(ask, web, most):
    route = web.get(ONE).mock(return_value=to(ONE))
    [fetched] = ask(ONE, max_redirects=most)

    assert route.call_count == most + 1
    assert fetched.outcome is Outcome.TOO_MANY_REDIRECTS
    assert fetched.error == f"more than {most} redirects"
    assert len(fetched.redirects) == most
    assert (fetched.status, fetched.body, fetched.wire_bytes) == (302, None, None)


def test_a_redirect_to_a_file_is_refused(ask, web):
    web.get(ONE).mock(return_value=to("file:///etc/passwd"))
    [fetched] = ask(ONE)

    assert fetched.outcome is Outcome.BAD_URL
    assert fetched.final_url == ONE
    assert fetched.body is None


def test_a_redirect_without_a_location_is_an_answer(ask, web):
    web.get(ONE).mock(return_value=httpx.Response(302, content=b"lost"))
    [fetched] = ask(ONE)

    assert (fetched.outcome, fetched.body) == (Outcome.HTTP_ERROR, b"lost")


def test_a_redirects_own_body_counts_for_nothing(ask, web):
    web.get(ONE).mock(return_value=to(TWO, body=b"x" * 5000))
    web.get(TWO).mock(return_value=page(b"there"))
    [fetched] = ask(ONE, max_bytes=100)

    assert (fetched.outcome, fetched.body) == (Outcome.OK, b"there")


def test_a_redirects_long_body_is_not_read(ask, web):
    web.get(ONE).mock(
        return_value=httpx.Response(
            302, headers={"location": TWO, "content-length": str(DRAIN + 1)}, stream=Unreadable()
        )
    )
    web.get(TWO).mock(return_value=page(b"there"))
    [fetched] = ask(ONE)

    assert (fetched.outcome, fetched.body) == (Outcome.OK, b"there")


def test_a_failure_behind_a_redirect_has_no_status_of_the_redirect(ask, web):
    web.get(ONE).mock(return_value=to(TWO))
    web.get(TWO).mock(side_effect=httpx.ReadTimeout)
    [fetched] = ask(ONE)

    assert (fetched.outcome, fetched.status) == (Outcome.TIMEOUT, None)
    assert (fetched.final_url, fetched.redirects) == (TWO, [Hop(302, TWO)])


def test_a_length_over_the_cap_is_not_read(ask, web):
    web.get(ONE).mock(
        return_value=httpx.Response(200, headers={"content-length": "101"}, stream=Unreadable())
    )
    [fetched] = ask(ONE, max_bytes=100)

    assert (fetched.outcome, fetched.error) == (
        Outcome.TOO_LARGE,
        "more than 100 bytes as sent",
    )
    assert (fetched.body, fetched.wire_bytes, fetched.status) == (None, None, 200)


def test_a_body_exactly_at_the_cap_is_kept_and_one_byte_more_is_not(ask, httpserver):
    def chunked(size):
        return lambda _: Response(iter([b"x"] * size))

    httpserver.expect_request("/said").respond_with_data(b"x" * 1000)
    for size in (1000, 1001):
        httpserver.expect_request(f"/{size}").respond_with_handler(chunked(size))
    paths = ("/said", "/1000", "/1001")
    said, fits, over = ask(*map(httpserver.url_for, paths), max_bytes=1000)

    assert (said.outcome, said.wire_bytes) == (Outcome.OK, 1000)
    assert (fits.outcome, fits.body) == (Outcome.OK, b"x" * 1000)
    assert (over.outcome, over.body) == (Outcome.TOO_LARGE, None)


def test_a_body_over_the_cap_is_read_no_further(ask, httpserver):
    sent = []

    def endless(_):
        def chunks():
            for number in range(5000):
                sent.append(number)
                yield b"x" * 65_536

        return Response(chunks())

    httpserver.expect_request("/endless").respond_with_handler(endless)
    [fetched] = ask(httpserver.url_for("/endless"), max_bytes=100_000)

    assert fetched.outcome is Outcome.TOO_LARGE
    assert len(sent) < 2500


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("soon", None)])
def test_retry_after_is_noted(ask, web, value, seconds):
    web.get(ONE).mock(return_value=page(status=503, retry_after=value))
    [fetched] = ask(ONE)

    assert fetched.retry_after == seconds


def test_cookies_are_not_kept(ask, web):
    route = web.get(ONE).mock(return_value=page(set_cookie="a=b; Path=/"))
    web.get(ONE + "go").mock(
        return_value=httpx.Response(302, headers={"location": ONE, "set-cookie": "c=d; Path=/"})
    )
    ask(ONE, ONE, ONE + "go")

    assert [request.headers.get("cookie") for request in requests(route)] == [None] * 3


def test_the_headers_are_those_of_the_rules_and_no_more(ask, web):
    route = web.get(ONE).mock(return_value=page())
    ask(ONE, headers=(("X-Mine", "1"), ("X-Mine", "2"), ("accept", "text/plain")))

    [request] = requests(route)
    assert sorted(request.headers.multi_items()) == [
        ("accept", "text/plain"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("host", "one.test"),
        ("user-agent", "test"),
        ("x-mine", "1"),
        ("x-mine", "2"),
    ]


def test_secrets_do_not_follow_to_another_origin_and_come_back_at_home(ask, web):
    first = web.get(ONE).mock(return_value=to(TWO))
    second = web.get(TWO).mock(return_value=to(ONE + "back"))
    third = web.get(ONE + "back").mock(return_value=page())
    ask(ONE, headers=(("Authorization", "Bearer s"), ("Cookie", "a=b"), ("X-Mine", "1")))

    seen = [requests(route)[0].headers for route in (first, second, third)]
    assert [headers.get("authorization") for headers in seen] == ["Bearer s", None, "Bearer s"]
    assert [headers.get("cookie") for headers in seen] == ["a=b", None, "a=b"]
    assert [headers.get("x-mine") for headers in seen] == ["1"] * 3


def test_credentials_of_a_url_are_sent_and_never_shown(ask, web):
    first = web.get(ONE).mock(return_value=to("/here"))
    second = web.get(ONE + "here").mock(return_value=to(TWO))
    third = web.get(TWO).mock(return_value=to("http://user:hunter2@three.test/"))
    fourth = web.get("http://three.test/").mock(return_value=page(b"x"))
    target = target_of("http://user:hunter2@one.test/")
    [fetched] = ask(target)

    secret = "Basic " + base64.b64encode(b"user:hunter2").decode()
    seen = [requests(route)[0].headers for route in (first, second, third, fourth)]
    assert [headers.get("authorization") for headers in seen] == [secret, secret, None, secret]
    assert "hunter2" not in encode(record_of(target, fetched, None)).decode()
    assert fetched.final_url == "http://three.test/"


def test_a_target_with_a_problem_is_not_asked_for(ask, web):
    route = web.route().mock(return_value=page())
    [fetched] = ask("ftp://one.test/")

    assert route.call_count == 0
    assert (fetched.outcome, fetched.error) == (Outcome.BAD_URL, "only http and https are fetched")
    assert (fetched.final_url, fetched.status, fetched.body) == ("", None, None)
    assert fetched.timing.ttfb is None
    assert fetched.timing.connect is None


def test_the_time_of_connecting_is_told_once_for_each_connection(ask, httpserver):
    httpserver.expect_request("/").respond_with_data(b"x")
    [fetched] = ask(httpserver.url_for("/"))

    timing = fetched.timing
    assert timing.connect is not None
    assert timing.ttfb is not None
    assert 0 < timing.connect <= timing.ttfb <= timing.total
    assert fetched.home is True


def test_only_the_blocking_colour_counts_its_cpu(web):
    web.get(ONE).mock(return_value=page())
    rules = FetchRules.of(Options(), "test")
    with contextlib.closing(Names({})) as names, transport_of(rules.way, names) as http:
        assert fetch(http, target_of(ONE), rules).cpu_s > 0


def test_a_fault_of_ours_is_raised_and_no_record(ask, web):
    web.get(ONE).mock(side_effect=LookupError("a fault of ours"))

    with pytest.raises(LookupError):
        ask(ONE)


def test_nothing_of_one_attempt_is_left_for_the_next(ask, web):
    web.get(ONE).mock(return_value=to(TWO))
    web.get(TWO).mock(return_value=page(b"there"))
    web.get(ONE + "fails").mock(side_effect=httpx.ConnectError)
    first, failed, second = ask(ONE, ONE + "fails", ONE)

    assert (failed.outcome, failed.redirects, failed.body) == (Outcome.REFUSED, [], None)
    assert first.redirects == second.redirects == [Hop(302, TWO)]
    assert first.redirects is not second.redirects


def test_a_target_is_left_as_it_was(ask, web):
    web.get(ONE).mock(return_value=page())
    target = Target(url=ONE, address=ONE, host="one.test", attempt=2, taken_at=1.0)
    ask(target)

    assert target == Target(url=ONE, address=ONE, host="one.test", attempt=2, taken_at=1.0)
