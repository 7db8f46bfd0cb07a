from math import comb, inf
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from crawler.traffic.probability import beta_quantile, beta_share, critical

shapes = some.floats(0.05, 2_000)


@pytest.mark.parametrize(("k", "n", "p"), [(1, 1, 0.3), (3, 10, 0.2), (9, 10, 0.9), (40, 60, 0.5)])
def test_the_share_is_the_tail_of_a_binomial(k, n, p):
    tail = sum(comb(n, hits) * p**hits * (1 - p) ** (n - hits) for hits in range(k, n + 1))

    assert beta_share(p, k, n - k + 1) == pytest.approx(tail, rel=1e-10)


@given(some.integers(0, 1_024), shapes, shapes)
def test_both_tails_are_all(of_1024, a, b):
    x = of_1024 / 1_024  # then 1 - x is exact
    assert 0 <= beta_share(x, a, b) <= 1
    assert beta_share(x, a, b) + beta_share(1 - x, b, a) == pytest.approx(1)


@settings(max_examples=25)
@given(some.floats(0.001, 0.999), some.floats(0.5, 2_000), some.floats(0.5, 2_000))
def test_a_quantile_has_its_share_below_it(share, a, b):
    assert beta_share(beta_quantile(share, a, b), a, b) == pytest.approx(share, abs=1e-7)


def test_a_shape_of_nothing_puts_all_at_one_end():
    assert (0.0, 1.0) == (beta_quantile(0.9, 0, 3), beta_quantile(0.1, 3, 0))


@pytest.mark.parametrize(
    ("chance", "degrees", "t"),
    # From the table of Student's t that every textbook has.
    [(0.05, 1, 12.706), (0.05, 4, 2.776), (0.01, 10, 3.169), (0.001, 30, 3.646), (0.5, 2, 0.816)],
)
def test_the_critical_value_is_that_of_the_tables(chance, degrees, t):
    assert critical(chance, degrees) == pytest.approx(t, abs=0.001)


@pytest.mark.parametrize("chance", [0.05, 0.0071, 1e-6])
def test_with_many_degrees_it_is_that_of_the_normal_distribution(chance):
    normal = NormalDist().inv_cdf(1 - chance / 2)

    assert critical(chance, 10**6) == pytest.approx(normal, rel=1e-4)
    assert normal < critical(chance, 100) < critical(chance, 3) < inf
