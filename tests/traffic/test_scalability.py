from itertools import pairwise
from math import inf, nan, sqrt
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.traffic.scalability import at, fit

COUNTS = (0.4, 1, 2, 4, 8, 16, 32, 64)


def law(per_s, contention, coherency, n):
    return per_s * n / (1 + contention * (n - 1) + coherency * n * (n - 1))


def measured(per_s, contention, coherency, counts=COUNTS):
    return [(n, law(per_s, contention, coherency, n)) for n in counts]


def fitted(pairs):
    knee = fit(pairs)
    assert knee is not None
    return knee


@given(
    st.floats(0.1, 1e6),
    st.floats(0.001, 0.9),
    st.floats(1e-4, 0.1),
    st.lists(st.floats(0.3, 3), min_size=3, max_size=8),
)
@settings(max_examples=30)
def test_exact_data_give_back_the_law_they_are_of(per_s, contention, coherency, ratios):
    counts = [4.0**place * ratio for place, ratio in enumerate(ratios)]
    if min(high / low for low, high in pairwise(sorted(counts))) < 1.2:
        counts = [4.0**place for place in range(len(ratios))]
    knee = fitted(measured(per_s, contention, coherency, counts))
    assert knee.per_s == pytest.approx(per_s, rel=1e-6)
    assert knee.contention == pytest.approx(contention, rel=1e-6)
    assert knee.coherency == pytest.approx(coherency, rel=1e-6)
    assert knee.peak_in_flight == pytest.approx(sqrt((1 - contention) / coherency), rel=1e-6)
    assert knee.peak_per_s == pytest.approx(at(knee, knee.peak_in_flight or 0))
    assert at(knee, 7) == pytest.approx(law(per_s, contention, coherency, 7))


@pytest.mark.parametrize("seed", range(5))
def test_data_with_3_percent_of_noise_give_the_law_within_10_percent(seed):
    random = Random(seed)
    pairs = measured(1000, 0.1, 0.002, [n for n in COUNTS for _ in range(20)])
    knee = fitted([(n, x * random.gauss(1, 0.03)) for n, x in pairs])
    assert knee.per_s == pytest.approx(1000, rel=0.1)
    assert knee.contention == pytest.approx(0.1, rel=0.1)
    assert knee.coherency == pytest.approx(0.002, rel=0.1)


def test_no_law_near_the_fitted_one_is_nearer_to_the_data():
    random = Random(3)
    pairs = [(n, x * random.gauss(1, 0.05)) for n, x in measured(1000, 0.1, 0.002)]
    knee = fitted(pairs)
    best = [knee.per_s, knee.contention, knee.coherency]

    def badness(terms):
        per_s, contention, coherency = terms
        return sum((law(per_s, contention, coherency, n) / x - 1) ** 2 for n, x in pairs)

    for term in range(3):
        for factor in (0.999, 1.001):
            other = [value * factor if k == term else value for k, value in enumerate(best)]
            assert badness(best) < badness(other)


@given(st.floats(0, 0.9))
@settings(max_examples=10)
def test_without_coherency_it_only_rises_and_has_no_peak(contention):
    knee = fitted(measured(500, contention, 0))
    assert knee.coherency < 1e-12
    assert all(at(knee, low) < at(knee, high) for low, high in pairwise(COUNTS))


def test_more_than_its_share_is_no_negative_contention():
    knee = fitted([(n, n**1.1) for n in COUNTS])
    assert (knee.contention, knee.coherency) == (0, 0)
    assert knee.peak_in_flight is None


def test_throughput_that_only_falls_has_no_peak():
    knee = fitted(measured(100, 1.5, 0.01, (1, 2, 4, 8)))
    assert knee.contention == pytest.approx(1.5)
    assert (knee.peak_in_flight, knee.peak_per_s) == (None, None)


def test_a_queue_is_the_law_with_a_contention_of_a_half():
    knee = fitted([(share / (1 - share), 1000 * share) for share in (0.1, 0.3, 0.6, 0.9)])
    assert knee.contention == pytest.approx(0.5)
    assert knee.per_s == pytest.approx(500)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(1, 10), (2, 20), (2, 21), (1, 11)],
        [(1, 10), (2, 20), (nan, 3), (inf, 3), (3, 0), (0, 5), (4, -1)],
        [(1, 5), (2, 1), (3, 900), (4, 0.1)],
    ],
)
def test_too_little_or_nonsense_gives_nothing(pairs):
    assert fit(pairs) is None
