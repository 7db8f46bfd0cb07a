"""Every exhibit runs, states its claim, measures something and comes to a verdict."""

import importlib
import json
import platform
import subprocess
import sys
from math import isfinite
from pathlib import Path

import msgspec
import pytest

from bench import exhibition
from bench.cell import BenchError
from bench.exhibition import ExhibitResults, Shown
from bench.exhibits.__main__ import QUICK
from bench.exhibits.exhibit import Figure, Found, Verdict, ratio
from bench.exhibits.shelf import Entry, entries, named
from bench.machine import machine
from bench.results import FOLDER, keep


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_an_exhibit_measures_and_judges(entry: Entry) -> None:
    shown = exhibition.play(entry, [sys.executable], quick=True)
    assert shown.verdict != Verdict.SKIPPED, shown.why
    assert shown.why.endswith(".")
    assert shown.figures
    for figure in shown.figures:
        assert 1 <= len(figure.values) <= QUICK.rounds
        assert all(map(isfinite, figure.values)), figure.name
    assert shown.shown is not False


def test_each_row_has_one_exhibit_and_each_name_is_its_own() -> None:
    rows = [one.row for one in entries()]
    assert rows == sorted(set(rows))
    assert len({one.name for one in entries()}) == len(rows)


def test_a_claim_is_one_sentence() -> None:
    for one in entries():
        assert one.claim.endswith("."), one.name
        assert one.claim.count(". ") == 0, one.name


def test_an_exhibit_is_found_by_its_name_and_by_its_row() -> None:
    assert named(["gil"]) == named(["8"]) == named(["gil", "8"])
    assert named([]) == entries()
    with pytest.raises(LookupError, match=r"gilly.*gil"):
        named(["gilly"])


def test_the_standard_library_suffices_to_skip_what_needs_more() -> None:
    code = (
        "import json; from bench.exhibits.__main__ import *;"
        "from bench.exhibits.shelf import Entry;"
        "print(json.dumps(play(Entry(1, 'x', 'no_such_module', 'A claim.'), QUICK)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert (found["verdict"], found["why"]) == ("skipped", "This Python has no no_such_module.")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("exhibits*.json")), ids=lambda path: path.stem)
def test_a_kept_verdict_is_what_the_rule_of_today_says(path: Path) -> None:
    modules = {entry.name: entry.module for entry in entries()}
    kept = msgspec.json.decode(path.read_bytes(), type=ExhibitResults)
    assert kept.cells
    for one in kept.cells:
        if one.verdict != Verdict.SKIPPED:
            exhibit = importlib.import_module(modules[one.name])
            judgement = exhibit.judge(Found(one.figures))
            assert (judgement.verdict, judgement.why) == (one.verdict, one.why), one.name


def test_results_of_another_python_name_the_packages_that_it_has() -> None:
    [results] = exhibition.measure(["gil"], f"{sys.executable} -S", quick=True)
    assert results.machine.python == platform.python_version()
    assert set(results.machine.versions) == {"crawl"}
    assert results.machine.loop == "asyncio"


def test_an_exhibit_that_fails_is_told_by_name() -> None:
    with pytest.raises(BenchError, match="gil ended with 3"):
        exhibition.play(named(["gil"])[0], ["sh", "-c", "exit 3"], quick=True)


def test_what_did_not_show_what_it_is_about_is_not_kept() -> None:
    shown = msgspec.structs.replace(_shown(8, "gil"), shown=False)
    with pytest.raises(BenchError, match="gil did not show"):
        _results(shown).refuse()


def test_a_run_of_some_is_joined_with_the_others_that_still_exist(tmp_path: Path) -> None:
    kept = _results(_shown(8, "gil"), _shown(99, "gone"))
    keep(kept, tmp_path)
    again = msgspec.structs.replace(_shown(8, "gil"), why="It was 2.")
    assert exhibition.joined(_results(again), tmp_path).cells == [again]
    assert exhibition.joined(_results(), tmp_path).cells == [_shown(8, "gil")]


def test_figures_are_found_by_name_and_curves_in_order() -> None:
    high, low = Figure("cost", "ms", [2.0], at=8), Figure("cost", "ms", [1.0], at=1)
    found = Found([high, low, Figure("rate", "1/s", [3.0])])
    assert found.curve("cost") == [low, high]
    assert found["rate"].median == 3
    assert "rate" in found
    assert "speed" not in found
    for name in ("cost", "speed"):
        with pytest.raises(KeyError):
            found[name]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0, 1.0], "1 ms"),
        ([0.123456, 2.5, 1234.5], "2.5 (0.123–1234) ms"),
        ([0.0000123], "1e-05 ms"),
    ],
)
def test_a_figure_is_told_with_its_spread(values: list[float], text: str) -> None:
    assert Figure("time", "ms", values).text() == text


def test_a_ratio_is_made_round_by_round() -> None:
    one, other = Figure("a", "ms", [4.0, 9.0]), Figure("b", "ms", [2.0, 3.0])
    assert ratio("a over b", one, other).values == [2.0, 3.0]


def _shown(row: int, name: str) -> Shown:
    return Shown(
        row=row, name=name, claim="A claim.", python="3.11.7", verdict=Verdict.HOLDS,
        why="It was 1.", shown=None, seconds=1.0, figures=[Figure("x", "", [1.0])],
    )  # fmt: skip


def _results(*shown: Shown) -> ExhibitResults:
    return ExhibitResults(
        name="exhibits", machine=machine(), how=[], settings={}, ceiling_per_s=None,
        cells=list(shown),
    )  # fmt: skip
