"""What a trace costs is told from pairs, each of a crawl with it and one without."""

import msgspec
import pytest

from bench.cell import Cost
from bench.tracing import ORDER, added, middle, tables
from crawler import MODES
from tests.bench.examples import a_run, results


def runs(mode, *costs):
    """A run without and one with a trace for each pair of CPU seconds a page."""
    made = []
    for pair in costs:
        for traced, seconds in enumerate(pair):
            cost = Cost(own_user=seconds / 2, own_system=0.0, workers=seconds / 2, server=9.0)
            run = a_run(mode, "work", cost=cost)
            cell = msgspec.structs.replace(run.cell, traced=bool(traced))
            made.append(msgspec.structs.replace(run, cell=cell))
    return made


def test_workers_count_too_and_the_server_does_not():
    [(without, more)] = added(runs("hybrid", (0.001, 0.00102)), "hybrid")

    assert without == pytest.approx(0.001)
    assert more == pytest.approx(0.00002)


def test_a_pair_is_of_one_round():
    found = added([*runs("async", (1.0, 1.1), (2.0, 2.5)), *runs("serial", (7.0, 8.0))], "async")

    assert [more for _, more in found] == pytest.approx([0.1, 0.5])


def test_the_median_decides_whether_the_goal_is_met():
    cells = [run for mode in MODES if mode != "threads" for run in runs(mode, *[(1.0, 1.02)] * 3)]
    cells += runs("threads", (1.0, 1.0), (1.0, 1.04), (1.0, 1.05))
    [table] = tables(results("trace", cells))

    said = {row[0]: row[-1] for row in table.rows}
    assert said == {mode: "no" if mode == "threads" else "yes" for mode in MODES}
    assert {row[0]: row[3] for row in table.rows}["threads"] == "4.0 (0.0–5.0)"


def test_a_pair_is_fair_to_both():
    """As many of each, and a drift that goes on evenly adds as much to one as to the other."""
    places = {traced: [n for n, t in enumerate(ORDER) if t is traced] for traced in (True, False)}

    assert len(places[True]) == len(places[False])
    assert sum(places[True]) == sum(places[False])


def test_one_disturbed_run_does_not_move_the_middle():
    crawls = [
        a_run(cost=Cost(own_user=1.0, own_system=0.0, workers=w, server=9.0))
        for w in (3.0, 70.0, 1.0)
    ]

    assert middle(crawls) is crawls[0]
