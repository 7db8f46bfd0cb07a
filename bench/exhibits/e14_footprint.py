"""Multiprocessing takes more resources: each process has memory and overheads of its own."""

import multiprocessing
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from statistics import linear_regression

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.meter import memory_of_all

__all__ = ["IN_FLIGHT", "curve_name", "judge", "measure", "slope_name"]

THREAD = "thread"
#: Requests in flight; in the mode processes there is a worker for each.
IN_FLIGHT = {
    "threads": (1, 10, 100, 1000),
    "async": (1, 10, 100, 1000),
    "processes": (1, 2, 4, 8),
    "hybrid": (1, 10, 100, 1000),
}
ROUNDS = 3  # of crawls; their memory hardly varies


def curve_name(mode: str) -> str:
    """Return the name of a curve: megabytes of a crawl over its requests in flight."""
    return f"memory of a crawl, {mode}"


def slope_name(mode: str) -> str:
    """Return the name of the figure that says what one more request in flight takes."""
    return f"a further request, {mode}"


def measure(scale: Scale) -> list[Figure]:
    """Start threads, and processes in each way; then hold requests in flight in four modes."""
    methods = multiprocessing.get_all_start_methods()
    ways, default = (THREAD, *methods), multiprocessing.get_context().get_start_method()
    costs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    units = scale.pick(4, 1)  # alive at the same time
    for way in ways:
        _start(way, units)  # the first of a kind also starts what the others share
    for number in range(scale.rounds):
        for way in random.Random(number).sample(ways, len(ways)):
            costs[way].append(_start(way, units))
    return [
        *(Figure(f"start, {way}", "ms", [ms for ms, _ in runs]) for way, runs in costs.items()),
        *(Figure(f"memory, {way}", "MB", [mb for _, mb in runs]) for way, runs in costs.items()),
        *(Figure(f"{method} is the default", "", [float(method == default)]) for method in methods),
        *(_crawls(scale) if find_spec("msgspec") else ()),
    ]


def judge(found: Found) -> Judgement:
    """Compare a process with a thread, in memory and time, for each start method."""
    methods = [one for one in ("fork", "forkserver", "spawn") if f"start, {one}" in found]
    [default] = [one for one in methods if found[f"{one} is the default"].median]
    start = {one: found[f"start, {one}"] for one in (THREAD, *methods)}
    memory = {one: found[f"memory, {one}"] for one in (THREAD, *methods)}
    costs = [f"{memory[one].text()} and {start[one].text()} by {one}" for one in methods]
    why = (
        f"a process takes {', '.join(costs)}, a thread {memory[THREAD].text()} and "
        f"{start[THREAD].text()}; {default} is the default of this Python.{_in_flight(found)}"
    )
    dearer = [
        _mostly_more(cost[method], cost[THREAD]) for method in methods for cost in (start, memory)
    ]
    if all(dearer):
        return Judgement(Verdict.HOLDS, f"By as much as the start method says: {why}")
    if any(dearer):
        return Judgement(Verdict.LIMITED, f"Not by every start method: {why}")
    return Judgement(Verdict.REFUTED, f"Not here: {why}")


def _mostly_more(one: Figure, other: Figure) -> bool:
    """Tell whether *one* was more than *other* in most rounds."""
    rounds = [a > b for a, b in zip(one.values, other.values, strict=True)]
    return 2 * sum(rounds) > len(rounds)


def _in_flight(found: Found) -> str:
    slopes = {mode: found[name] for mode in IN_FLIGHT if (name := slope_name(mode)) in found}
    if not slopes:
        return ""
    each = ", ".join(f"{slope.text()} in {mode}" for mode, slope in slopes.items())
    return f" Our crawl takes for each further request in flight {each}."


def _start(way: str, units: int) -> tuple[float, float]:
    """Return the milliseconds that one more takes to start, and its megabytes of memory."""
    memory, seconds = memory_of_all(), 0.0
    with ExitStack() as stack:
        for _ in range(units):
            began = time.perf_counter()
            stack.enter_context(_one(way))
            seconds += time.perf_counter() - began
        memory = memory_of_all() - memory
    return 1000 * seconds / units, memory / units / 1e6


@contextmanager
def _one(way: str) -> Iterator[None]:
    """Start one that waits, and go on when it does."""
    ours, theirs = multiprocessing.Pipe()
    unit: threading.Thread | BaseProcess
    if way == THREAD:
        unit = threading.Thread(target=_wait, args=(theirs,))
    else:
        unit = multiprocessing.get_context(way).Process(target=_wait, args=(theirs,))  # type: ignore[attr-defined]
    unit.start()
    ours.recv()
    yield
    ours.send(None)
    unit.join()


def _wait(ours: Connection) -> None:
    ours.send(None)
    ours.recv()


def _crawls(scale: Scale) -> Iterator[Figure]:
    """Yield a curve for each mode, and what one more request in flight takes by its slope."""
    # Not at the top: starting threads and processes needs the standard library alone.
    from bench.exhibits.waiting import memory_in_flight
    from bench.stand import set_up

    plan = {"async": (1, 50)} if scale.quick else IN_FLIGHT
    cells = [(mode, pages) for mode, some in plan.items() for pages in some]
    memory: dict[tuple[str, int], list[float]] = {cell: [] for cell in cells}
    with set_up(size="2kB", links=5, pages=max(pages for _, pages in cells)) as stand:
        for number in range(1 if scale.quick else ROUNDS):
            for cell in random.Random(number).sample(cells, len(cells)):
                memory[cell].append(memory_in_flight(stand, *cell) / 1e6)
    for mode, some in plan.items():
        curve = [Figure(curve_name(mode), "MB", memory[mode, pages], pages) for pages in some]
        yield from curve
        rounds = zip(*(one.values for one in curve), strict=True)
        slopes = [1e3 * linear_regression(some, one).slope for one in rounds]
        yield Figure(slope_name(mode), "kB", slopes)
