"""No redirect leads into a private network, on a new connection or on one that is there already."""

import pytest

from crawler.core.pages import Outcome

#: The name of a public site, and what makes it one: its address is treated as public.
NAMES = {"public.test": "127.1.0.1"}
OUTSIDE = {"resolve": NAMES, "treat_as_public": ("127.1.0.0/16",)}
REFUSED = (Outcome.PRIVATE_ADDRESS, "led to 127.0.0.1, which is not public")


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


def test_a_redirect_from_a_public_site_to_loopback_is_refused(visit, home, public):
    inner = at(home, host="127.0.0.1")
    [fetched] = visit(at(public, "?" + inner), **OUTSIDE)

    assert end(fetched) == REFUSED
    assert fetched.final_url == inner
    assert [hop.url for hop in fetched.redirects] == [inner]
    assert fetched.status is None
    assert home.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost.test", "[::ffff:127.0.0.1]"])
def test_a_connection_that_is_there_already_is_refused_as_well(visit, home, public, host):
    inner = at(home, "inner", host)
    options = {**OUTSIDE, "resolve": {**NAMES, "localhost.test": "127.0.0.1"}}
    first, second, third = visit(inner, at(public, "?" + inner), inner, **options)

    assert first.outcome is Outcome.OK
    assert second.outcome is Outcome.PRIVATE_ADDRESS
    assert third.outcome is Outcome.OK
    assert home.asked == ["/inner", "/inner"]


def test_a_connection_is_used_again_by_whoever_may(visit, home, public):
    inner, outer = at(home, "inner", "127.0.0.1"), at(public, "outer")
    found = visit(inner, inner, outer, outer, inner, **OUTSIDE)

    assert {fetched.outcome for fetched in found} == {Outcome.OK}
    assert (home.connections, public.connections) == (1, 1)
    assert found[0].timing.connect is not None
    assert found[1].timing.connect is None


def test_a_redirect_from_home_to_home_is_followed(visit, home, site):
    other = at(site("127.0.0.2"), host="127.0.0.2")
    [fetched] = visit(at(home, "?" + other, "127.0.0.1"), **OUTSIDE)

    assert (fetched.outcome, fetched.final_url) == (Outcome.OK, other)
    assert fetched.home is True


def test_a_redirect_by_way_of_a_public_site_is_no_way_home(visit, home, public):
    inner = at(home, "inner", "127.0.0.1")
    [fetched] = visit(at(home, "?" + at(public, "?" + inner), "127.0.0.1"), **OUTSIDE)

    assert end(fetched) == REFUSED
    assert len(fetched.redirects) == 2
    assert home.asked == ["/?" + at(public, "?" + inner)]


def test_it_is_allowed_when_the_user_says_so(visit, home, public):
    inner = at(home, "inner", "127.0.0.1")
    [fetched] = visit(at(public, "?" + inner), allow_private=True, **OUTSIDE)

    assert (fetched.outcome, fetched.final_url) == (Outcome.OK, inner)


@pytest.mark.parametrize("address", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"])
def test_metadata_is_out_of_reach_even_then(visit, home, address):
    [fetched] = visit(at(home, f"?http://{address}/", "127.0.0.1"), allow_private=True)

    assert fetched.outcome is Outcome.PRIVATE_ADDRESS


def test_a_found_link_with_a_public_referrer_goes_nowhere_private(visit, home, public):
    inner = at(home, "inner", "127.0.0.1")
    outside, inside = visit(at(public), inner, typed=False, **OUTSIDE)

    assert outside.outcome is Outcome.OK
    assert end(inside) == REFUSED


def test_a_name_that_leads_home_is_refused_like_the_address(visit, home, public):
    options = {**OUTSIDE, "resolve": {**NAMES, "rebound.test": "127.0.0.1"}}
    inner = at(home, "inner", "rebound.test")
    [fetched] = visit(at(public, "?" + inner), **options)

    assert end(fetched) == REFUSED
    assert home.asked == []


def test_where_the_peer_was_is_known_afterwards(visit, home, public):
    inside, outside = visit(at(home, host="127.0.0.1"), at(public), **OUTSIDE)

    assert (inside.home, outside.home) == (True, False)


def test_the_host_that_was_asked_first_is_the_one_whose_place_is_told(visit, home, public):
    """It decides how politely that host is asked from then on, wherever it redirects to."""
    inward, outward = visit(
        at(public, "?" + at(home, "inner", "127.0.0.1")),
        at(home, "?" + at(public, "outer"), "127.0.0.1"),
        allow_private=True,
        **OUTSIDE,
    )

    assert {inward.outcome, outward.outcome} == {Outcome.OK}
    assert (inward.home, outward.home) == (False, True)
