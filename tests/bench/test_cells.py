"""Real cells on a real server, as small as they can be: what comes of them, never how fast."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import little, memory, modes
from bench.__main__ import app, main
from bench.cell import BenchError, Cell
from bench.demo import demo
from bench.results import checked
from bench.rounds import by_cell, run_rounds
from bench.stand import set_up
from bench.table import tables


@pytest.mark.slow
def test_a_little_grid_runs_from_end_to_end():
    scale = little.Scale(pages={2: 12}, rounds=1, modes=("threads", "hybrid"), different=12)

    found = checked(little.measure(scale))

    assert {"threads", "hybrid"} == {run.cell.mode for run in found.cells}
    for run in found.cells:
        assert (12, 2) == (run.ok, run.in_flight_max)
        assert run.pages_per_s > 0
        assert run.startup_s > 0
        assert run.cost.own > 0
        assert {"fetch", "analyse", "write", "rest"} == set(run.stages)
    assert 2 == len(tables(found)[0].rows)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="no PSS here")
def test_memory_is_read_on_the_way():
    found = checked(memory.measure(memory.Scale(pages={"threads": 60, "hybrid": 90}, in_flight=2)))

    assert {60, 90} == {len(run.memory) for run in found.cells}
    assert {60, 90} == {run.memory[-1][0] for run in found.cells}
    assert 2 == len(tables(found)[0].rows)


def test_cells_of_different_lists_have_different_digests():
    with set_up(pages=4, size="1kB") as stand:
        stand.write_list("first", 2, lambda number: f"/p/{number}")
        stand.write_list("other", 2, lambda number: f"/p/{number + 1}")
        cells = [Cell(work=work, mode="serial", concurrency=1, pages=2) for work in stand.lists]
        found = by_cell(run_rounds(stand, cells, 1, tell=lambda _: None))

    digests = {found[cell][0].digest for cell in cells}
    assert 2 == len(digests)


def test_a_cell_that_fails_is_an_error_that_names_it(capfd):
    with set_up(pages=1) as stand:
        stand.write_list("short", 1, lambda _: "/p/0")
        cell = Cell(work="short", mode="serial", concurrency=1, pages=2)
        with pytest.raises(BenchError, match="serial on short ended with 1"):
            run_rounds(stand, [cell], 1)

    assert "record 2 never came, only 1" in capfd.readouterr().err


def test_the_command_line_names_every_experiment():
    answer = CliRunner().invoke(app, ["--help"])

    assert 0 == answer.exit_code
    names = ("demo", "fetch", "little", "memory", "modes", "peers")
    assert all(name in answer.output for name in names)


def test_what_cannot_be_measured_ends_in_one_line(capsys):
    def fail():
        raise BenchError("not today")

    with pytest.raises(SystemExit, match="1"):
        main(fail)

    assert "bench: not today\n" == capsys.readouterr().err


@pytest.mark.slow
def test_all_modes_do_the_same_work():
    found = checked(modes.measure(modes.Scale(pages={"0ms": 20, "5ms": 20}, rounds=1, in_flight=4)))

    assert [5, 5] == [len(table.rows) for table in tables(found)]


@pytest.mark.slow
def test_the_demo_shows_a_crawl_a_record_and_a_table(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    demo(pages=20)

    shown = capfd.readouterr().out
    assert "$ crawl --mode hybrid URLs.txt -o pages.jsonl" in shown
    assert all(f"\n{mode} " in shown for mode in ("serial", "threads", "async", "hybrid"))
    assert 20 == len(Path("URLs.txt").read_text().splitlines())
    assert all(map(json.loads, Path("pages.jsonl").read_text().splitlines()))
