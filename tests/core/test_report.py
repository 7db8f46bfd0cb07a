"""Counting: sums are exact, percentiles within 5 %."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.entry import Entry
from crawler.core.pages import NOT_FAILURES, Outcome, Timing
from crawler.core.report import CrawlReport, Tally

times = st.floats(0.01, 600_000)


def entry(total=None, outcome=Outcome.OK, **given):
    ms = None if total is None else Timing(queue=0.0, connect=1.0, total=total)
    return Entry(outcome=outcome, ms=ms, **given)


def tally_of(entries):
    tally = Tally()
    for number, one in enumerate(entries):
        tally.count(one, float(number))
    return tally


def exact(values, quantile):
    return sorted(values)[math.ceil(quantile * len(values)) - 1]


@given(st.lists(times, min_size=1, max_size=200))
def test_percentiles_are_within_five_percent_of_the_exact_ones(values):
    latency = tally_of(map(entry, values)).latency()

    assert latency is not None
    for quantile, found in ((0.5, latency.p50), (0.9, latency.p90), (0.99, latency.p99)):
        wanted = exact(values, quantile)
        assert wanted <= found <= wanted * 1.05 * (1 + 1e-9)
    assert latency.max == max(values)


@pytest.mark.parametrize("value", [0.0, 0.001, 0.01, 599_999.0, 600_001.0, 1e9])
def test_times_outside_the_buckets_are_counted_too(value):
    latency = tally_of([entry(value)]).latency()

    assert latency is not None
    assert latency.p50 == latency.p99 == latency.max == value


def test_nothing_timed_is_no_latency():
    assert tally_of([entry(), entry()]).latency() is None


@given(st.lists(st.sampled_from(Outcome), max_size=60))
def test_every_record_is_counted_under_its_outcome(outcomes):
    tally = tally_of(entry(outcome=outcome) for outcome in outcomes)

    assert tally.records == len(outcomes) == sum(tally.outcomes.values())
    assert tally.outcomes == {name: outcomes.count(name) for name in set(outcomes)}
    assert tally.failures() == sum(name not in NOT_FAILURES for name in outcomes)


def test_bytes_and_times_add_up_and_absent_ones_count_nothing():
    tally = tally_of(
        [entry(10.0, bytes=5, wire_bytes=3), entry(), entry(20.0, bytes=7), entry(wire_bytes=1)]
    )

    assert (tally.bytes, tally.wire_bytes) == (12, 4)
    assert (tally.busy_ms, tally.connect_ms) == (30.0, 2.0)
    assert (tally.first_at, tally.last_at) == (0.0, 3.0)


def test_the_report_knows_which_of_its_outcomes_are_failures():
    anything: dict[str, Any] = dict.fromkeys(CrawlReport.__struct_fields__, 0)
    report = CrawlReport(**{**anything, "outcomes": dict.fromkeys(map(str, Outcome), 2)})

    assert report.failures == 2 * (len(Outcome) - 6)
