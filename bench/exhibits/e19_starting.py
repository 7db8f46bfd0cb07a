"""A task starts as soon as the loop finds an opportunity, even before it is awaited."""

import asyncio
import random
import time
from asyncio import AbstractEventLoop
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict

__all__ = ["judge", "measure", "must_show"]

TASKS = 100
BUSY = 0.02  # seconds for which the maker of a task goes on
#: Python 3.12 and later have it: it starts a task in the call that makes it.
EAGER: Any = getattr(asyncio, "eager_task_factory", None)
FACTORIES = {"by default": None, **({"eager": EAGER} if EAGER else {})}


class _Seen(NamedTuple):
    """How many tasks had begun before their maker paused and before it awaited them.

    ``soon`` and ``late`` are the µs from the making of a task to its first line if the maker
    pauses at once, and if it goes on for BUSY seconds first.
    """

    before_pause: int
    before_await: int
    soon: float
    late: float


def measure(scale: Scale) -> list[Figure]:
    """Note the order of first lines and pauses, and what a task costs that never waits."""
    seen, cost = defaultdict[str, list[_Seen]](list), defaultdict[str, list[float]](list)
    times = scale.pick(20_000, 500)
    ways = {"plain await": None, **FACTORIES}
    for number in range(scale.rounds):
        for name in random.Random(number).sample(list(FACTORIES), len(FACTORIES)):
            seen[name].append(_run(FACTORIES[name], _see()))
        for name in random.Random(number).sample(list(ways), len(ways)):
            spent = _await_plainly(times) if name == "plain await" else _await_tasks(times)
            cost[name].append(_run(ways[name], spent) / times * 1e6)
    return [
        Figure("tasks made", "", [TASKS]),
        *(
            Figure(f"{what}, {name}", unit, [getattr(one, field) for one in runs])
            for name, runs in seen.items()
            for what, field, unit in (
                ("begun before their maker paused", "before_pause", ""),
                ("begun before they were awaited", "before_await", ""),
                ("start after, maker pauses", "soon", "µs"),
                ("start after, maker goes on", "late", "µs"),
            )
        ),
        *(Figure(f"CPU, {name}", "µs", values) for name, values in cost.items()),
    ]


def judge(found: Found) -> Judgement:
    """Look at which tasks had begun when their maker paused for the first time."""
    made, paused = found["tasks made"], found["begun before their maker paused, by default"]
    awaited = found["begun before they were awaited, by default"]
    why = (
        f"of {made.text()} tasks {paused.text()} have begun before their maker pauses for "
        f"something, and {awaited.text()} before it awaits them; a task starts "
        f"{found['start after, maker pauses, by default'].text()} after it was made if the maker "
        f"pauses at once, and {found['start after, maker goes on, by default'].text()} if it goes "
        f"on computing for {1000 * BUSY:g} ms; one that never waits takes "
        f"{found['CPU, by default'].text()} of CPU, a plain await "
        f"{found['CPU, plain await'].text()}"
    )
    if (name := "begun before their maker paused, eager") in found:
        why += (
            f"; with the eager task factory {found[name].text()} begin before their maker pauses, "
            f"{found['start after, maker goes on, eager'].text()} after they were made, and one "
            f"takes {found['CPU, eager'].text()}"
        )
        if min(found[name].values) == made.median:
            return Judgement(Verdict.OUTDATED, f"Since 3.12 that can be chosen: {why}.")
    if min(awaited.values) == 0:
        return Judgement(Verdict.REFUTED, f"Not before it is awaited: {why}.")
    if max(paused.values) == 0:
        return Judgement(Verdict.LIMITED, f"Never before its maker pauses: {why}.")
    return Judgement(Verdict.HOLDS, f"It is so: {why}.")


def must_show(found: Found) -> bool:
    """By default no task begins before its maker pauses, and then all do; eager ones at once."""
    made, eager = found["tasks made"].median, "begun before their maker paused, eager"
    before = found["begun before their maker paused, by default"].values
    after = found["begun before they were awaited, by default"].values
    return max(before) == 0 < min(after) == made and (
        eager not in found or min(found[eager].values) == made
    )


async def _see() -> _Seen:
    begun: list[float] = []

    async def first_line() -> None:
        begun.append(time.perf_counter())
        await asyncio.sleep(0)

    tasks = [asyncio.create_task(first_line()) for _ in range(TASKS)]
    before_pause = len(begun)
    await asyncio.sleep(0)
    before_await = len(begun)
    for task in tasks:
        await task

    async def delay(busy: float) -> float:
        made = time.perf_counter()
        task = asyncio.create_task(first_line())
        while time.perf_counter() < made + busy:
            pass
        await task
        return 1e6 * (begun[-1] - made)

    return _Seen(before_pause, before_await, await delay(0), await delay(BUSY))


async def _nothing() -> None:
    pass


async def _await_plainly(times: int) -> float:
    began = time.thread_time()
    for _ in range(times):
        await _nothing()
    return time.thread_time() - began


async def _await_tasks(times: int) -> float:
    began = time.thread_time()
    for _ in range(times):
        await asyncio.create_task(_nothing())
    return time.thread_time() - began


def _run(factory: Any, main: Any) -> Any:
    """Run *main* on a fresh loop that makes tasks with *factory*."""

    def loop_with_factory() -> AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(factory)
        return loop

    make: Callable[[], AbstractEventLoop] = loop_with_factory
    with asyncio.Runner(loop_factory=make) as runner:
        return runner.run(main)
