from fractions import Fraction
from itertools import accumulate, islice, pairwise
from math import exp, nextafter
from statistics import fmean, pvariance

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crawler.traffic.arrivals import Timetable, arrivals, instant
from crawler.traffic.job import LoadOptions, Stage

SECOND = 10**9
LENGTHS = st.integers(1, 1500).map(lambda ms: ms / 1000)
RATES = st.one_of(st.just(0.0), st.floats(0.1, 99), st.integers(1, 99).map(float))
STAGES = st.lists(st.builds(Stage, LENGTHS, RATES, RATES), min_size=1, max_size=4).map(tuple)


def opened(*stages, **more):
    return LoadOptions(stages=stages, **more)


def union(options, of=1):
    return sorted(at for place in range(of) for at in arrivals(options, place, of))


def due(table, count):
    seconds = table.due(count)
    assert seconds is not None
    return seconds


def reached(stages, seconds, number=Fraction):
    """Integrate the rate up to *seconds* by trapezia; exactly, unless *number* is float."""
    start, total = number(0), number(0)
    for stage in stages:
        length = number(stage.seconds)
        first, rise = number(stage.first), number(stage.last) - number(stage.first)
        passed = min(max(number(seconds) - start, number(0)), length)
        total += passed * (first + rise * passed / length / 2)
        start += length
    return total


def distance(samples, cdf):
    """Return the Kolmogorov-Smirnov distance of *samples* to a distribution."""
    n = len(samples)
    return max(
        max(cdf(x) - rank / n, (rank + 1) / n - cdf(x)) for rank, x in enumerate(sorted(samples))
    )


# ---------------------------------------------------------------- the timetable


def test_the_nth_request_of_a_constant_rate_is_due_after_n_gaps():
    table = Timetable([Stage(10, 100, 100)])

    assert [table.due(n) for n in (0, 1, 250, 1000)] == [0, 0.01, 2.5, 10]
    assert table.due(1000.001) is None
    assert table.seconds == 10


@settings(max_examples=40)
@given(STAGES, st.floats(0, 1))
def test_at_the_time_a_count_is_due_the_integral_of_the_rate_is_that_count(stages, share):
    count = share * float(reached(stages, 10**6))
    seconds = Timetable(stages).due(count)
    assume(seconds is not None)  # the last count may be rounded beyond the end

    assert float(reached(stages, seconds)) == pytest.approx(count, rel=1e-12, abs=1e-9)


@settings(max_examples=30)
@given(STAGES)
def test_what_is_due_later_is_due_at_no_earlier_time(stages):
    table = Timetable(stages)
    times = [due(table, count / 4) for count in range(int(4 * reached(stages, 10**6)))]

    assert times == sorted(times)
    assert all(0 <= at <= table.seconds for at in times)


