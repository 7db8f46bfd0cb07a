"""Loops, tasks and where they end: each verdict is reached from made-up figures, and no other."""

import asyncio
import itertools
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace

import pytest

from bench.exhibits import (
    beat,
    e15_many_waiting,
    e17_awaiting,
    e18_overlapping,
    e19_starting,
    e20_to_thread,
    e22_flowchart,
    e24_slow_io,
    e27_examples,
)
from bench.exhibits.exhibit import Figure, Found
from bench.exhibits.few_threads import most_threads

Values = Mapping[tuple[str, float | None] | str, float | None]

#: Names with a number are places of a curve.
MANY_WAITING: Values = {
    ("requests at once, async", 1): 1, ("requests at once, async", 1000): 900,
    ("threads, async", 1): 2, ("threads, async", 1000): 2,
    ("threads, threads", 1): 3, ("threads, threads", 100): 102,
    ("pages/s", 1000): 1500, ("beat late, p99", 1000): 20,
    ("most pages/s by N/(L+c)", 1000): 4900, ("most pages/s by 1/c", 1000): 1600,
    "memory of one more in flight": 12,
}  # fmt: skip
AWAITING: Values = {
    "turns of another task, bytes to come": 2, "turns of another task, an item to come": 2,
    "turns of another task, bytes that are there": 0,
    "turns of another task, an item that is there": 0, "turns of another task, an analysis": 0,
    ("loop stands still", 1): 1, ("loop stands still", 1000): 900,
    ("loop stands still, with pauses", 1): 1, ("loop stands still, with pauses", 1000): 2,
}  # fmt: skip
OVERLAPPING: Values = {
    "pages": 32, "bound of the group": 4, "tasks that fail": 8,
    "requests at once, in sequence": 1, "requests at once, as tasks": 32,
    "requests at once, in a group": 4,
    "seconds, in sequence": 1.6, "seconds, as tasks": 0.1, "seconds, in a group": 0.4,
    "errors heard of, bare tasks": 0, "errors heard of, a group": 8,
    "tasks left if nobody holds them": 0, "tasks left if somebody does": 8,
}  # fmt: skip
STARTING: Values = {
    "tasks made": 100, "begun before their maker paused, by default": 0,
    "begun before they were awaited, by default": 100,
    "start after, maker pauses, by default": 20, "start after, maker goes on, by default": 20_000,
    "CPU, by default": 10, "CPU, plain await": 0.1,
}  # fmt: skip
EAGER: Values = {
    "begun before their maker paused, eager": 100, "start after, maker goes on, eager": 4,
    "CPU, eager": 3,
}  # fmt: skip
TO_THREAD: Values = {
    "GIL enabled": 1, "threads of a loop": 6, "min(32, cores + 4)": 6,
    "names looked up while they block": 0, "names looked up if others block": 1,
    **{
        f"{what}, {work} {way}": 10.0
        for what in ("late", "jobs/s")
        for work in ("Python", "C")
        for way in ("inline", "to_thread")
    },
    "turns of the loop, Python inline": 0, "turns of the loop, Python to_thread": 0,
    "turns of the loop, C inline": 0, "turns of the loop, C to_thread": 20,
}  # fmt: skip
SLOW_IO: Values = {
    ("async over threads", 10): 1, ("async over threads", 1000): 1.4,
    ("pages/s, async", 1000): 1200, ("most pages/s, async", 1000): 1500,
    ("requests at once, threads", 10): 10, ("requests at once, async", 10): 10,
    ("requests at once, threads", 1000): 500, ("requests at once, async", 1000): 1000,
    "memory of one more that waits, async": 13, "memory of one more that waits, threads": 26,
}  # fmt: skip
EXAMPLES: Values = {
    "programs": 4, "programs that can be read, quotes as printed": 0,
    "programs that can be read": 4, "awaiting: turns of another task": 40,
    "overlapping: begun when it had": 2, "to_a_process: batches computed here": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("exhibit", "figures", "other", "verdict"),
    [
        (e15_many_waiting, MANY_WAITING, {}, "holds within limits"),
        (e15_many_waiting, MANY_WAITING, {("most pages/s by 1/c", 1000): 5000}, "holds"),
        (e15_many_waiting, MANY_WAITING, {("threads, async", 1000): 3}, "does not hold"),
        (e15_many_waiting, MANY_WAITING, {"memory of one more in flight": None},
         "holds within limits"),
        (e17_awaiting, AWAITING, {}, "holds within limits"),
        (e17_awaiting, AWAITING, {"turns of another task, an analysis": 1}, "holds"),
        (e17_awaiting, AWAITING, {"turns of another task, bytes to come": 0}, "does not hold"),
        (e18_overlapping, OVERLAPPING, {}, "holds within limits"),
        (e18_overlapping, OVERLAPPING, {"errors heard of, bare tasks": 8}, "holds within limits"),
        (e18_overlapping, OVERLAPPING, {"tasks left if nobody holds them": 8},
         "holds within limits"),
        (e18_overlapping, OVERLAPPING,
         {"errors heard of, bare tasks": 8, "tasks left if nobody holds them": 8}, "holds"),
        (e18_overlapping, OVERLAPPING, {"requests at once, as tasks": 1}, "does not hold"),
        (e18_overlapping, OVERLAPPING, {"requests at once, in sequence": 2}, "does not hold"),
        (e19_starting, STARTING, {}, "holds within limits"),
        (e19_starting, STARTING, EAGER, "outdated"),
        (e19_starting, STARTING, {**EAGER, "begun before their maker paused, eager": 0},
         "holds within limits"),
        (e19_starting, STARTING, {"begun before their maker paused, by default": 9}, "holds"),
        (e19_starting, STARTING, {"begun before they were awaited, by default": 0},
         "does not hold"),
        (e20_to_thread, TO_THREAD, {}, "holds within limits"),
        (e20_to_thread, TO_THREAD, {"turns of the loop, Python to_thread": 9}, "holds"),
        (e20_to_thread, TO_THREAD, {"turns of the loop, Python to_thread": 9, "GIL enabled": 0},
         "outdated"),
        (e20_to_thread, TO_THREAD, {"GIL enabled": 0}, "holds within limits"),
        (e20_to_thread, TO_THREAD, {"turns of the loop, C to_thread": 0}, "does not hold"),
        (e24_slow_io, SLOW_IO, {}, "holds within limits"),
        (e24_slow_io, SLOW_IO, {("async over threads", 10): 1.2}, "holds"),
        (e24_slow_io, SLOW_IO, {("async over threads", 1000): 0.8}, "holds within limits"),
        (e24_slow_io, SLOW_IO, {"memory of one more that waits, threads": 13},
         "holds within limits"),
        (e24_slow_io, SLOW_IO,
         {("async over threads", 10): 1.2, "memory of one more that waits, threads": 13},
         "holds within limits"),
        (e24_slow_io, SLOW_IO,
         {("async over threads", 1000): 1, "memory of one more that waits, threads": 13},
         "does not hold"),
        (e24_slow_io, SLOW_IO,
         {("async over threads", 1000): 1, "memory of one more that waits, async": None},
         "does not hold"),
        (e27_examples, EXAMPLES, {}, "does not hold"),
        (e27_examples, EXAMPLES, {"programs that can be read, quotes as printed": 4}, "holds"),
        (e27_examples, EXAMPLES,
         {"programs that can be read, quotes as printed": 4, "awaiting: turns of another task": 0},
         "does not hold"),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_figures(
    exhibit: ModuleType, figures: Values, other: Values, verdict: str
) -> None:
    judgement = exhibit.judge(_found(figures, other))
    assert judgement.verdict == verdict, judgement.why
    assert judgement.why.endswith(".")


@pytest.mark.parametrize(
    ("exhibit", "figures", "other"),
    [
        (e15_many_waiting, MANY_WAITING, {("threads, async", 1000): 3}),
        (e15_many_waiting, MANY_WAITING, {("requests at once, async", 1000): 2}),
        (e15_many_waiting, MANY_WAITING, {("threads, threads", 100): 3}),
        (e17_awaiting, AWAITING, {"turns of another task, an item that is there": 1}),
        (e17_awaiting, AWAITING, {"turns of another task, an item to come": 0}),
        (e18_overlapping, OVERLAPPING, {"requests at once, in sequence": 2}),
        (e18_overlapping, OVERLAPPING, {"requests at once, as tasks": 4}),
        (e18_overlapping, OVERLAPPING, {"requests at once, in a group": 5}),
        (e18_overlapping, OVERLAPPING, {"requests at once, in a group": 1}),
        (e18_overlapping, OVERLAPPING, {"errors heard of, bare tasks": 1}),
        (e18_overlapping, OVERLAPPING, {"errors heard of, a group": 0}),
        (e18_overlapping, OVERLAPPING, {"tasks left if nobody holds them": 8}),
        (e18_overlapping, OVERLAPPING, {"tasks left if somebody does": 0}),
        (e19_starting, STARTING, {"begun before their maker paused, by default": 1}),
        (e19_starting, STARTING, {"begun before they were awaited, by default": 99}),
        (e19_starting, STARTING, {**EAGER, "begun before their maker paused, eager": 99}),
        (e20_to_thread, TO_THREAD, {"turns of the loop, C inline": 1}),
        (e20_to_thread, TO_THREAD, {"turns of the loop, Python inline": 1}),
        (e20_to_thread, TO_THREAD, {"turns of the loop, Python to_thread": 1}),
        (e20_to_thread, TO_THREAD, {"turns of the loop, C to_thread": 0}),
        (e20_to_thread, TO_THREAD, {"threads of a loop": 64}),
        (e20_to_thread, TO_THREAD, {"names looked up while they block": 1}),
        (e20_to_thread, TO_THREAD, {"names looked up if others block": 0}),
        (e24_slow_io, SLOW_IO, {("requests at once, async", 10): 9}),
        (e24_slow_io, SLOW_IO, {("requests at once, threads", 10): 9}),
        (e27_examples, EXAMPLES, {"programs that can be read, quotes as printed": 1}),
        (e27_examples, EXAMPLES, {"programs that can be read": 3}),
        (e27_examples, EXAMPLES, {"overlapping: begun when it had": 1}),
    ],
)
def test_what_an_exhibit_is_about_is_shown_unless_its_effect_is_absent(
    exhibit: ModuleType, figures: Values, other: Values
) -> None:
    assert exhibit.must_show(_found(figures, {}))
    assert not exhibit.must_show(_found(figures, other))


def test_slow_io_is_told_up_to_where_threads_are_as_fast() -> None:
    assert "as fast with up to 10:" in e24_slow_io.judge(_found(SLOW_IO, {})).why


def test_without_a_gil_a_thread_of_python_may_leave_turns_to_the_loop() -> None:
    other: Values = {"GIL enabled": 0, "turns of the loop, Python to_thread": 9}
    assert e20_to_thread.must_show(_found(TO_THREAD, other))


FAST = {"threads": 600.0, "async": 400.0, "processes": 200.0, "hybrid": 400.0}


@pytest.mark.parametrize(
    ("heavy", "fast", "slow", "verdict"),
    [
        ({"processes": 120.0, "threads": 60.0}, FAST, {"async": 900.0, "threads": 700.0}, "holds"),
        ({"processes": 65.0, "threads": 60.0}, FAST, {"async": 900.0, "threads": 700.0},
         "holds within limits"),
        ({"hybrid": 120.0, "processes": 60.0}, FAST, {"async": 900.0, "threads": 700.0},
         "holds within limits"),
        ({"hybrid": 120.0, "processes": 60.0}, {"threads": 5.0, "async": 9.0},
         {"hybrid": 900.0, "async": 600.0, "threads": 700.0}, "holds within limits"),
        ({"threads": 120.0, "processes": 60.0}, {"threads": 5.0, "async": 9.0},
         {"hybrid": 900.0, "async": 600.0, "threads": 700.0}, "does not hold"),
    ],
)  # fmt: skip
def test_the_flowchart_is_right_where_no_mode_that_it_knows_is_surely_faster(
    heavy: Mapping[str, float], fast: Mapping[str, float], slow: Mapping[str, float], verdict: str
) -> None:
    figures = [Figure("most pages/s, processes on light pages, 200 ms", "", [10.0])]
    for corner, rates in zip(e22_flowchart.CORNERS, (heavy, fast, slow), strict=True):
        for mode, rate in rates.items():
            values = [rate, rate * 1.01]
            figures.append(Figure(f"pages/s, {mode} on {corner.said}", "", values))
            figures.append(Figure(f"CPU, {mode} on {corner.said}", "ms/page", [1.0]))
    judgement = e22_flowchart.judge(Found(figures))
    assert judgement.verdict == verdict, judgement.why
    assert judgement.why.endswith(".")


def test_a_mode_that_was_beaten_in_one_round_of_two_is_not_surely_slower() -> None:
    fastest = e22_flowchart._fastest
    assert fastest({"threads": [1.0, 1.0], "async": [2.0, 2.0]}) == ["async"]
    assert fastest({"threads": [2.0, 1.0], "async": [1.9, 2.0]}) == ["threads", "async"]


def test_a_beat_is_late_by_what_passes_beyond_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(perf_counter=itertools.count(step=0.051).__next__)
    monkeypatch.setattr(beat, "time", clock)

    async def one_beat() -> list[float]:
        async with beat.beating() as late:
            pass
        return late

    assert asyncio.run(one_beat())[0] == pytest.approx(50)


def test_a_percentile_is_one_of_the_values() -> None:
    assert beat.percentile([3.0, 1.0, 2.0], 50) == 2
    assert beat.percentile([float(value) for value in range(1, 201)], 99) == 198
    assert beat.percentile([7.0], 99) == 7


def test_a_loop_has_threads_by_the_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, threads in ((None, 5), (2, 6), (64, 32)):
        monkeypatch.setattr("os.process_cpu_count", lambda cores=cores: cores, raising=False)
        assert most_threads() == threads


def test_quotes_of_a_word_processor_are_set_and_refused() -> None:
    printed = e27_examples._as_printed('"""Say."""\nprint("one", "two")\n')
    assert printed == '"""Say."""\nprint(“one”, “two”)\n'
    assert not e27_examples._can_be_read(printed)
    assert e27_examples._can_be_read('print("one")')


def _found(figures: Values, other: Values) -> Found:
    given = {**figures, **other}
    return Found(
        Figure(key, "", [value]) if isinstance(key, str) else Figure(key[0], "", [value], key[1])
        for key, value in given.items()
        if value is not None
    )
