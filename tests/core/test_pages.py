"""Whatever crosses a process border is a plain value: it travels, and comes back the same."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.guard import Guard
from crawler.core.job import FetchRules, Options
from crawler.core.pages import (
    NOT_FAILURES,
    Analysed,
    AnalyseLimits,
    Batch,
    Fetched,
    Hop,
    Outcome,
    Place,
    Target,
    Timing,
    outcome_of_status,
)

TARGET = Target(
    url="http://ü.test/\n",
    address="http://xn--tda.test/",
    host="xn--tda.test",
    problem="p",
    typed=False,
    depth=3,
    referrer="http://r/",
    attempt=2,
    taken_at=1.5,
)
FETCHED = Fetched(
    url="http://h/",
    final_url="http://h/x",
    outcome=Outcome.HTTP_ERROR,
    error="e",
    status=503,
    content_type="text/html",
    content_encoding="br",
    body=b"\x00\xff" * 9,
    wire_bytes=18,
    redirects=[Hop(302, "http://h/x")],
    home=False,
    retry_after=7.0,
    fetched_at=1.25,
    timing=Timing(queue=1.0, connect=2.0, ttfb=3.0, total=4.0),
    limits=AnalyseLimits(max_bytes=1, max_ratio=2.0, max_links=3, simhash=True),
    cpu_s=0.5,
)
ANALYSED = Analysed(
    outcome=Outcome.DECODE_ERROR,
    error="e",
    bytes=1,
    sha256="a",
    encoding="UTF-8",
    text_sha256="b",
    simhash="c",
    title="t",
    links=["http://h/"],
    links_total=2,
    cpu_s=0.25,
)
OPTIONS = Options(mode="serial", headers=(("A", "b"),), resolve={"h": "127.0.0.1"})
RULES = FetchRules.of(OPTIONS, "crawl/0")


@pytest.mark.parametrize(
    "value",
    [
        TARGET,
        FETCHED,
        ANALYSED,
        OPTIONS,
        Batch([TARGET], Place("list", 9), ended=False),
        RULES,
        Guard(treat_as_public=("::/8",)),
        *Outcome,
    ],
    ids=lambda value: str(value) if isinstance(value, Outcome) else type(value).__name__,
)
def test_what_crosses_a_border_comes_back_equal(value):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value


def test_an_outcome_comes_back_as_itself():
    assert pickle.loads(pickle.dumps(FETCHED)).outcome is Outcome.HTTP_ERROR


@given(st.binary(max_size=300), st.text(max_size=30), st.floats(0, 1e9))
def test_any_body_title_and_time_travel(body, title, seconds):
    timing = Timing(queue=seconds, total=seconds)
    page = Fetched(url=title, final_url=title, outcome=Outcome.OK, body=body, timing=timing)

    assert pickle.loads(pickle.dumps((page, Analysed(title=title)))) == (
        page,
        Analysed(title=title),
    )


def test_two_visits_share_no_list():
    timing = Timing(queue=0.0, total=0.0)
    one, other = (
        Fetched(url="u", final_url="u", outcome=Outcome.OK, timing=timing) for _ in range(2)
    )
    one.redirects.append(Hop(302, "v"))

    assert other.redirects == []


def test_the_outcome_of_a_status():
    found = {status: outcome_of_status(status) for status in range(100, 600)}

    assert {status for status in found if found[status] is Outcome.OK} == {*range(200, 300)}
    assert [status for status in found if found[status] is Outcome.NOT_MODIFIED] == [304]
    assert {*found.values()} == {Outcome.OK, Outcome.NOT_MODIFIED, Outcome.HTTP_ERROR}


def test_the_outcomes_are_those_of_the_design():
    words = (
        "ok http-error not-modified timeout dns refused reset tls protocol too-large "
        "too-many-redirects robots private-address host-down bad-url decode-error analyse-error "
        "duplicate out-of-scope limit interrupted"
    )
    assert list(Outcome) == words.split()
    assert NOT_FAILURES == {
        "ok",
        "not-modified",
        "duplicate",
        "out-of-scope",
        "robots",
        "limit",
    }
