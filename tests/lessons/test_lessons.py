"""Each lesson's program breaks where it is broken, and does not where it is repaired: by counts."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bench.lessons import LESSONS, program

ROOT = Path(__file__).resolve().parents[2]


def outcome(lesson, twin):
    """Run a program here and return its count."""
    figures = import_module(f"docs.lessons.{lesson}.{twin}").main()
    [count] = (value for name, value in figures.items() if name != "seconds")
    return count


def both(lesson):
    return outcome(lesson, "broken"), outcome(lesson, "repaired")


def test_awaiting_in_a_loop_has_one_request_in_flight():
    broken, repaired = both("await_in_a_loop")

    assert broken == 1
    assert 1 < repaired <= 8


def test_a_forgotten_task_keeps_its_error_to_itself():
    assert both("forgotten_task") == (1, 0)


def test_a_semaphore_inside_the_task_does_not_bound_the_tasks():
    assert both("all_tasks_at_once") == (500, 10)


def test_a_blocking_call_leaves_no_turn_to_another_task():
    broken, repaired = both("blocked_loop")

    assert broken == 0
    assert repaired > 0


def test_a_swallowed_cancellation_stops_nothing():
    assert both("swallowed_cancellation") == (99, 0)


def test_slow_jobs_in_the_loops_own_threads_make_an_idle_server_time_out():
    assert both("full_executor") == (1, 0)


def test_threads_that_meet_between_read_and_write_lose_all_counts_but_one():
    assert both("shared_counter") == (300, 0)


def test_a_client_for_each_page_opens_a_connection_for_each_page():
    assert both("client_per_page") == (10, 1)


@pytest.mark.parametrize(("twin", "hung"), [("broken", 1), ("repaired", 0)])
def test_a_child_forked_under_a_lock_hangs_and_a_fresh_one_does_not(twin, hung):
    """In an interpreter of its own, which has no threads but those of the lesson."""
    done = subprocess.run(
        [sys.executable, program("forked_lock", twin)],
        stdout=subprocess.PIPE, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert {"children that hung": hung} == json.loads(done.stdout.splitlines()[-1])


def test_a_broken_pool_loses_what_waited_for_it():
    assert both("broken_pool") == (5, 0)


def test_each_folder_is_a_lesson_with_two_short_programs_and_a_heading():
    folder = ROOT / "docs" / "lessons"
    guide = (folder / "README.md").read_text(encoding="utf-8")

    assert {path.parent.name for path in folder.glob("*/broken.py")} == set(LESSONS)
    assert len(LESSONS) == 10
    for lesson in LESSONS:
        assert f'lesson("{lesson}")' in guide
        for twin in ("broken", "repaired"):
            assert len(program(lesson, twin).read_text(encoding="utf-8").splitlines()) <= 60
