"""A timeline's figures follow from its spans, and what cannot be compared is not kept."""

import msgspec
import pytest

from bench import timeline
from bench.cell import BenchError
from bench.lanes import Lane, Span
from bench.results import checked, keep
from bench.table import tables
from bench.timeline import PAGES, TimelineResults, run_of
from crawler import MODES
from tests.bench.examples import MACHINE


def lane(name, *spans, group="crawl 1"):
    return Lane(group=group, name=name, spans=[Span(*span) for span in spans])


def a_run(mode="serial", **changes):
    made = run_of(
        mode,
        [
            lane("page-0", (100, 110, "queue"), (110, 160, "fetch"), (110, 160, "wait"),
                 (160, 180, "analyse"), (180, 185, "line"), (185, 200, "write")),
            lane("page-1", (100, 150, "fetch"), (100, 150, "wait")),
        ],
        ["a" * 64] * PAGES,
        cpu_s=50e-9,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def results(*runs):
    return TimelineResults(
        name="timeline", machine=MACHINE, how=["How."], settings={}, ceiling_per_s=1e12,
        cells=[*runs],
    )  # fmt: skip


def test_a_run_is_from_the_first_span_to_the_last():
    run = a_run()

    assert run.seconds == pytest.approx(100e-9)
    assert run.lanes[0].spans[0] == Span(0, 10, "queue")
    assert run.lanes[1].spans[-1] == Span(0, 50, "wait")


def test_overlap_is_what_all_lanes_did_but_wait_for_their_turn():
    assert a_run().overlap == pytest.approx((90 + 50) / 100)


def test_computing_is_no_waiting():
    run = a_run()

    assert run.computing == pytest.approx(40 / 100)
    assert run.cpu == pytest.approx(50 / 100)
    assert run.waiting == pytest.approx(60 / 100)
    assert run.most == 2


def test_a_page_that_came_otherwise_is_not_kept():
    other = a_run("async", digest="0" * 64)

    with pytest.raises(BenchError, match="async did not do the same"):
        checked(results(a_run(), other))
    with pytest.raises(BenchError, match="async did not do the same"):
        checked(results(a_run(), a_run("async", ok=PAGES - 1)))


def test_a_lane_that_overlaps_itself_is_not_kept():
    torn = a_run(lanes=[lane("page-0", (0, 10, "wait"), (5, 15, "body"))])

    with pytest.raises(BenchError, match="a lane of serial overlaps itself"):
        checked(results(torn))


def test_each_mode_has_a_row():
    [table] = tables(results(*(a_run(mode) for mode in MODES)))

    assert [row[0] for row in table.rows] == [*MODES]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_lanes_are_kept_of_the_run_in_the_middle():
    runs = [a_run(mode, seconds=s) for s in (3.0, 1.0, 2.0) for mode in MODES]
    thinned = [*timeline._thinned(runs)]

    assert len(thinned) == len(runs)
    assert {one.seconds for one in thinned if one.lanes} == {2.0}


def test_a_panel_has_a_row_for_each_lane_places_first_and_workers_last():
    from bench.charts import timeline as chart
    from bench.charts.style import styled

    lanes = [
        lane("MainThread", (5, 9, "analyse"), group="worker 9"),
        lane("MainThread", (0, 1, "write"), group="crawl 1"),
        *(lane(f"place {n}", (0, 4, "wait"), group="places") for n in (10, 2)),
    ]
    with styled():
        drawn = chart.draw(results(a_run("hybrid", lanes=lanes, seconds=0.2), a_run("async")))
    panels = [(axes.get_title("left"), [label.get_text() for label in axes.get_yticklabels()])
              for axes in drawn.axes]  # fmt: skip

    assert panels == [
        ("async: 0 ms", ["page-0", "page-1"]),
        ("hybrid: 200 ms", ["place 2", "place 10", "main thread", "worker 1"]),
    ]
    assert drawn.axes[-1].get_xlabel() == "time since the first page was taken (ms)"


@pytest.mark.slow
def test_a_quick_look_is_kept_and_drawn(tmp_path):
    """The real thing: five crawls, what they found, and the picture of it."""
    from bench.charts import drawing

    found = timeline.measure(timeline.QUICK)
    path = keep(found, tmp_path)
    assert msgspec.json.decode(path.read_bytes(), type=TimelineResults) == found
    assert {one.mode: one.most for one in found.cells} == {
        "serial": 1, "threads": 8, "async": 8, "processes": 2, "hybrid": 8,
    }  # fmt: skip
    assert len(drawing.draw("timeline", tmp_path, tmp_path)) == 2
