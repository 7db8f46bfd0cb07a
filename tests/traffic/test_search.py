from math import inf, isclose, log, nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.traffic.search import Found, Search, severity

CAPACITY = 1000.0
FIRSTS = (50.0, 100.0, 5000.0)
LIMITS = (0.05, 0.02, 0.1)


def searched(search, answer):
    """Let *search* have its way with a server; return the rates that it tried."""
    tried = []
    while (rate := search.next_rate()) is not None:
        tried.append(rate)
        search.found(rate, answer(rate))
    return tried


def queue(random, drawn, limit):
    """The p99 of 10 s of M/M/1 by Lindley's recursion; *drawn* are exponential, of mean 1."""

    def answer(rate):
        requests = max(int(rate * 10), 1)
        gaps, services = (random.randrange(len(drawn) - requests) for _ in range(2))
        wait, times = 0.0, []
        for gap, service in zip(
            drawn[gaps : gaps + requests], drawn[services : services + requests], strict=True
        ):
            wait += service / CAPACITY
            times.append(wait)
            wait -= gap / rate
            if wait < 0.0:  # noqa: PLR1730 - max() takes three times as long
                wait = 0.0
        times.sort()
        return severity([(times[int(0.99 * requests)], limit, True)])

    return answer


def hits(searches):
    """Shares of searches that come within 5 % of the closed form, and whose interval has it."""
    random = Random(5)
    drawn = [random.expovariate(1.0) for _ in range(200_000)]
    near = covered = 0
    for number in range(searches):
        limit, first = LIMITS[number % 3], FIRSTS[number // 3 % 3]
        search = Search(first)
        assert len(searched(search, queue(Random(number), drawn, limit))) <= 12
        true = CAPACITY - log(100) / limit
        rate, low, high = search.result()
        near += abs(rate / true - 1) < 0.05
        covered += low <= true <= high
    return near / searches, covered / searches


def test_the_rate_is_within_5_percent_of_the_closed_form_for_a_queue():
    near, covered = hits(18)
    assert near >= 0.9
    assert covered >= 0.8


@pytest.mark.slow
def test_nine_in_ten_intervals_hold_the_closed_form_and_19_in_20_rates_are_within_5_percent_of_it():
    near, covered = hits(300)
    assert near >= 0.95
    assert covered >= 0.9


@pytest.mark.parametrize("first", FIRSTS)
@pytest.mark.parametrize("below", [-4.0, -0.5])
def test_a_server_that_is_full_at_once_is_found_within_5_percent(first, below):
    search = Search(first)
    searched(search, lambda rate: below if rate <= 1234 else min(6, 2 + rate / 1234))
    rate, low, high = search.result()
    assert isclose(rate, 1234, rel_tol=0.05)
    assert low <= 1234 <= high
    assert search.edge is None


def test_a_rate_that_failed_once_by_chance_does_not_hide_what_lies_above_it():
    search = Search(500)
    chance = iter([3.0])
    searched(search, lambda rate: next(chance, -4.0 if rate <= 600 else 4.0))
    assert isclose(search.result().rate, 600, rel_tol=0.05)


def test_a_server_that_never_fails_gives_the_ceiling_and_says_so():
    search = Search(100, ceiling=50_000)
    tried = searched(search, lambda _: -2.0)
    assert tried[:3] == [100, 200, 800]
    assert max(tried) == 50_000
    assert search.result() == Found(50_000, 50_000, 50_000)
    assert search.edge == "highest"


def test_a_server_that_always_fails_gives_rate_0_and_says_so():
    search = Search(100)
    tried = searched(search, lambda _: 2.0)
    assert tried[:3] == [100, 50, 12.5]
    assert len(tried) < 12
    assert search.result() == Found(0, 0, tried[-1])
    assert search.edge == "lowest"


def test_nothing_is_known_before_the_first_step():
    search = Search(100, ceiling=70)
    assert search.next_rate() == 70
    assert search.result() == Found(0, 0, 0)


@pytest.mark.parametrize("first", [0, -1, nan])
def test_a_first_rate_that_is_none_is_refused(first):
    with pytest.raises(ValueError, match="more than 0"):
        Search(first)


def test_a_search_ends_when_its_interval_is_within_2_percent():
    search = Search(1000)
    tried = searched(search, lambda rate: -4.0 if rate <= 1234 else 4.0)
    rate, low, high = search.result()
    assert len(tried) < 12
    assert max(high - rate, rate - low) <= 0.02 * rate


@given(st.floats(0.01, 1e6), st.lists(st.floats(-9, 9), min_size=1, max_size=5))
@settings(max_examples=20)
def test_whatever_the_steps_say_a_search_stays_in_bounds_and_ends(first, severities):
    search = Search(first, most=5, ceiling=1e5)
    answers = iter(severities * 5)
    tried = searched(search, lambda _: next(answers))
    assert 1 <= len(tried) <= 5
    assert all(0 < rate <= 1e5 for rate in tried)
    rate, low, high = search.result()
    assert 0 <= low <= rate or search.edge == "lowest"
    assert rate <= high <= 1e5


@given(st.permutations([(100.0, -2.0), (200.0, -1.0), (380.0, 0.2), (350.0, -0.1)]))
@settings(max_examples=10)
def test_the_order_of_steps_does_not_matter(steps):
    one, other = Search(100), Search(100)
    for rate, found in steps:
        one.found(rate, found)
    for rate, found in sorted(steps):
        other.found(rate, found)
    assert one.result() == other.result()


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([(50, 100, True)], log(0.5)),
        ([(50, 100, False)], log(2)),
        ([(50, 100, True), (3, 1, True)], log(3)),
        ([(0, 0.01, True)], -6),
        ([(0, 100, False)], 6),
        ([(inf, 1, False)], -6),
        ([(inf, 1, True)], 6),
        ([(nan, 1, True)], 6),
        ([(nan, 1, False)], 6),
        ([(0, 0, True)], 6),
        ([(1e9, 1, True)], 6),
        ([(1e-9, 1, True)], -6),
        ([], -6),
    ],
)
def test_severity_is_how_the_worst_term_stands_to_its_limit(terms, expected):
    assert severity(terms) == pytest.approx(expected)
