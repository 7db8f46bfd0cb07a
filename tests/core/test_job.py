"""Options: what makes no sense is refused with the option's name."""

import math
import pickle

import msgspec
import pytest

from crawler.core.errors import OptionsError
from crawler.core.job import LOOPS, MODES, POOLS, FetchRules, Options, in_flight, validated
from crawler.core.pages import AnalyseLimits

AGENT = "crawl/0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "fast"),
        ("pool", "fibres"),
        ("loop", "trio"),
        ("concurrency", 0),
        ("concurrency", -1),
        ("workers", 0),
        ("retries", -1),
        ("max_redirects", -1),
        ("max_links", -1),
        ("max_bytes", 0),
        ("max_ratio", 0.5),
        ("timeout", 0.0),
        ("timeout", -1.0),
        ("timeout", math.inf),
        ("timeout", math.nan),
        ("connect_timeout", 0.0),
        ("read_timeout", 0.0),
        ("analyse_timeout", 0.0),
        ("concurrency", 10_001),
        ("workers", 257),
        ("retries", 101),
        ("max_redirects", 101),
        ("max_links", 10_000_001),
        ("max_bytes", 2**40 + 1),
        ("max_ratio", 1_000_001.0),
        ("timeout", 1_000_001.0),
        ("connect_timeout", 1_000_001.0),
        ("read_timeout", 1_000_001.0),
        ("analyse_timeout", 1_000_001.0),
    ],
)
def test_what_makes_no_sense_is_named_with_its_value(name, value):
    with pytest.raises(OptionsError) as caught:
        validated(Options(**{name: value}))

    text = str(caught.value)
    assert text.startswith(f"--{name.replace('_', '-')} ")
    assert str(value) in text


@pytest.mark.parametrize(
    "header",
    [
        ("", "x"),
        ("X", "a\r\nY: b"),
        ("X\n", "b"),
        ("X", "a\0"),
        ("Ä", "b"),
        ("X Y", "b"),
        ("X:", "b"),
        ("X", "☃"),
        ("Connection", "close"),
        ("CONTENT-LENGTH", "1"),
        ("Transfer-Encoding", "chunked"),
    ],
)
def test_a_header_that_no_request_can_carry_is_refused(header):
    with pytest.raises(OptionsError, match=r"^--header"):
        validated(Options(headers=(header,)))


def test_a_user_agent_that_no_request_can_carry_is_refused():
    with pytest.raises(OptionsError, match=r"^--user-agent"):
        validated(Options(user_agent="me\r\nX: y"))


def test_a_name_can_only_be_given_an_address():
    with pytest.raises(OptionsError, match="resolve"):
        FetchRules.of(validated(Options(resolve={"site.test": "nowhere"})), AGENT)


def test_a_network_that_is_none_is_refused():
    with pytest.raises(OptionsError, match=r"treat_as_public.*home"):
        FetchRules.of(Options(treat_as_public=("home",)), AGENT)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("loop", LOOPS)
def test_every_known_choice_is_taken(mode, pool, loop):
    options = Options(mode=mode, pool=pool, loop=loop, retries=0, max_redirects=0, max_links=0)

    assert validated(options) is options


def test_the_most_that_can_be_asked_for_is_taken():
    options = Options(
        concurrency=10_000,
        workers=256,
        retries=100,
        max_redirects=100,
        max_links=10_000_000,
        max_bytes=2**40,
        max_ratio=1_000_000,
        timeout=1_000_000,
        connect_timeout=1_000_000,
        read_timeout=1_000_000,
        analyse_timeout=1_000_000,
    )

    assert validated(options) is options


def test_the_defaults_make_sense():
    assert validated(Options()) == Options()


def test_how_many_pages_are_in_flight_depends_on_the_mode():
    found = {mode: in_flight(Options(mode=mode, concurrency=64), 3) for mode in MODES}

    assert found == {"serial": 1, "threads": 64, "async": 64, "processes": 3, "hybrid": 64}


def test_the_rules_hold_what_the_options_say():
    options = Options(
        timeout=3.0,
        connect_timeout=1.0,
        read_timeout=2.0,
        max_redirects=7,
        max_bytes=8,
        max_ratio=9.0,
        max_links=10,
        simhash=True,
        allow_private=True,
        treat_as_public=("10.0.0.0/8",),
    )

    rules = FetchRules.of(options, AGENT)

    assert (rules.timeout, rules.connect_timeout, rules.read_timeout) == (3.0, 1.0, 2.0)
    assert rules.max_redirects == 7
    assert rules.limits == AnalyseLimits(max_bytes=8, max_ratio=9.0, max_links=10, simhash=True)
    assert rules.guard.allow_private
    assert not rules.guard.is_home("10.1.1.1")
    assert rules.timeouts == {"connect": 1.0, "read": 2.0, "write": 2.0, "pool": None}


def test_a_given_header_takes_the_place_of_ours():
    rules = FetchRules.of(Options(headers=(("accept", "a"), ("X", "1"), ("X", "2"))), AGENT)

    names = [name.lower() for name, _ in rules.headers]
    assert names == ["accept-encoding", "user-agent", "accept", "x", "x"]
    assert dict(rules.headers)["User-Agent"] == AGENT
    assert dict(FetchRules.of(Options(user_agent="me"), AGENT).headers)["User-Agent"] == "me"


def test_options_travel():
    options = Options(headers=(("X", "1"),), resolve={"a": "127.0.0.1"}, treat_as_public=("::/8",))

    assert pickle.loads(pickle.dumps(options)) == options
    assert msgspec.structs.replace(options, mode="serial") != options
