"""The page on the five modes shows code as it stands, and leads to what belongs to it."""

import re

import msgspec
import pytest

from bench.exhibition import ExhibitResults, Shown
from bench.exhibits.exhibit import Verdict
from bench.machine import machine
from crawler import MODES
from docs import mode_parts

PAGE = (mode_parts.DOCS / "five-modes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_has_its_part_with_its_drawing_and_its_code(mode):
    part = PAGE.partition(f"\n## {mode}\n")[2].partition("\n## ")[0]
    assert mode_parts.way(mode) in part
    [code] = re.findall(r"^```python\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    source = mode_parts.FILES[mode].read_text(encoding="utf-8")
    there = {line.strip() for line in source.splitlines()}
    assert [line for line in code.splitlines() if line.strip() not in there] == []
    assert "[Exhibit " in part


def test_code_is_shown_whole_and_methods_below_the_head_of_their_class():
    shown = mode_parts.excerpt("processes", "_Parent._settle", "_Parent._take_back", "_prepare")
    assert shown.startswith("```python\nclass _Parent:\n    def _settle(self, target: Target,")
    assert "home=fetched.home)\n\n    def _take_back(self" in shown
    assert "*future.result())\n\n\ndef _prepare(" in shown


def test_code_that_is_not_there_any_more_is_an_error():
    with pytest.raises(KeyError, match=r"_Parent\.gone"):
        mode_parts.excerpt("processes", "_Parent.gone")


def test_every_mode_answers_every_question():
    rows = mode_parts.questions("Unit", "Owner", "Limit", "Stops").splitlines()[2:]
    assert [re.findall(r"`(\w+)`", row)[0] for row in rows] == list(MODES)
    assert all(cell.strip() for row in rows for cell in row.strip("| ").split(" | "))
    assert "what they still bring home is dropped |" in rows[1]  # an answer of three lines


def test_an_exhibit_is_told_with_its_verdict_or_that_it_has_none(tmp_path):
    assert mode_parts.belongs((8,), (), tmp_path).endswith('" Not measured yet.\n')

    shown = Shown(
        row=8, name="gil", claim="A claim.", python="3.11.7", verdict=Verdict.LIMITED,
        why="So.", shown=None, seconds=1.0, figures=[],
    )  # fmt: skip
    results = ExhibitResults(
        name="exhibits", machine=machine(), how=[], settings={}, ceiling_per_s=None, cells=[shown]
    )
    (tmp_path / "exhibits.json").write_bytes(msgspec.json.encode(results))
    assert mode_parts.belongs((8,), (), tmp_path).endswith('" **holds within limits**.\n')


def test_a_lesson_is_linked_to_its_place_on_the_page_of_lessons():
    said = mode_parts.belongs((), ("broken_pool",))
    assert said == "- [Lesson 10](lessons/README.md#10-a-broken-pool): A broken pool.\n"


def test_waiting_is_told_from_the_kept_run_or_how_to_measure_it(tmp_path):
    rows = [row for row in mode_parts.waiting("50ms", "0ms").splitlines() if row.startswith("- ")]
    assert [row.partition(":")[0] for row in rows] == [
        "- 50 ms to the answer", "- 0 ms to the answer"
    ]  # fmt: skip
    assert "`python -m bench modes`" in mode_parts.waiting("50ms", results=tmp_path)
