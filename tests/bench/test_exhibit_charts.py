"""A chart of one exhibit is drawn if that was run, and shows its figures over their places."""

import pytest

from bench.cell import BenchError
from bench.charts import convoy, drawing, gil_step
from bench.charts.exhibited import found_in
from bench.charts.style import styled
from bench.exhibition import ExhibitResults, Shown
from bench.exhibits.exhibit import Figure, Verdict
from bench.results import keep
from tests.bench.examples import MACHINE

CONVOY = [
    Figure(f"{name}, {busy} busy", unit, [0.8 * value, value, 1.5 * value], interval)
    for busy in (0, 1, 2)
    for interval in (1.0, 5.0)
    for name, unit, value in (
        ("late after a wait, p50", "ms", 0.1 + busy * interval),
        ("late after a wait, p99", "ms", 0.2 + 2 * busy * interval),
        ("pages/s", "", 400 / (1 + busy * interval)),
    )
]
COMPUTING = [
    *(
        Figure("steps of another thread during sha256", "", [steps], size)
        for size, steps in ((2047, 0.0), (2048, 16.0), (2049, 15.0))
    ),
    *(
        Figure(f"{what}, sha256", "", [value, value, value + 0.1], size)
        for what in ("cores busy", "times as fast")
        for size, value in ((256, 1.0), (2047, 1.0), (2048, 1.4), (1_048_576, 1.9))
    ),
    *(
        Figure(f"{what}, {work}", "", [0.9, value, value])
        for what in ("cores busy", "times as fast")
        for work, value in (("Python", 1.0), ("re", 1.0), ("html.parser", 1.0))
    ),
]


def run(name, figures):
    """Return what came of one exhibit, made up."""
    return Shown(
        row=1, name=name, claim="A claim.", python="3.11.0", verdict=Verdict.HOLDS,
        why="It was 1.", shown=None, seconds=1.0, figures=figures,
    )  # fmt: skip


def results(*cells):
    return ExhibitResults(
        name="exhibits", machine=MACHINE, how=[], settings={}, ceiling_per_s=None, cells=[*cells]
    )


def points(line):
    """Return what a line goes through."""
    return [(float(x), float(y)) for x, y in line.get_xydata()]


def test_a_chart_of_an_exhibit_is_drawn_only_if_that_was_run(tmp_path):
    keep(results(run("computing", COMPUTING), run("convoy", [])), tmp_path)

    assert ["gil-step"] == drawing.measured(kept=tmp_path)
    with pytest.raises(BenchError, match="run `python -m bench exhibits convoy`"):
        drawing.draw("convoy", tmp_path, tmp_path)


def test_the_figures_of_an_exhibit_are_found_by_its_name():
    both = results(run("convoy", CONVOY), run("computing", COMPUTING))

    assert 1.0 == found_in(both, "computing")["cores busy, Python"].median
    with pytest.raises(KeyError):
        found_in(both, "gil")


def test_the_convoy_has_a_line_for_each_number_of_busy_threads():
    with styled():
        late, rate = convoy.draw(results(run("convoy", CONVOY))).axes

    lines = {str(line.get_label()): points(line) for line in late.lines}
    assert [(1, 1.1), (5, 5.1)] == lines["beside 1 that computes"]
    assert 3 == len(rate.lines) == len(rate.collections)
    assert ["1", "5\ndefault"] == [label.get_text() for label in rate.get_xticklabels()]


def test_the_step_has_a_point_for_each_size_and_a_row_for_each_work_that_was_done():
    with styled():
        hashing, others = gil_step.draw(results(run("computing", COMPUTING))).axes

    lines = {str(line.get_label()): points(line) for line in hashing.lines}
    sizes = [(256, 1.0), (2047, 1.0), (2048, 1.4), (1_048_576, 1.9)]
    assert sizes == lines["cores busy with 2 threads"]
    assert [(2048, 0), (2048, 1)] in map(points, hashing.lines)
    assert ["Python", "re", "html.parser"] == [text.get_text() for text in others.get_yticklabels()]
