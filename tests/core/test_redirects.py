"""Which answers lead on, where to, for how long, and what may go along."""

import pytest

from crawler.core.pages import Hop, Outcome
from crawler.core.redirects import Follow, Refuse, headers_for, next_step, retry_after_of

HERE = "http://site.test/a/b?c"
SECRET = (
    ("Authorization", "Basic x"),
    ("cookie", "a=b"),
    ("PROXY-Authorization", "Basic y"),
)
PLAIN = (("Accept", "*/*"), ("X-Mine", "1"))


def step(status=302, location: str | None = "/x", hops=0, most=10, address=HERE):
    return next_step(address, status, location, [Hop(302, HERE)] * hops, most)


def test_only_the_redirecting_statuses_lead_on():
    found = {status: step(status) for status in range(200, 600) if step(status) is not None}

    assert found == dict.fromkeys((301, 302, 303, 307, 308), Follow("http://site.test/x"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_nowhere_is_an_answer(status):
    assert step(status, location=None) is None


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("/x", "http://site.test/x"),
        ("x", "http://site.test/a/x"),
        ("?q", "http://site.test/a/b?q"),
        ("", "http://site.test/a/b?c"),
        ("#part", "http://site.test/a/b?c"),
        ("//other.test", "http://other.test/"),
        ("HTTPS://Other.test:443/#x", "https://other.test/"),
        ("/ä b", "http://site.test/%C3%A4%20b"),
        ("\\\\other.test\\x", "http://other.test/x"),
    ],
)
def test_a_location_is_resolved_as_browsers_do(location, address):
    assert step(location=location) == Follow(address)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://h/",
        "javascript:alert(1)",
        "data:,x",
        "gopher://h/",
        "http://",
        "http://[::1",
        "http://h:99999/",
        "http://h/" + "x" * 16_000,
        "http://h/\udcff" * 6000,
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_location_that_is_no_http_address_ends_the_visit(location, scheme):
    found = step(location=location, address=f"{scheme}://site.test/")

    assert isinstance(found, Refuse)
    assert found.outcome is Outcome.BAD_URL


@pytest.mark.parametrize("most", [0, 1, 10])
def test_a_loop_ends_after_as_many_hops_as_are_allowed(most):
    hops: list[Hop] = []
    while isinstance(found := next_step(HERE, 302, HERE, hops, most), Follow):
        hops.append(Hop(302, found.address))

    assert len(hops) == most
    assert found == Refuse(Outcome.TOO_MANY_REDIRECTS, f"more than {most} redirects")


@pytest.mark.parametrize(
    "there",
    [
        "http://other.test/",
        "http://sub.site.test/",
        "https://site.test/",
        "http://site.test:8080/",
        "http://site.test.evil.test/",
    ],
)
def test_secrets_do_not_go_to_another_origin(there):
    assert headers_for((*SECRET, *PLAIN), HERE, there) == PLAIN


@pytest.mark.parametrize("there", [HERE, "http://site.test/other", "http://u:p@site.test/"])
def test_secrets_stay_within_their_origin(there):
    assert headers_for((*SECRET, *PLAIN), HERE, there) == (*SECRET, *PLAIN)


def test_a_host_header_does_not_go_to_another_origin():
    assert headers_for((("Host", "inner.test"),), HERE, "http://other.test/") == ()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9" * 400, None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_read_in_seconds_only(value, seconds):
    assert retry_after_of(value) == seconds
