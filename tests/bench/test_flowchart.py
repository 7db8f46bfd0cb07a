"""The page on choosing says what the grid found, no more, and is not older than the grid."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import border, branches, flowchart
from bench.cell import BenchError
from bench.grid.comparing import comparison
from bench.grid.edges import CPU, PLACES, cpu_ms, edge, edges
from bench.grid.plan import Point
from bench.grid.winners import fastest
from bench.results import FOLDER, keep
from bench.works import WORKS
from tests.bench.examples import MACHINE
from tests.bench.grids import a_grid, a_whole_grid


def costing(grid, costs):
    """Return *grid* with so many CPU seconds of a page for each work."""
    cells = []
    for one in grid.cells:
        cost = msgspec.structs.replace(one.run.cost, own_user=costs[one.point.work], own_system=0.0)
        run = msgspec.structs.replace(one.run, cost=cost)
        cells.append(msgspec.structs.replace(one, run=run))
    return msgspec.structs.replace(grid, cells=cells)


WHOLE = costing(
    a_whole_grid(),
    {"lexbor": 0.001, "python_light": 0.003, "python_heavy": 0.008, "c_heavy": 0.0085},
)


@pytest.mark.skipif(not (FOLDER / "grid.json").exists(), reason="no grid is kept")
def test_the_page_is_what_would_be_written_now():
    assert not flowchart.stale(), "run `python -m bench flowchart`"


def test_the_page_is_stale_when_it_is_missing_or_differs_and_not_otherwise(tmp_path):
    page = tmp_path / "choosing.md"
    assert not flowchart.stale(tmp_path, page)  # nothing is measured

    keep(WHOLE, tmp_path)
    assert flowchart.stale(tmp_path, page)

    flowchart.write(tmp_path, page)
    assert not flowchart.stale(tmp_path, page)

    page.write_text(page.read_text() + "\nTyped by hand.\n")
    assert flowchart.stale(tmp_path, page)


def test_without_a_grid_nothing_is_written(tmp_path):
    with pytest.raises(BenchError, match="run `python -m bench grid`"):
        flowchart.write(tmp_path, tmp_path / "choosing.md")


def test_what_is_no_grid_is_told(tmp_path):
    (tmp_path / "other.json").write_text("{}")

    with pytest.raises(BenchError, match="is no kept grid"):
        flowchart.grid(tmp_path / "other.json")


def test_the_page_has_an_answer_for_every_point_of_the_grid():
    page = flowchart.document(WHOLE)

    rows = re.findall(r"^\| [\d.]+ ms \|.*$", page, re.MULTILINE)
    assert len(WHOLE.at()) == sum(row.count("|") - 2 for row in rows)
    assert "| 200 ms | hybrid 1.80 × | hybrid 1.80 × | hybrid 1.50 × |" in rows


def test_the_chart_names_the_threshold_and_its_interval():
    page = flowchart.document(WHOLE)

    assert "between 1 and 3 ms of CPU a page" in page
    assert "hybrid surely ahead at" in page
    assert "async over threads: between 4 and 64 in flight" in page
    assert "hybrid<br/>1.50 × async" in page


def test_the_summary_has_the_end_of_each_branch_of_the_chart():
    [chart] = re.findall(r"```mermaid\n(.*?)```", flowchart.document(WHOLE), re.DOTALL)
    ends = re.findall(r'--> \w\["(.*?)"\]', chart)
    rows = branches.summary(WHOLE).rows

    assert [row[-1] for row in rows] == [end.replace("<br/>", " ") for end in ends]
    assert rows[-1] == ["1 ms: parse and hash in C", "200 ms", "64", "async 1.20 × threads"]


def test_every_mermaid_node_that_is_led_to_is_defined_once():
    [chart] = re.findall(r"```mermaid\n(.*?)```", flowchart.document(WHOLE), re.DOTALL)
    defined = re.findall(r'(\w+)[\[{]"', chart)
    starts = re.findall(r"^    (\w+) --", chart, re.MULTILINE)

    assert len(defined) == len(set(defined))
    assert set(starts) <= set(defined)
    assert all(line.count('"') % 2 == 0 for line in chart.splitlines())


def test_what_is_not_decided_is_said_so():
    found = fastest({"threads": [1.0, 1.0], "async": [1.0, 1.01]})

    assert "threads<br/>(async as fast)" == branches.leaf(found)
    assert "not measured" == branches.leaf(None)


def test_a_page_without_some_points_still_says_what_is_known():
    page = flowchart.document(a_grid({("lexbor", 0, 4): {"threads": 100.0, "async": 150.0}}))

    assert "not measured" in page
    assert "async 1.50 ×" in page


def test_the_bytes_that_cross_are_told_where_they_were_measured():
    cells = [
        border.Crossing(way=w, batch=b, parent=b * 1e-6, worker=0)
        for w in border.WAYS
        for b in (1, 16)
    ]
    crossing = border.BorderResults(
        name="border", machine=MACHINE, how=[], settings={}, ceiling_per_s=None, cells=cells
    )  # fmt: skip

    assert "costs 1 µs to cross alone and 16 µs in batches of 16" in flowchart.document(
        WHOLE, crossing
    )
    assert "to cross" not in flowchart.document(WHOLE)


def test_an_edge_is_told_as_an_interval_between_measured_values():
    slow, level, fast = [100.0] * 3, [101.0] * 3, [150.0] * 3
    pair = ("async", "threads")

    def threshold(*ours):
        found = edge(
            pair, "here", PLACES, [(x, o, slow) for x, o in zip((1, 4, 64), ours, strict=False)]
        )
        assert found is not None
        return found.threshold

    assert "between 4 and 64 in flight" == threshold(fast, level, fast)
    assert "from 1 in flight on, the least measured" == threshold(fast, fast, fast)
    assert "not decided on this machine, at 64 in flight" == threshold(fast, fast, level)
    assert "threads is faster, at 4 in flight" == threshold(fast, [50.0] * 3)
    assert edge(pair, "here", PLACES, []) is None


def test_cpu_of_a_page_is_that_of_serial_at_the_least_latency():
    waiting = [one for one in WHOLE.cells if one.point.latency_ms > 0]
    dear = costing(msgspec.structs.replace(WHOLE, cells=waiting), dict.fromkeys(WORKS, 0.1))
    cells = [one for one in WHOLE.cells if one not in waiting] + dear.cells

    found = cpu_ms(msgspec.structs.replace(WHOLE, cells=cells), "python_heavy")

    assert pytest.approx(8.0) == found
    assert cpu_ms(a_grid({("lexbor", 0, 4): {"threads": 1.0}}), "lexbor") is None


def test_all_questions_have_edges():
    found = edges(WHOLE)

    pairs = {(one.ours, one.theirs, one.unit) for one in found}
    assert {
        ("async", "threads", PLACES),
        ("processes", "threads", CPU),
        ("hybrid", "async", CPU),
        ("threads", "async", PLACES),
    } <= pairs
    assert len(found) == len({one.name for one in found})
    assert len(found) == len(flowchart.edge_table(found).rows)


@given(st.lists(st.floats(min_value=1.0, max_value=1e4), min_size=2, max_size=5, unique=True))
def test_a_threshold_lies_among_the_values_that_were_measured(values):
    ours = [[100.0 + 10 * (x > 50)] * 3 for x in values]
    found = edge(
        ("a", "b"), "", CPU, [(x, o, [100.0] * 3) for x, o in zip(values, ours, strict=True)]
    )

    assert found is not None
    assert {found.change.before, found.change.at} - {None} <= set(values)
    assert found.change.at == min((x for x in values if x > 50), default=None)


def test_two_machines_that_agree_differ_at_no_point():
    thresholds, points = comparison(WHOLE, WHOLE)

    assert all(ours == theirs for _, ours, theirs in thresholds.rows)
    assert [] == list(points.rows)
    assert f"{len(WHOLE.at())} points were compared on both machines" in points.notes[0]


def test_two_machines_that_disagree_are_told_apart_at_that_point_and_edge():
    speeds = {("lexbor", 0, n): {"threads": 100.0, "async": 150.0} for n in (4, 64)}
    other = {**speeds, ("lexbor", 0, 64): {"threads": 150.0, "async": 100.0}}

    thresholds, points = comparison(a_grid(speeds), a_grid(other))

    assert [[Point("lexbor", 0, 64).name, "async 1.50 ×", "threads 1.50 ×"]] == list(points.rows)
    [[name, ours, theirs]] = thresholds.rows
    assert name.startswith("async over threads, 0 ms")
    assert "from 4 in flight on, the least measured" == ours
    assert "threads is faster, at 64 in flight" == theirs
