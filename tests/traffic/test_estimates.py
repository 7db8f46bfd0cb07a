import random
from math import inf, sqrt
from statistics import fmean, variance

import pytest

from crawler.traffic.estimates import _batches, _spread_of_mean, estimates, events
from tests.traffic.reports import report_of


def series(seed, alike, count=40):
    source = random.Random(seed)
    values = [source.gauss(0, 1)]
    while len(values) < count:
        values.append(alike * values[-1] + sqrt(1 - alike * alike) * source.gauss(0, 1))
    return values


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.6])
def test_the_variance_of_a_mean_is_that_seen_over_many_series(alike):
    many = [series(seed, alike) for seed in range(300)]

    seen = variance([fmean(values) for values in many])
    told = fmean(_spread_of_mean(values)[0] for values in many)

    assert 0.75 < told / seen < 1.6


def test_values_that_are_alike_tell_with_fewer_degrees():
    one, other = (
        fmean(_spread_of_mean(series(seed, alike))[1] for seed in range(20)) for alike in (0, 0.8)
    )

    assert other < 0.6 * one < 40


def test_too_few_values_tell_nothing():
    assert (inf, 1.0) == _spread_of_mean([1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(("count", "batches"), [(0, 0), (1, 1), (40, 40), (41, 20), (240, 40)])
def test_neighbours_are_added_up_to_at_most_forty_even_batches(count, batches):
    found = _batches([(1.0, 1)] * count)

    assert (len(found), sum(size for _, size in found)) == (batches, count)
    assert max((size for _, size in found), default=0) <= 1 + count // max(batches, 1)


def test_figures_are_those_of_the_report():
    samples = [1 + index % 10 / 10 for index in range(1_000)]
    report = report_of(samples, failures=[3, 700])
    found = {name: estimate.value for name, estimate in estimates(report).items()}

    assert found == pytest.approx(
        {
            "p50": report.response.ms(0.5), "p90": report.response.ms(0.9),
            "p99": report.response.ms(0.99), "mean": 1.45,
            "requests/s": report.requests_per_s,
        }
    )  # fmt: skip
    assert (2, 1_002, 2 / 1_002) == (
        events(report).count, events(report).total, events(report).share,
    )  # fmt: skip


def test_what_came_after_the_window_is_in_no_batch():
    samples = [1 + index % 10 / 10 for index in range(1_000)]
    report = report_of(samples)
    late = report_of([50.0] * 40).series[0]
    longer = report_of(samples, series=(*report.series, type(late)(
        **{name: getattr(late, name) for name in late.__struct_fields__} | {"at_s": 9.0}
    )))  # fmt: skip

    assert estimates(longer) == estimates(report)
