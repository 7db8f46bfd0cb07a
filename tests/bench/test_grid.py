"""The grid: what is run, what may be compared, what bounds it; it goes on after a break."""

from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cell import BenchError, Cost
from bench.grid import plan
from bench.grid.gil import share_held
from bench.grid.limits import gil_cost, limit
from bench.grid.measuring import measure
from bench.grid.part import Head, Part
from bench.grid.plan import Point, Scale, cell_of, modes_at, planned
from bench.grid.results import GridResults, refusal
from bench.grid.tables import candidates
from bench.results import checked, keep
from bench.table import tables
from bench.works import WORKS
from tests.bench.examples import MACHINE, a_run
from tests.bench.grids import ROUNDS, a_cell, a_grid, a_whole_grid

POINT = Point("lexbor", 100, 16)


def test_the_full_grid_is_planned_for_at_most_26_minutes_and_the_quick_one_for_3():
    for scale, minutes in ((plan.FULL, 26), (plan.QUICK, 3)):
        assert 60 * minutes >= sum(plan.seconds(step, 2) for step in planned(scale, 2))


def test_every_round_runs_the_same_each_once_in_another_order():
    steps = list(planned(plan.FULL, 2))
    rounds = [[(s.point, s.mode) for s in steps if s.round == number] for number in range(3)]

    assert [1] == list(set(Counter(rounds[0]).values()))
    assert set(rounds[0]) == set(rounds[1]) == set(rounds[2])
    assert rounds[0] != rounds[1] != rounds[2]
    assert set(WORKS) == {point.work for point, _ in rounds[0]}


def test_the_modes_of_a_point_run_one_after_the_other_and_so_do_the_points_of_a_block():
    steps = list(planned(plan.FULL, 2))
    points = [(s.round, s.point) for s in steps]
    blocks = [(s.round, s.point.work, s.point.latency_ms) for s in steps]

    for names in (points, blocks):
        changes = sum(one != other for one, other in pairwise(names))
        assert len(set(names)) == changes + 1


def test_no_mode_always_goes_first():
    steps = [step for step in planned(plan.FULL, 2) if step.point == Point("lexbor", 20, 16)]

    assert 1 < len({tuple(s.mode for s in steps if s.round == number) for number in range(3)})


@pytest.mark.parametrize(("workers", "places"), [(1, 1), (2, 4), (4, 4), (5, 64), (128, 64)])
def test_serial_and_processes_run_once_where_they_have_their_number_in_flight(workers, places):
    points = Scale({"lexbor": ((0,), (1, 4, 64))}, 1).points
    at = {point.places: modes_at(point, points, workers) for point in points}

    assert [1] == [number for number, modes in at.items() if "serial" in modes]
    assert [places] == [number for number, modes in at.items() if "processes" in modes]
    assert all({"threads", "async", "hybrid"} <= set(modes) for modes in at.values())


def test_a_cell_has_pages_for_every_place_and_a_steady_part():
    for step in planned(plan.FULL, 2):
        cell = cell_of(step)
        assert 0 == cell.pages % cell.concurrency
        assert cell.pages >= plan.TURNS * cell.concurrency
        assert 1 <= cell.warm < cell.pages
        assert step.point.work == cell.analyser


def test_a_page_list_asks_for_the_latency_of_its_point():
    assert "/p/7?latency=100ms" == POINT.path(607)


def test_runs_that_had_what_they_were_given_may_be_compared():
    modes = ("threads", "async", "hybrid")

    assert refusal([a_cell(POINT, mode) for mode in modes], 2) is None


@pytest.mark.parametrize(("seen", "refused"), [(14, True), (16, False), (17, True)])
def test_a_mode_that_had_another_number_in_flight_is_refused(seen, refused):
    reason = refusal([a_cell(POINT, "threads"), a_cell(POINT, "async", in_flight_max=seen)], 2)

    assert reason is None or "async had" in reason
    assert refused == (reason is not None)


