"""The guide says what the kept results say, and where there are none yet it says what to run."""

import json
from pathlib import Path

import msgspec
import pytest

from bench.exhibition import ExhibitResults, Shown
from bench.exhibits.exhibit import Figure, Verdict
from bench.exhibits.shelf import named
from bench.machine import machine
from bench.results import keep
from docs import guide_parts
from tests.bench.grids import a_whole_grid

ROOT = Path(__file__).resolve().parent.parent
FEATURES = {
    "python": "3.14.1",
    "free_threading_build": False,
    "subinterpreters": True,
    "start_method": "forkserver",
    "import_failures": {"msgspec": "ImportError: no", "uvloop": ""},
    "speed_ups": {"threads": [0.9, 1.1], "sub-interpreters": [1.8, 1.9]},
    "pstree": "a tree",
}


@pytest.fixture
def kept(tmp_path):
    """Keep exhibits of a Python; gives the folder and what keeps more."""

    def keep(name: str, python: str, *verdicts: tuple[str, Verdict]) -> Path:
        cells = [
            Shown(
                row=entry.row, name=entry.name, claim=entry.claim, python=python, verdict=verdict,
                why=f"It was {python}.", shown=None, seconds=1.0,
                figures=[Figure("a figure", "ms", [1.0])],
            )
            for wanted, verdict in verdicts
            for entry in named([wanted])
        ]  # fmt: skip
        results = ExhibitResults(
            name=name, machine=msgspec.structs.replace(machine(), python=python), how=[],
            settings={}, ceiling_per_s=None, cells=cells,
        )  # fmt: skip
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(results))
        return Path(tmp_path)

    return keep


def test_a_verdict_is_told_with_its_reason_and_its_program(kept):
    folder = kept("exhibits", "3.11.7", ("gil", Verdict.REFUTED))
    for text in (guide_parts.verdicts(folder), guide_parts.verdict("gil", folder)):
        assert "**does not hold" in text.lower()
        assert "It was 3.11.7." in text
        assert "(../bench/exhibits/e08_gil.py)" in text


def test_the_choice_is_a_row_for_each_end_of_the_flowchart(tmp_path):
    keep(a_whole_grid(), tmp_path)

    heads, _, *rows = guide_parts.choice(tmp_path).splitlines()

    assert {line.count("|") for line in (heads, *rows)} == {5}
    assert len(rows) == 8


def test_where_nothing_is_kept_the_reader_is_told_what_to_run(tmp_path):
    assert "`python -m bench exhibits`" in guide_parts.verdicts(tmp_path)
    assert "`python -m bench grid`" in guide_parts.choice(tmp_path)
    assert "not measured yet" in guide_parts.verdict("gil", tmp_path)
    assert "`make exhibits-3.14`" in guide_parts.interpreters(tmp_path)
    assert "`make exhibits-3.15`" in guide_parts.others(tmp_path)
    assert "`python -m bench little`" in guide_parts.littles_law(tmp_path)
    assert "`python -m bench figure convoy`" in guide_parts.figure("convoy", "", tmp_path)


def test_a_figure_is_shown_as_soon_as_it_is_drawn(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "convoy.svg").write_text("<svg/>")
    shown = guide_parts.figure("convoy", "A line.", tmp_path)
    assert shown.startswith("![A line.](figures/convoy.svg)\n")
    assert (
        "(../bench/results/exhibits.json): measured by `python -m bench exhibits convoy`" in shown
    )


def test_only_verdicts_that_differ_with_another_python_are_told(kept):
    kept("exhibits", "3.11.7", ("gil", Verdict.HOLDS), ("sleep", Verdict.HOLDS))
    folder = kept("exhibits-3.14", "3.14.1", ("gil", Verdict.OUTDATED), ("sleep", Verdict.SKIPPED))
    said = guide_parts.others(folder)
    assert "Python 3.14.1: exhibits run 1, skipped 1, with another verdict than with 3" in said
    assert "- Row 8, gil: holds became **outdated**. It was 3.14.1." in said
    assert "sleep" not in said


def test_what_another_python_has_is_one_column(tmp_path):
    (tmp_path / "subinterpreters-3.14.json").write_text(json.dumps(FEATURES))
    said = guide_parts.interpreters(tmp_path)
    for row in (
        "| start method by default | `forkserver` |",
        "| sub-interpreters | yes |",
        "| two sub-interpreters against one, pages in Python | 1.85 (1.80–1.90) × |",
        "| `import msgspec` in a sub-interpreter | ImportError: no |",
        "| `import uvloop` in a sub-interpreter | works |",
    ):
        assert row in said


def test_littles_law_is_printed_from_the_kept_run():
    rows = guide_parts.littles_law().splitlines()
    assert rows[2].startswith("| `threads` | 16 |")
    assert sum(row.startswith("| `async` |") for row in rows) == 3


def test_every_page_of_the_guide_is_reached_from_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = {page.name for page in ROOT.glob("docs/*.md") if f"(docs/{page.name}" in text}
    assert {page.name for page in ROOT.glob("docs/*.md")} - linked == set()
