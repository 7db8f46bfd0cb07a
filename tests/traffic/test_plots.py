from math import isnan, log10

import msgspec
import pytest

from crawler.traffic.drawing import scaled, styled
from crawler.traffic.job import LoadOptions
from crawler.traffic.plots import _latency, _percentiles, _rate
from tests.traffic.reports import distribution_of, report_of

OPEN = LoadOptions(rate=100.0)
SAMPLES = [1 + number % 250 for number in range(2000)]


def lines(axes):
    return {
        line.get_label(): list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in axes.lines
        if not line.get_label().startswith("_")
    }


@pytest.fixture
def draw():
    """Draw as `plots` does, and give the axes."""

    def drawn(plot, *args):
        with styled():
            return plot(*args).axes

    return drawn


def test_a_percentile_stands_where_its_nines_say(draw):
    report = report_of(SAMPLES)
    (axes,) = draw(_percentiles, report)
    curve = lines(axes)["response time"]
    ticks = dict(
        zip([t.get_text() for t in axes.get_xticklabels()], axes.get_xticks(), strict=True)
    )

    assert {"0": 0, "90": 1, "99": 2, "99.9": 3}.items() <= ticks.items()
    assert ticks["50"] == pytest.approx(log10(2))
    assert dict(curve)[1.0] == pytest.approx(report.response.ms(0.9), rel=0.01)
    assert dict(curve)[2.0] == pytest.approx(report.response.ms(0.99), rel=0.01)


def test_the_curve_is_drawn_through_while_ten_answers_lie_beyond_and_dotted_to_the_slowest(draw):
    (axes,) = draw(_percentiles, report_of(SAMPLES))
    whole, dotted = axes.lines[0], axes.lines[1]

    assert log10(len(SAMPLES) / 10) - 0.03 < max(whole.get_xdata()) <= log10(len(SAMPLES) / 10)
    assert (whole.get_linestyle(), dotted.get_linestyle()) == ("-", ":")
    assert dotted.get_xdata()[0] == whole.get_xdata()[-1]
    assert dotted.get_ydata()[-1] == pytest.approx(max(SAMPLES), rel=1e-3)


def test_the_shade_is_the_interval_of_each_known_percentile(draw):
    report = report_of(SAMPLES)
    (axes,) = draw(_percentiles, report)
    corners = axes.collections[0].get_paths()[0].vertices

    for known in report.response.quantiles:
        if known.q in {0.9, 0.99}:
            at = [y for x, y in corners if x == pytest.approx(-log10(1 - known.q))]
            assert (min(at), max(at)) == pytest.approx((known.low_ms, known.high_ms), rel=0.002)


@pytest.mark.parametrize(
    ("options", "lag", "shown"),
    [
        (LoadOptions(), 50.0, {"response time"}),
        (OPEN, 0.01, {"response time", "service time"}),
        (OPEN, 50.0, {"response time", "service time", "generator lag"}),
    ],
)
def test_service_time_and_lag_are_drawn_where_they_say_more(draw, options, lag, shown):
    report = report_of(
        SAMPLES, options=options, service=distribution_of(SAMPLES), lag=distribution_of([lag] * 30)
    )

    assert shown == set(lines(draw(_percentiles, report)[0]))


def test_a_slice_without_an_answer_is_a_gap(draw):
    first, second, third = report_of([10.0] * 30, slices=3).series
    empty = msgspec.structs.replace(second, p50_ms=None, p99_ms=None, max_ms=None)
    (axes,) = draw(_latency, (first, empty, third))
    drawn = lines(axes)

    assert {"p50", "p99", "max"} == set(drawn)
    assert [False, True, False] == [isnan(ms) for _, ms in drawn["p50"]]
    assert drawn["p50"][0] == (pytest.approx(0.05), 10.0)


def test_rates_are_of_the_time_that_a_slice_took(draw):
    series = report_of([10.0] * 30, slices=3, failures=[15, 16]).series
    above, below = draw(_rate, series)
    drawn = lines(above)

    assert [rate for _, rate in drawn["ok"]] == pytest.approx([piece.ok * 10 for piece in series])
    assert [rate for _, rate in drawn["sent"]] == pytest.approx([p.sent * 10 for p in series])
    assert [rate for _, rate in drawn["network or timeout"]] == pytest.approx([0, 20, 0])
    assert "http error" not in drawn
    assert list(below.lines[0].get_ydata()) == [1.0] * 3


@pytest.mark.parametrize(
    ("low", "high", "scale"), [(5, 40, "linear"), (5, 400, "log"), (0, 400, "linear")]
)
def test_a_wide_range_gets_a_logarithmic_axis(draw, low, high, scale):
    (axes,) = draw(_latency, report_of([10.0] * 30, slices=3).series)
    scaled(axes, low, high)

    assert axes.get_yscale() == scale
    assert axes.get_ylim()[0] <= low < high <= axes.get_ylim()[1]