def test_a_mode_that_had_fewer_because_its_cpu_was_used_up_is_a_finding():
    busy = a_cell(POINT, "async", pages_per_s=900.0, in_flight_max=9)

    assert refusal([a_cell(POINT, "threads"), busy], 2) is None


def test_workers_that_use_all_cores_are_a_finding_too():
    cost = Cost(own_user=0.001, own_system=0.0, workers=0.016, server=0.001)
    busy = a_cell(POINT, "hybrid", pages_per_s=100.0, in_flight_max=9, cost=cost)

    assert refusal([busy], 2) is None
    assert refusal([busy], 4) is not None


@pytest.mark.parametrize(("mode", "latency"), [("serial", 100), ("processes", 100), ("async", 0)])
def test_the_rule_of_equal_numbers_leaves_out_what_cannot_meet_it(mode, latency):
    assert refusal([a_cell(Point("lexbor", latency, 16), mode, in_flight_max=2)], 2) is None


def test_another_digest_or_a_page_that_failed_is_refused():
    other = a_cell(POINT, "async", digest="e" * 64)
    fewer = a_cell(POINT, "async", ok=99)

    assert "the modes did not do the same work" == refusal([a_cell(POINT, "threads"), other], 2)
    assert "async has 99 ok records instead of 100" == refusal([fewer], 2)


def test_a_refused_point_is_told_and_never_compared():
    grid = a_whole_grid()
    point = grid.cells[0].point
    cells = [
        msgspec.structs.replace(one, run=msgspec.structs.replace(one.run, digest="e" * 64))
        if one.point == point and one.mode == "threads"
        else one
        for one in grid.cells
    ]
    refused = checked(msgspec.structs.replace(grid, cells=cells))

    assert [point] == list(refused.refusals())
    assert point not in candidates(refused)
    assert "serial" not in candidates(refused)[Point(point.work, point.latency_ms, 4)]
    [text] = [t for t in tables(refused) if t.title.startswith("Every point: parse")]
    assert {"refused"} == {row[-1] for row in text.rows if row[1:3] == ["0", "1"]}
    assert f"{point.name}: the modes did not do the same work." in text.notes


def test_a_rate_near_the_ceiling_is_refused_where_it_was_reached():
    grid = a_grid({("lexbor", 0, 4): {"async": 71.0, "threads": 50.0}}, ceiling_per_s=100.0)

    assert ["async took more than 70% of what the server gives"] == list(grid.refusals().values())
    with pytest.raises(BenchError):
        checked(grid)


def test_a_grid_with_a_run_missing_is_not_kept():
    grid = a_whole_grid()

    with pytest.raises(BenchError, match="was not run in every round"):
        checked(msgspec.structs.replace(grid, cells=grid.cells[:-1]))


def test_serial_and_processes_count_wherever_so_many_are_allowed():
    found = candidates(a_whole_grid())

    assert {"threads", "async", "hybrid", "serial"} == set(found[Point("lexbor", 20, 1)])
    assert {"threads", "async", "hybrid", "serial", "processes"} == set(
        found[Point("lexbor", 20, 64)]
    )
    assert ROUNDS == len(found[Point("lexbor", 20, 64)]["serial"])


def test_the_part_of_the_gil_is_what_two_threads_do_not_overlap():
    assert [0.0, 0.5, 1.0] == [share_held(2.0, both) for both in (2.0, 3.0, 4.0)]
    assert [0.0, 1.0] == [share_held(2.0, both) for both in (1.9, 4.2)]


COST = Cost(own_user=0.003, own_system=0.001, workers=0.0, server=0.001)
RUN = a_run(cost=COST, stages={"fetch": 0.002, "analyse": 0.002, "write": 0.0, "rest": 0.0})


