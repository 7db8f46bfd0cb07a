import random

import pytest

from bench.bounds import bound, thread_cost
from bench.meter import cpu_of, memory_of, seconds_in
from bench.slope import slope
from bench.spread import spread
from tests.bench.examples import a_run


def test_the_median_comes_with_the_least_and_the_greatest():
    found = spread([3.0, 1.0, 10.0])

    assert (3.0, 1.0, 10.0) == (found.median, found.least, found.greatest)
    assert "3 (1–10)" == found.text()
    assert "3000.0 (1000.0–10000.0)" == found.text(1, scale=1000)


def test_one_value_has_no_range():
    assert "5" == spread([5.0]).text()


def test_a_straight_line_has_a_sure_slope():
    found = slope([(float(x), 7.0 + 3.0 * x) for x in range(50)])

    assert 3.0 == pytest.approx(found.value)
    assert 0.0 == pytest.approx(found.error, abs=1e-9)


def test_noise_around_a_flat_line_is_within_the_error():
    noise = random.Random(1)
    found = slope([(float(x), 1e6 + noise.gauss(0, 100)) for x in range(200)])

    assert abs(found.value) < found.error < 1.0


def test_steps_make_a_slope_less_sure_than_noise_of_the_same_size():
    places = range(200)
    steps = slope([(float(x), 100.0 * (x // 25 % 2)) for x in places])
    noise = slope([(float(x), 100.0 * (x % 2)) for x in places])

    assert steps.error > 2 * noise.error


@pytest.mark.parametrize("mode", ["threads", "async", "hybrid"])
def test_the_one_thread_is_that_of_the_loop_or_of_the_threads(mode):
    assert pytest.approx(0.001) == thread_cost(a_run(mode=mode))


@pytest.mark.parametrize(
    ("latency", "pinned", "name", "allowed"),
    [
        (0.1, False, "in flight", 16 / 0.101),
        (0.0, False, "one thread", 1 / 0.001),
        (0.0, True, "one thread", 1 / 0.001),
    ],
)
def test_the_least_limit_is_the_bound(latency, pinned, name, allowed):
    found = bound(a_run(mode="async"), latency=latency, cores=2, pinned=pinned)

    assert name == found.name
    assert allowed == pytest.approx(found.pages_per_s)


@pytest.mark.parametrize(
    ("clock", "seconds"), [("0:01.25", 1.25), ("01:02:03", 3723), ("1-00:00:01\n", 86_401)]
)
def test_the_clock_of_ps_is_understood(clock, seconds):
    assert seconds == seconds_in(clock)


def test_the_meters_read_this_process():
    import os

    assert 0 < cpu_of(os.getpid())
    if os.path.exists("/proc/self/smaps_rollup"):
        assert 1_000_000 < memory_of(os.getpid())
