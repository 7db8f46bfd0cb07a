"""The charts of what processes cost say what was measured, also where something is missing."""

import numpy as np
from matplotlib.colors import to_hex

from bench.charts import break_even, faults, memory_slope
from bench.charts.style import styled
from bench.exhibition import ExhibitResults, Shown
from bench.exhibits.exhibit import Figure, Verdict
from bench.machine import machine


def results(name: str, figures: list[Figure]) -> ExhibitResults:
    shown = Shown(
        row=1, name=name, claim="A claim.", python="3.11.7", verdict=Verdict.HOLDS, why="It is.",
        shown=None, seconds=1.0, figures=figures,
    )  # fmt: skip
    return ExhibitResults(
        name="exhibits", machine=machine(), how=[], settings={}, ceiling_per_s=None, cells=[shown]
    )


def test_break_even_has_a_line_for_what_was_measured_and_a_mark_where_it_pays() -> None:
    name, points = "times as fast, 1 MB pickled", {1: 0.5, 9: 2.0}
    curve = [Figure(name, "", [value], at) for at, value in points.items()]
    pays = Figure("pays from, 1 MB pickled", "ms", [3.0])
    with styled():
        pickled, shared = break_even.draw(results("processes", [*curve, pays])).axes

    assert [[1.0, 9.0], [3.0]] == [
        np.asarray(line.get_xdata()).tolist() for line in pickled.lines[:2]
    ]
    assert 1 == len(shared.lines)  # the dashed one


def test_memory_slope_tells_what_each_further_request_takes() -> None:
    figures = [
        Figure(f"memory of a crawl, {mode}", "MB", [40.0 * at], at)
        for mode in ("async", "processes")
        for at in (1, 8)
    ]
    slopes = {"async": 14.0, "processes": 29_000.0}
    figures += [Figure(f"a further request, {mode}", "kB", [kB]) for mode, kB in slopes.items()]
    with styled():
        [legend] = memory_slope.draw(results("footprint", figures)).legends

    assert [text.get_text() for text in legend.get_texts()] == [
        "async: 14 kB each", "processes: 29 MB each",
    ]  # fmt: skip


def test_the_map_of_faults_has_a_cell_for_each_mode_in_the_colour_of_its_outcome() -> None:
    figures = [
        *(Figure(f"lost, {mode}", "", [0]) for mode in ("threads", "async")),
        *(Figure("silence takes", "ms", [at * 1000.0], at) for at in (1, 2)),
        Figure("silence: timeout", "", [1], 1),
        Figure("silence: reset", "", [1], 2),
    ]
    with styled():
        drawn = faults.draw(results("faults", figures))
        cells = drawn.axes[0]

    found = {
        text.get_text(): to_hex(patch.get_facecolor())
        for text, patch in zip(cells.texts, cells.patches, strict=True)
    }
    assert found == {"1000": faults.LOOK["timeout"], "2000": faults.LOOK["reset"]}
    assert [label.get_text() for label in cells.get_xticklabels()] == ["threads", "async"]
