import msgspec
import pytest

from bench.cell import BenchError
from bench.lessons import LessonResults, Played, penalty, played, tables
from tests.bench.examples import MACHINE


def a_play(twin, count, seconds=None, lesson="await_in_a_loop"):
    return Played(lesson=lesson, twin=twin, counted="in flight", count=count, seconds=seconds)


def results(*cells):
    return LessonResults(
        name="lessons", machine=MACHINE, how=[], settings={}, ceiling_per_s=None, cells=list(cells)
    )


def test_the_last_line_of_a_program_is_its_figure():
    said = 'a warning\n{"in flight": 1, "seconds": 0.5}\n'

    assert a_play("broken", 1, 0.5) == played("await_in_a_loop", "broken", said)


@pytest.mark.parametrize("said", ["", "no JSON\n", '{"one": 1, "other": 2}\n', "7\n"])
def test_a_program_that_says_no_single_figure_is_refused(said):
    with pytest.raises(BenchError, match=r"await_in_a_loop/broken\.py said no figure"):
        played("await_in_a_loop", "broken", said)


def test_a_broken_program_that_does_not_break_is_refused():
    results(a_play("broken", 1), a_play("repaired", 8)).refuse()
    with pytest.raises(BenchError, match="did not break"):
        results(
            a_play("broken", 1), a_play("repaired", 8), a_play("broken", 8), a_play("repaired", 8)
        ).refuse()


def test_times_are_compared_within_a_round():
    kept = results(
        a_play("broken", 1, 4.0), a_play("repaired", 8, 2.0),
        a_play("broken", 1, 40.0), a_play("repaired", 7, 10.0),
    )  # fmt: skip

    [row] = tables(kept)[0].rows

    assert ["await_in_a_loop", "in flight", "1", "8 (7–8)", "3.0 (2.0–4.0)"] == list(row)


def test_a_penalty_is_a_sentence_that_names_no_time_where_none_was_taken(tmp_path):
    path = tmp_path / "lessons.json"
    path.write_bytes(msgspec.json.encode(results(a_play("broken", 1), a_play("repaired", 8))))

    assert "Measured: in flight: 1 broken, 8 repaired." == penalty("await_in_a_loop", path)
