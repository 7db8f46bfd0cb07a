from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.cli.load_screen import LoadScreen, lines, sparkline
from crawler.compose.loading import Load
from crawler.core.histogram import index_of
from crawler.traffic.job import LoadOptions
from crawler.traffic.report import Step
from crawler.traffic.series import Series
from crawler.traffic.tally import COARSE, Piece

S = 1_000_000_000


def series(*rates, http_error=0):
    made = Series(0, S)
    for second, rate in enumerate(rates):
        most = (second + 1) * 10_000_000
        response = Counter([index_of(most) >> COARSE] * rate)
        made.add(
            Piece(second * S, S, rate + http_error, rate, http_error=http_error,
                  busy=3.0 * S, most=most, response=response)
        )  # fmt: skip
    return made


def seen(options, gone, *rates, **more):
    return lines(series(*rates, **more).glance(), options, gone)


def test_it_shows_rate_in_flight_times_of_now_and_of_all_and_the_last_minute():
    assert seen(LoadOptions(duration=10), 2.5, 1000, 500) == [
        "2.5 s gone, 7.5 s left  500 answers/s  3 in flight  1 500 ok",
        "p50 20 ms  p99 20 ms  max 20 ms; in all 10 ms  20 ms  20 ms",
        "█▅ at most 1 000/s",
    ]


def test_errors_are_shown_when_there_are_some():
    first, *_ = seen(LoadOptions(), 1.5, 100, http_error=7)
    assert first.endswith("107 answers/s  3 in flight  100 ok  7 http-error")


@pytest.mark.parametrize(
    ("options", "gone", "begins"),
    [
        (LoadOptions(warmup=3.0), 1.0, "warm-up: 2.0 s left"),
        (LoadOptions(warmup=3.0), 5.0, "5.0 s gone, 8.0 s left  "),
        (LoadOptions(requests=400), 2.0, "2.0 s gone, 6.0 s left  "),
        (LoadOptions(requests=400, duration=3.0), 2.0, "2.0 s gone, 1.0 s left  "),
        (LoadOptions(requests=400, warmup=1.0), 2.0, "2.0 s gone, 3.0 s left  "),
        (LoadOptions(duration=1.0), 2.0, "2.0 s gone, waiting for answers  "),
        (LoadOptions(), -0.05, "0 ms gone, 10.0 s left  "),
    ],
)
def test_it_tells_how_long_it_will_take(options, gone, begins):
    assert seen(options, gone, 50, 50)[0].startswith(begins)


def test_before_anything_has_come_there_is_one_line():
    assert lines(None, LoadOptions(requests=5), 0.2) == ["200 ms gone"]


def test_a_minute_without_answers_is_a_flat_line():
    first, times, spark = seen(LoadOptions(), 3.0, 0, 0)
    assert "0 answers/s" in first
    assert spark.startswith("▁▁ ")
    assert times == "p50 -  p99 -  max -; in all -  -  -"


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1e7), max_size=300), st.integers(1, 80))
def test_a_sparkline_fits_and_shows_the_greatest_highest(values, columns):
    line = sparkline(values, columns)
    assert len(line) <= columns
    assert bool(line) == bool(values)
    if values and len(values) <= columns and max(values) > 0:
        assert line[values.index(max(values))] == "█"


def test_neighbours_in_a_sparkline_are_made_one_by_their_mean():
    assert sparkline([2, 2, 2, 2, 2], 2) == "██"
    assert sparkline([0, 0, 4, 4, 8, 8], 3) == "▁▅█"


def test_it_watches_a_load_test_that_has_not_begun_searches_and_is_told_to_stop():
    load = Load(["http://127.0.0.1:1/"], LoadOptions())
    screen = LoadScreen(load)
    assert screen._text().plain == "opening connections"
    load.steps.append(Step(rate=812.0, requests_per_s=1, in_flight=1, figures={}, met=False))
    assert screen._text().plain == "step 2 (812/s not met)  opening connections"
    load.steps.clear()
    load.series = series(50, 50)
    load.stop.request("SIGINT")
    assert screen._text().plain.startswith("stopping (again: stop now)  ")
    screen._has_blocks = False
    assert len(screen._text().plain.split("\n")) == 2
