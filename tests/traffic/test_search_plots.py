import pytest

from crawler.traffic.drawing import styled
from crawler.traffic.report import FoundMax, Knee, Step
from crawler.traffic.scalability import at
from crawler.traffic.search_plots import search_figures

STEPS = tuple(
    Step(
        rate=rate, requests_per_s=answered, in_flight=places, met=rate < 500,
        figures={"p99": rate / 10, "errors": rate / 100_000, "rate": answered},
    )
    for rate, answered, places in (
        (100.0, 100.0, 1.0), (200.0, 190.0, 2.0), (400.0, 340.0, 4.0), (800.0, 500.0, 12.0),
        (900.0, 450.0, 25.0),
    )
)  # fmt: skip
KNEE = Knee(per_s=110.0, contention=0.05, coherency=0.004, peak_in_flight=15.4, peak_per_s=630.0)
FOUND = FoundMax(
    expect="p99<50ms,errors<0.5%,rate>80/s", rate=480.0, low=450.0, high=510.0, steps=STEPS,
    knee=KNEE,
)  # fmt: skip


@pytest.fixture(scope="module")
def axes():
    with styled():
        return {name: figure.axes for name, _, _, figure in search_figures(FOUND)}


def test_each_term_has_its_limit_and_what_the_steps_found(axes):
    labels = [one.get_ylabel() for one in axes["search"]]
    limits = [one.lines[0].get_ydata()[0] for one in axes["search"]]
    met, missed = (
        [tuple(at) for at in drawn.get_offsets()] for drawn in axes["search"][1].collections[:2]
    )

    assert ["p99, ms", "errors, %", "rate, /s"] == labels
    assert limits == pytest.approx([50, 0.5, 80])
    assert met == [pytest.approx((r, r / 1000)) for r in (100, 200, 400)]
    assert missed == [pytest.approx((r, r / 1000)) for r in (800, 900)]


def test_the_result_is_a_line_in_its_interval(axes):
    for one in axes["search"]:
        (shade,) = one.patches
        assert one.lines[1].get_xdata()[0] == 480
        assert (shade.get_x(), shade.get_x() + shade.get_width()) == (450, 510)


def test_the_law_is_drawn_with_its_peak(axes):
    (one,) = axes["scalability"]
    law, peak = one.lines

    assert [at(KNEE, n) for n in law.get_xdata()] == pytest.approx(list(law.get_ydata()))
    assert (peak.get_xdata()[0], peak.get_ydata()[0]) == (KNEE.peak_in_flight, KNEE.peak_per_s)
    assert [(s.in_flight, s.requests_per_s) for s in STEPS] == [
        tuple(at) for at in one.collections[0].get_offsets()
    ]
