import random
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from crawler.core.histogram import HOUR_NS, Histogram
from crawler.traffic.intervals import (
    SHOWN,
    _ranks,
    distribution,
    histogram_of,
    is_known,
    quantile_ms,
)

numbers = some.integers(0, HOUR_NS) | some.integers(0, 5_000) | some.just(HOUR_NS)
few = settings(max_examples=15)  # an example costs milliseconds


def recorded(values):
    histogram = Histogram()
    histogram.record_all(values)
    return histogram


def chance_to_hold(count, q):
    """Return the exact chance that the samples at the two ranks lie around the quantile."""
    low, high = _ranks(count, q)
    return sum(comb(count, k) * q**k * (1 - q) ** (count - k) for k in range(max(low, 0), high))


@pytest.mark.parametrize("q", SHOWN[:5])
def test_an_interval_holds_the_quantile_in_95_of_100_runs(q):
    least = round(10 / (1 - q))
    counts = [least, least + 1, least + 7, 2 * least, 300]

    chances = [chance_to_hold(count, q) for count in counts if count >= least]

    assert all(0.95 <= chance < 0.995 for chance in chances)


def test_the_median_of_a_hundred_lies_between_the_40th_and_the_61st():
    assert (40, 61) == _ranks(100, 0.5)


@pytest.mark.parametrize("q", SHOWN)
def test_a_quantile_is_known_when_ten_samples_lie_beyond(q):
    enough = round(10 / (1 - q))

    assert is_known(enough, q)
    assert not is_known(enough - 1, q)


def test_a_quantile_that_is_not_known_is_not_shown():
    assert [0.5, 0.75, 0.9] == [found.q for found in distribution(recorded([7] * 199)).quantiles]
    assert [] == [found.q for found in distribution(recorded([7] * 19)).quantiles]
    assert list(SHOWN) == [found.q for found in distribution(recorded([7] * 100_000)).quantiles]


@few
@given(some.lists(numbers, min_size=20, max_size=60))
def test_an_interval_is_around_its_quantile_and_from_sample_to_sample(values):
    ordered = sorted(values)

    for found in distribution(recorded(values)).quantiles:
        low, high = _ranks(len(values), found.q)
        assert found.low_ms <= found.ms <= found.high_ms
        assert 0.999 * ordered[low - 1] <= found.low_ms * 1e6 <= ordered[low - 1] + 0.5
        above = ordered[min(high, len(values)) - 1]
        assert above - 0.5 <= found.high_ms * 1e6 <= above * 1.001


def test_values_in_one_bucket_have_an_interval_of_its_width():
    only = distribution(recorded([2_000_001, 2_000_900] * 50)).quantiles[0]

    assert (only.low_ms, only.high_ms) == (2.000001, 2.0009)
    assert only.low_ms < only.high_ms


@few
@given(some.lists(numbers, max_size=30))
def test_a_distribution_gives_its_histogram_back(values):
    summed = distribution(recorded(values))
    back = histogram_of(summed)

    assert back.counts == recorded(values).counts
    assert (back.least, back.most) == (min(values, default=HOUR_NS), max(values, default=0))
    assert back.total == pytest.approx(sum(values), rel=1e-12)


@few
@given(some.lists(numbers, min_size=1, max_size=30))
def test_a_distribution_counts_in_milliseconds(values):
    summed = distribution(recorded(values))

    assert summed.count == len(values)
    assert summed.mean_ms == pytest.approx(sum(values) / len(values) / 1e6)
    assert (summed.min_ms, summed.max_ms) == (min(values) / 1e6, max(values) / 1e6)


@few
@given(some.lists(numbers, min_size=1, max_size=30), some.floats(0, 1, exclude_min=True))
def test_any_quantile_can_be_asked_for(values, q):
    summed = distribution(recorded(values))

    assert quantile_ms(summed, q) == recorded(values).quantile(q) / 1e6
    assert quantile_ms(summed, 1.0) == summed.max_ms


def test_nothing_counted_is_all_zero():
    nothing = distribution(Histogram())

    assert (0, 0.0, 0.0, 0.0, ()) == (
        nothing.count, nothing.mean_ms, nothing.min_ms, nothing.max_ms, nothing.quantiles,
    )  # fmt: skip
    assert quantile_ms(nothing, 0.5) == 0
    assert histogram_of(nothing).least == HOUR_NS


def test_the_interval_of_many_runs_holds_the_true_median():
    source = random.Random(5)
    true_ms, held = 0.693147, 0
    for _ in range(40):
        values = [int(source.expovariate(1) * 1e6) for _ in range(200)]
        median = distribution(recorded(values)).quantiles[0]
        held += median.low_ms <= true_ms <= median.high_ms

    assert held >= 36
