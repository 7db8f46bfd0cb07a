import random

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as some

from crawler.core.histogram import HOUR_NS, Histogram, greatest, index_of

EDGES = [(1 << bits) + step for bits in range(42) for step in (-1, 0, 1)] + [HOUR_NS]
LIBRARY = HdrHistogram(1, HOUR_NS, 3)

numbers = some.integers(0, HOUR_NS) | some.sampled_from(EDGES) | some.integers(0, 5_000)
shares = some.floats(0, 1, exclude_min=True)

few = settings(max_examples=25)  # an example costs milliseconds: the library counts 33 792 buckets


def recorded(values):
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


def library_of(values):
    library = HdrHistogram(1, HOUR_NS, 3)
    for value in values:
        assert library.record_value(value)
    return library


def everything(histogram):
    return histogram.counts, histogram.total, histogram.least, histogram.most


@given(numbers)
def test_a_bucket_is_that_of_the_library(value):
    assert index_of(value) == LIBRARY._counts_index_for(value)
    assert greatest(index_of(value)) == LIBRARY.get_highest_equivalent_value(value)


@given(numbers)
def test_a_value_is_known_to_one_part_in_a_thousand(value):
    assert value <= greatest(index_of(value)) <= value * 1.001


def test_buckets_follow_each_other_without_a_gap():
    tops = [greatest(index) for index in range(len(Histogram().counts))]

    assert [index_of(top) for top in tops if top < HOUR_NS] == [
        index for index, top in enumerate(tops) if top < HOUR_NS
    ]
    assert all(index_of(top + 1) == index + 1 for index, top in enumerate(tops) if top < HOUR_NS)


@few
@given(some.lists(numbers, max_size=30))
def test_counts_are_those_of_the_library(values):
    assert recorded(values).counts == library_of(values).counts[:]


@few
@given(some.lists(numbers, max_size=30))
def test_the_sum_and_the_extremes_are_exact(values):
    ours = recorded(values)

    assert (len(ours), ours.total) == (len(values), sum(values))
    assert (ours.least, ours.most) == (min(values, default=HOUR_NS), max(values, default=0))
    assert ours.mean() == sum(values) / max(len(values), 1)


@few
@given(some.lists(numbers, max_size=30), shares)
def test_a_quantile_is_that_of_the_library_but_never_more_than_the_greatest(values, q):
    in_library = library_of(values).get_value_at_percentile(q * 100)

    assert recorded(values).quantile(q) == min(in_library, max(values, default=0))


def test_quantiles_of_few_values_are_rounded_as_the_library_rounds():
    percents = range(5, 101, 5)
    for count in range(1, 20):
        library = library_of(range(count)).get_percentile_to_value_dict(list(percents))
        ours = recorded(range(count)).quantiles([percent / 100 for percent in percents])

        assert ours == [library[percent] for percent in percents]


def test_quantiles_of_many_values_are_those_of_the_library():
    source = random.Random(4)
    values = [int(source.lognormvariate(14, 1.5)) for _ in range(3_000)]
    percents = [50, 75, 90, 95, 99, 99.9]
    library = library_of(values).get_percentile_to_value_dict(percents)

    assert recorded(values).quantiles([percent / 100 for percent in percents]) == [
        library[percent] for percent in percents
    ]


@few
@given(some.lists(numbers, min_size=1, max_size=30))
def test_the_value_at_a_rank_is_the_bucket_of_that_value_in_order(values):
    ordered = sorted(values)
    ranks = range(1, len(values) + 1)

    found = recorded(values).at_ranks(ranks)

    assert found == [min(greatest(index_of(value)), ordered[-1]) for value in ordered]


def test_a_rank_beyond_the_last_is_the_last_and_one_before_the_first_the_first():
    assert [5, 7, 7] == recorded([5, 7]).at_ranks([0, 2, 3])


@few
@given(some.lists(numbers, max_size=30))
def test_values_recorded_at_once_are_the_same_as_one_by_one(values):
    at_once = Histogram()
    at_once.record_all(values)

    assert everything(at_once) == everything(recorded(values))


@few
@given(some.lists(numbers, max_size=20), some.lists(numbers, max_size=20))
def test_merged_parts_are_the_whole(some_values, other_values):
    whole = recorded(some_values)
    whole.merge(recorded(other_values))

    assert everything(whole) == everything(recorded(some_values + other_values))


@few
@given(some.lists(numbers, max_size=20), some.lists(numbers, max_size=20))
def test_sparse_counts_give_the_histogram_back_as_far_as_buckets_know(some_values, other_values):
    back = recorded(some_values)
    back.add_sparse(recorded(other_values).sparse())
    tops = [min(greatest(index_of(value)), HOUR_NS) for value in other_values]

    assert back.counts == recorded(some_values + other_values).counts
    assert back.total == sum(some_values) + sum(tops)
    assert back.least == min(some_values + tops, default=HOUR_NS)
    assert back.most == max(some_values + tops, default=0)


def test_what_is_out_of_range_counts_as_the_nearest_end():
    ours = recorded([-1, -5_000, HOUR_NS + 1, 1 << 60])

    assert everything(ours) == everything(recorded([0, 0, HOUR_NS, HOUR_NS]))
    assert index_of(-1) == 0
    assert index_of(HOUR_NS + (1 << 40)) == index_of(1 << 60) == index_of(HOUR_NS)


def test_nothing_recorded_is_all_zero():
    nothing = Histogram()

    assert [0, 0, 0] == [*nothing.quantiles([0.5, 1.0]), nothing.mean()]
    assert {} == nothing.sparse()


@pytest.mark.parametrize("q", [0, -0.1, 1.01, float("nan")])
def test_what_is_no_quantile_is_an_error(q):
    with pytest.raises(ValueError, match="a quantile is in"):
        recorded([1]).quantile(q)
