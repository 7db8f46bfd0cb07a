"""The article's examples, made to run, do what their first sentences say."""

from importlib import import_module


def figures(example):
    return import_module(f"docs.examples.{example}").main()


def test_another_task_has_turns_while_a_page_is_awaited():
    found = figures("awaiting")

    assert found["characters"] > 0
    assert found["turns of another task"] > 0


def test_tasks_begin_when_their_maker_first_waits_and_overlap():
    assert {
        "bytes": 4000,
        "begun before their maker waited": 0,
        "begun when it had": 2,
        "requests in flight at most": 2,
    } == figures("overlapping")


def test_a_call_in_a_thread_ends_although_its_task_was_cancelled():
    assert {"ended in another thread": 1, "ended although cancelled": 1} == figures("to_a_thread")


def test_batches_are_computed_in_other_processes():
    assert {"words": 64, "batches": 4, "batches computed here": 0} == figures("to_a_process")
