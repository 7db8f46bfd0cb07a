"""A chart is the same file from the same results, and says what the results say."""

import re

import msgspec
import pytest
from typer.testing import CliRunner

from bench.__main__ import app
from bench.cell import BenchError
from bench.charts import crossover, drawing
from bench.charts.style import styled
from bench.results import keep
from tests.bench.grids import a_grid, a_whole_grid


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    keep(a_grid({("lexbor", 0, 4): {"threads": 100.0, "async": 150.0}}), folder)
    return folder


def letters(results):
    """Return all that is written on the map."""
    with styled():
        drawn = crossover.draw(results)
    return [text.get_text() for axes in drawn.axes for text in axes.texts]


def hatched(results):
    with styled():
        [axes] = crossover.draw(results).axes
    return [bool(patch.get_hatch()) for patch in axes.patches].count(True)


def test_the_same_results_give_the_same_file(kept, tmp_path):
    first, second = (
        [path.read_bytes() for path in drawing.draw("crossover", kept, tmp_path / name)]
        for name in ("one", "two")
    )

    assert first == second
    assert first[0].startswith(b"<?xml")
    assert first[1].startswith(b"\x89PNG")


def test_a_figure_has_paper_of_its_own_and_no_date(kept, tmp_path):
    [svg, _] = drawing.draw("crossover", kept, tmp_path)
    text = svg.read_text()

    assert "<dc:date>" not in text
    assert re.search(r"fill: #ffffff", text)


def test_a_figure_is_stale_when_it_is_missing_or_differs_and_not_otherwise(kept, tmp_path):
    assert ["crossover"] == drawing.stale(kept, tmp_path)

    [svg, _] = drawing.draw("crossover", kept, tmp_path)
    assert [] == drawing.stale(kept, tmp_path)

    svg.write_bytes(svg.read_bytes().replace(b"#56b4e9", b"#56b4e8"))
    assert ["crossover"] == drawing.stale(kept, tmp_path)


def test_what_is_not_measured_is_not_drawn(tmp_path):
    assert [] == drawing.measured(kept=tmp_path)
    with pytest.raises(BenchError, match="run `python -m bench grid`"):
        drawing.draw("crossover", tmp_path, tmp_path)


def test_a_chart_that_does_not_exist_is_told(kept):
    with pytest.raises(BenchError, match=r"no chart is named 'pie': choose from .*crossover"):
        drawing.measured(["pie"], kept)


def test_the_figures_of_the_docs_are_up_to_date():
    assert [] == drawing.stale()


def test_the_map_names_the_mode_and_its_lead():
    sure = a_grid({("lexbor", 0, 4): {"threads": 100.0, "async": 150.0}})

    assert ["async\n1.50 ×"] == letters(sure)
    assert 0 == hatched(sure)


def test_the_map_hatches_what_is_not_decided():
    level = a_grid({("lexbor", 0, 4): {"threads": 100.0, "async": (150.0, 99.0, 150.0)}})

    assert ["threads\n= 1 other"] == letters(level)
    assert 1 == hatched(level)


def test_the_map_has_a_cell_for_every_point_of_every_work():
    assert len(a_whole_grid().at()) == len(letters(a_whole_grid()))


def test_the_map_says_what_is_refused():
    grid = a_grid({("lexbor", 0, 4): {"threads": 100.0}, ("lexbor", 5, 4): {"threads": 100.0}})
    *others, last = grid.cells
    run = msgspec.structs.replace(last.run, in_flight_max=2)
    refused = msgspec.structs.replace(grid, cells=[*others, msgspec.structs.replace(last, run=run)])

    assert ["threads", "refused"] == letters(refused)


def test_the_command_line_names_the_figures_that_are_stale(monkeypatch):
    monkeypatch.setattr(drawing, "stale", lambda: ["crossover"])

    answer = CliRunner().invoke(app, ["figure", "--check"])

    assert "not up to date: crossover: run `python -m bench figure`" == str(answer.exception)
