import pytest

from bench import fetcher
from bench.clients import UnexpectedAnswerError
from bench.fetcher import Errand, Tally
from bench.meter import Reading

URLS = ["a", "b", "c"]


@pytest.fixture
def clock(monkeypatch):
    """Let a test set the time; the meters show as many seconds of CPU."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(fetcher, "reading", lambda _: Reading(now[0], now[0], 0.0, 0.0, now[0] / 2))
    return now


def a_tally(in_flight=2, seconds=10.0):
    return Tally(URLS, Errand("wire", in_flight, seconds, "", 1, []))


def test_together_all_ask_for_every_page_first():
    tally = a_tally(in_flight=2)

    assert [["a", "c"], ["b"]] == [tally.first(0), tally.first(1)]


def test_with_more_in_flight_than_pages_each_asks_for_one():
    tally = a_tally(in_flight=5)

    assert [["a"], ["b"], ["c"], ["a"], ["b"]] == [tally.first(place) for place in range(5)]


def test_only_what_comes_in_the_steady_part_counts(clock):
    tally = a_tally(in_flight=2)
    for url in URLS:
        tally.see(url, b"12")
    tally.connected()
    assert tally.count("a", b"12")  # the other one is not connected yet
    clock[0] = 5.0
    tally.connected()

    assert tally.count("a", b"12")
    clock[0] = 16.0
    assert not tally.count("b", b"12")
    clock[0] = 99.0
    assert not tally.count("b", b"12")

    found = tally.result(began=1.0)
    assert (2, 4.0) == (found.answers, found.connected_s)
    assert (2 / 11, 11 / 2, 11 / 4) == pytest.approx(
        (found.pages_per_s, found.client, found.server)
    )


@pytest.mark.usefixtures("clock")
def test_a_page_that_changes_is_refused():
    tally = a_tally(in_flight=1)
    tally.see("a", b"12")

    with pytest.raises(UnexpectedAnswerError, match="a: the page has changed"):
        tally.see("a", b"21")
    tally.connected()
    with pytest.raises(UnexpectedAnswerError, match="a: 3 bytes"):
        tally.count("a", b"123")


@pytest.mark.usefixtures("clock")
def test_who_fails_ends_it_for_all():
    tally = a_tally(in_flight=1)
    tally.see("a", b"12")
    tally.connected()
    tally.give_up()

    assert not tally.count("a", b"12")