@pytest.mark.parametrize(("first", "last"), [(10, 500), (500, 10), (0, 300), (300, 0)])
def test_a_ramp_agrees_with_adding_up_its_rate_in_small_steps(first, last):
    step = 1e-4
    rates = (first + (last - first) * (n + 0.5) * step / 3 for n in range(30_000))
    sums = list(accumulate(rate * step for rate in rates))
    table = Timetable([Stage(3, first, last)])

    for n in range(99, 29_999, 100):
        assert due(table, sums[n]) == pytest.approx((n + 1) * step, abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("change", [1e-3, 1e-7, 1e-10, 1e-12])
def test_a_ramp_between_nearly_equal_rates_cancels_nothing(change, sign):
    first, last = 1000.0, 1000.0 * (1 + sign * change)
    table = Timetable([Stage(100, first, last)])

    for count in (1, 12_345, 50_000, 99_940):
        # The series of the root in the slope, to its second order: change**3 is below 1e-8.
        bend = (Fraction(last) - Fraction(first)) / 100 / Fraction(first) ** 2 * count
        series = Fraction(count, 1000) * (1 - bend / 2 + bend**2 / 2)
        assert table.due(count) == pytest.approx(float(series), rel=1e-15 + change**3)


def test_a_falling_ramp_is_as_exact_at_its_end_where_nothing_is_due():
    table = Timetable([Stage(10, 200, 0)])

    for power in range(-9, 3):
        left = 2.0**power
        assert 10 - due(table, 1000 - left) == pytest.approx((left / 10) ** 0.5, rel=1e-12)
    assert table.due(1000) == 10


def test_after_ten_hours_at_100_000_a_second_nothing_has_drifted():
    """Two units in the last place of a float are 15 ps there; sums of gaps are off by more."""
    table = Timetable([Stage(0.1, 100_000, 100_000)] * 10 + [Stage(36_000, 100_000, 100_000)])

    for count in (10**9 + 1, 36 * 10**8 - 1):
        assert abs(Fraction(due(table, count)) - Fraction(count, 100_000)) < 15e-12


def test_a_slow_stage_after_many_requests_begins_at_the_part_of_a_request_that_is_left():
    stages = [Stage(30_000, 100_000 + 1 / 3, 100_000 + 1 / 3), Stage(100, 0.1, 0.1)]
    count = 3_000_010_001
    exact = 30_000 + (count - reached(stages, 30_000)) / Fraction(0.1)

    assert abs(Fraction(due(Timetable(stages), count)) - exact) < 1e-11
    for ramp in (Stage(100, 0.1, 0.2), Stage(100, 0.2, 0.1)):
        at = due(Timetable([stages[0], ramp]), count)
        assert abs(reached([stages[0], ramp], at) - count) < 1e-11


def test_nothing_is_due_in_a_pause_but_what_its_begin_completes():
    table = Timetable([Stage(1, 0, 0), Stage(1, 10, 10), Stage(5, 0, 0), Stage(1, 10, 10)])

    assert [table.due(n) for n in (0, 1, 10, 11, 20)] == [0, 1.1, 2, 7.1, 8]
    assert table.due(20.1) is None


def test_a_timetable_of_pauses_alone_is_never_beyond_0():
    assert Timetable([Stage(5, 0, 0)]).due(1e-9) is None
    assert Timetable([Stage(5, 0, 0)]).due(0) == 0


def test_rounding_leads_neither_out_of_a_stage_nor_beyond_the_end():
    """Each of these is off by one unit in the last place without its bound."""
    before_falling = Timetable([Stage(1.031, 10, 10), Stage(2, 32, 4)])

    assert due(before_falling, nextafter(10.31, 11)) >= 1.031
    for stages in ([Stage(0.9, 3, 44)], [Stage(1.4, 76, 76), Stage(0.7, 7, 7)]):
        table = Timetable(stages)
        assert due(table, float(reached(stages, 9))) == table.seconds


def test_an_edge_of_the_run_is_not_moved_by_the_noise_of_sums():
    assert instant(0.1 + 0.2) == 300_000_000
    assert instant(1e-9 / 3) == 1
    assert instant(4.35) == 4_350_000_000


# ---------------------------------------------------------------- constant arrivals


def test_100_a_second_for_10_seconds_are_1000_and_the_first_is_at_once():
    times = union(LoadOptions(rate=100, duration=10))

    assert times == [n * 10_000_000 for n in range(1000)]


@pytest.mark.parametrize("rate", [3, 0.7, 33_333.3, 1 / 3, 9_999_999.9])
def test_constant_gaps_are_equal_within_a_nanosecond_and_no_request_is_early(rate):
    times = list(islice(arrivals(LoadOptions(rate=rate, duration=10**6), 0, 1), 5000))

    assert {after - before for before, after in pairwise(times)} <= {
        int(SECOND / rate), int(SECOND / rate) + 1,
    }  # fmt: skip
    assert all(0 <= at - SECOND * number / Fraction(rate) < 1 for number, at in enumerate(times))


def test_constant_arrivals_are_exact_at_the_end_of_a_long_run():
    of = 36 * 10**8
    (last,) = arrivals(LoadOptions(rate=100_000, duration=36_000), of - 1, of)

    assert last == 36_000 * SECOND - 10_000


def test_the_warm_up_and_a_stage_of_the_same_rate_are_as_one():
    warmed = opened(Stage(2, 30, 30), Stage(1, 30, 30), warmup=1)

    assert union(warmed) == union(LoadOptions(rate=30, duration=4))


@settings(max_examples=40)
@given(STAGES)
def test_each_stage_has_as_many_as_its_integral_within_one(stages):
    times = union(opened(*stages))
    start = 0.0
    for stage in stages:
        end = start + stage.seconds
        count = sum(instant(start) <= at < instant(end) for at in times)
        assert abs(count - (reached(stages, end) - reached(stages, start))) < 1 + 1e-6
        start = end


@settings(max_examples=40)
@given(STAGES)
def test_no_request_is_early_and_none_is_a_nanosecond_late(stages):
    times = union(opened(*stages))
    for number in range(0, len(times), 1 + len(times) // 10):
        at = times[number]
        before = reached(stages, Fraction(at - 1, SECOND)) - Fraction(1, 10**8)
        assert before <= number <= reached(stages, Fraction(at, SECOND)) + Fraction(1, 10**8)


# ---------------------------------------------------------------- several processes


@settings(max_examples=40)
@given(
    STAGES,
    st.sampled_from(["constant", "poisson"]),
    st.integers(2, 9),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.one_of(st.none(), st.integers(1, 300)),
)
def test_any_number_of_processes_has_the_same_schedule(stages, kind, of, warmup, requests):
    options = opened(*stages, arrivals=kind, warmup=warmup, requests=requests)
    whole = list(arrivals(options, 0, 1))

    assert whole == sorted(whole)
    for place in range(of):
        assert list(arrivals(options, place, of)) == whole[place::of]


# ---------------------------------------------------------------- how it ends


@pytest.mark.parametrize("kind", ["constant", "poisson"])
@pytest.mark.parametrize("of", [1, 3])
def test_so_many_requests_are_counted_from_the_end_of_the_warm_up(kind, of):
    options = LoadOptions(rate=1000, requests=500, warmup=0.25, arrivals=kind)
    times = union(options, of)
    warm = sum(at < 250_000_000 for at in times)

    assert len(times) - warm == 500
    assert 200 < warm < 300
    assert times[: warm + 1] == union(LoadOptions(rate=1000, duration=9, arrivals=kind))[: warm + 1]


@pytest.mark.parametrize("kind", ["constant", "poisson"])
def test_a_request_that_is_due_when_the_warm_up_ends_is_counted(kind):
    times = union(LoadOptions(rate=10, duration=9, arrivals=kind))
    warmup = times[3] / SECOND

    assert union(LoadOptions(rate=10, requests=1, warmup=warmup, arrivals=kind)) == times[:4]


def test_a_rate_without_stages_has_the_longest_duration_as_its_end():
    options = LoadOptions(rate=0.001, duration=10**6, warmup=10**6)

    assert len(union(options)) == 1000


@pytest.mark.parametrize("kind", ["constant", "poisson"])
def test_the_duration_ends_it_before_the_requests_and_after_the_warm_up(kind):
    options = LoadOptions(rate=100, requests=10**12, duration=2, warmup=1, arrivals=kind)
    times = union(options)

    assert 2.9 * SECOND < times[-1] < 3 * SECOND
    assert times == union(LoadOptions(rate=100, duration=3, arrivals=kind))


@pytest.mark.parametrize("kind", ["constant", "poisson"])
def test_the_stages_end_it_before_the_duration_and_the_requests(kind):
    stages = Stage(1, 100, 300), Stage(1, 300, 0)
    options = opened(*stages, duration=50, requests=10**6, arrivals=kind, warmup=0.5)
    times = union(options)

    assert 2.3 * SECOND < times[-1] < 2.5 * SECOND
    assert 350 < len(times) < 450


def test_a_duration_cuts_stages_short():
    assert union(opened(Stage(5, 10, 10), duration=0.5)) == [n * 10**8 for n in range(5)]


def test_a_run_of_years_gives_its_first_requests_at_once():
    """Were it not lazy, this would need more memory than there is."""
    for kind in ("constant", "poisson"):
        for stages in ((), (Stage(10**6, 10**6, 10**7),)):
            rate = None if stages else 10**7
            options = LoadOptions(rate=rate, stages=stages, requests=10**12, arrivals=kind)
            assert len(list(islice(arrivals(options, 1, 2), 3))) == 3


# ---------------------------------------------------------------- Poisson arrivals

RUN = LoadOptions(rate=100, duration=50, arrivals="poisson", seed=7)


def test_the_same_seed_gives_the_same_times_and_another_seed_others():
    again = LoadOptions(rate=100, duration=50, arrivals="poisson", seed=7)
    other = LoadOptions(rate=100, duration=50, arrivals="poisson", seed=8)

    assert union(RUN) == union(again)
    assert not set(union(RUN)[:1000]) & set(union(other)[:1000])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_in_windows_have_the_mean_and_the_variance_of_a_poisson_process(seed):
    """Of 1000 windows, the mean is known to 3 %, the variance over it to 4.5 % (one sigma)."""
    options = LoadOptions(rate=100, duration=100, arrivals="poisson", seed=seed)
    counts = [0] * 1000
    for at in arrivals(options, 0, 1):
        counts[at // 100_000_000] += 1

    assert fmean(counts) == pytest.approx(10, rel=0.03)
    assert pvariance(counts) / fmean(counts) == pytest.approx(1, abs=0.13)


@pytest.mark.parametrize(
    "options",
    [RUN, opened(Stage(15, 0, 400), Stage(10, 400, 50), Stage(9, 50, 50), arrivals="poisson")],
    ids=["constant rate", "ramps"],
)
def test_gaps_are_exponential_in_what_is_due(options):
    """The first counts from the start; 1.63 / sqrt(n) is passed by chance in 1 of 100 cases."""
    stages = options.timetable()
    levels = [reached(stages, at / SECOND, float) for at in union(options)]
    gaps = [after - before for before, after in pairwise([0.0, *levels])]

    assert len(gaps) > 4500
    assert distance(gaps, lambda x: 1 - exp(-x)) < 1.63 / len(gaps) ** 0.5


def test_the_first_poisson_arrival_is_an_exponential_after_the_start():
    def first(seed):
        options = LoadOptions(rate=1, duration=100, arrivals="poisson", seed=seed)
        return next(arrivals(options, 0, 1)) / SECOND

    assert distance([first(seed) for seed in range(400)], lambda x: 1 - exp(-x)) < 1.63 / 20