@pytest.mark.parametrize(
    ("mode", "latency", "name", "allowed"),
    [
        ("serial", 0.096, "in flight", 10),
        ("threads", 0.096, "in flight", 160),
        ("processes", 0.1, "in flight", 20),  # what the parent does holds no worker up
        ("hybrid", 0.1, "in flight", 160),  # nor what is done about a page that is there
        ("threads", 0.0, "all cores", 400),
        ("async", 0.0, "one thread", 250),
        ("hybrid", 0.0, "loop", 250),
        ("processes", 0.0, "all cores", 400),
    ],
)
def test_each_mode_has_its_own_bound(mode, latency, name, allowed):
    run = msgspec.structs.replace(RUN, cell=msgspec.structs.replace(RUN.cell, mode=mode))

    found = limit(run, latency=latency, cores=2, held=0.1, server=30_000.0)

    assert [name, pytest.approx(allowed)] == list(found)


def test_a_page_holds_its_place_as_long_as_its_worker_computes():
    cell = msgspec.structs.replace(RUN.cell, mode="processes")
    cost = msgspec.structs.replace(COST, workers=0.004)
    run = msgspec.structs.replace(RUN, cell=cell, cost=cost)

    found = limit(run, latency=0.096, cores=2, held=0.1, server=30_000.0)

    assert ["in flight", pytest.approx(20)] == list(found)


def test_threads_are_bound_by_the_gil_and_anybody_by_the_server():
    assert pytest.approx(0.003) == gil_cost(RUN, 1.0)
    held = limit(RUN, latency=0.0, cores=2, held=1.0, server=30_000.0)
    assert ["GIL", pytest.approx(1 / 0.003)] == list(held)
    assert "server" == limit(RUN, latency=0.0, cores=2, held=1.0, server=50.0).name


def a_part(path, runs=3):
    part = Part(path)
    part.begin(
        Head(machine=MACHINE, settings={"a": 1.0}, ceiling_per_s=1.0, gil={"lexbor": 0.5}, port=80)
    )
    for number in range(runs):
        part.add(a_cell(POINT, "threads", number=number))
    return part


def test_what_was_measured_before_a_break_is_there_again(tmp_path):
    part = a_part(tmp_path / "part")

    again = Part(tmp_path / "part")

    assert (part.head, part.runs) == (again.head, again.runs)


@given(torn=st.integers(min_value=1, max_value=400))
def test_a_line_that_was_being_written_at_the_break_is_measured_again(torn, tmp_path_factory):
    path = tmp_path_factory.mktemp("part") / "part"
    a_part(path)
    path.write_bytes(path.read_bytes()[:-torn])

    part = Part(path)
    part.go_on()
    part.add(a_cell(POINT, "threads", number=2))

    assert [0, 1, 2] == [run.round for run in Part(path).runs]


def test_runs_of_other_settings_or_another_machine_do_not_count_but_those_of_another_day_do():
    head = Head(machine=MACHINE, settings={"a": 1.0}, ceiling_per_s=1.0, gil={}, port=80)
    tomorrow = msgspec.structs.replace(MACHINE, date="2026-02-01")
    other = msgspec.structs.replace(MACHINE, cores=4)

    assert head.fits(tomorrow, {"a": 1.0})
    assert not head.fits(MACHINE, {"a": 2.0})
    assert not head.fits(other, {"a": 1.0})


def test_a_grid_that_was_kept_is_the_same_when_read_again(tmp_path):
    grid = a_whole_grid()

    path = keep(grid, tmp_path)

    assert grid == msgspec.json.decode(path.read_bytes(), type=GridResults)


@pytest.mark.slow
def test_a_small_grid_runs_from_end_to_end_and_goes_on_where_it_was(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(plan, "STEADY", 0.01)
    path = tmp_path / "grid.part.jsonl"
    scale = Scale({"python_light": ((20,), (1, 2))}, rounds=1)

    first = checked(measure(scale, path))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    second = measure(scale, path)

    assert {"serial", "threads", "async", "processes", "hybrid"} == {r.mode for r in first.cells}
    assert first.cells[:-2] == second.cells[:-2]
    assert [r.mode for r in first.cells] == [r.mode for r in second.cells]
    assert "Going on after 6 runs" in capfd.readouterr().err
    assert {} == second.refusals()
    assert tables(second)
