"""Asyncio runs many tasks that mostly wait in one thread, as each gives way while it waits."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from bench.exhibits.beat import beat, percentile
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict
from bench.exhibits.turns import Way, by_turns
from bench.exhibits.waiting import memory_in_flight
from bench.stand import Stand, set_up
from crawler import Analysed, Fetched, analyse

__all__ = ["judge", "measure", "must_show"]

LATENCY, BRIEF = 200, 50  # ms that the server thinks about a page
IN_FLIGHT, QUICK = (1, 10, 100, 1000), (1, 16)
TURNS = 5  # pages for each place in flight
CROWD = 100  # threads at most, in the mode that is there to count them
EVERY = 0.005  # seconds between two beats of the loop; the beats take a hundredth of a core
ROUNDS = 3  # of crawls for their memory, which hardly varies
CPU, MEMORY = "CPU", "memory of one more in flight"
BY_N, BY_CPU = "most pages/s by N/(L+c)", "most pages/s by 1/c"


class _Probe:
    """Analyses as the crawl does; counts threads, and gives the loop of each crawl a beat."""

    def __init__(self) -> None:
        self.threads = 0
        self.late: list[list[float]] = []
        self._beat: asyncio.Task[None] | None = None

    def __call__(self, fetched: Fetched) -> Analysed:
        """Analyse one page."""
        self.threads = max(self.threads, threading.active_count())
        with contextlib.suppress(RuntimeError):  # in threads there is no loop
            loop = asyncio.get_running_loop()
            if self._beat is None or self._beat.get_loop() is not loop:
                self.late.append([])
                self._beat = loop.create_task(beat(self.late[-1], EVERY))
        return analyse(fetched)


def measure(scale: Scale) -> list[Figure]:
    """Crawl pages that wait, one at a time and many, and count threads."""
    figures: list[Figure] = []
    numbers, latency = QUICK if scale.quick else IN_FLIGHT, scale.pick(LATENCY, BRIEF)
    with set_up(size="2kB", links=5, pages=TURNS * max(numbers)) as stand:
        for number in numbers:
            figures += _crawls(stand, number, latency, scale)
        memory = [] if scale.quick else [_memory(stand)]
    # With few in flight most of the CPU goes to the beats, which takes nothing from the pages.
    costs = [figure for figure in figures if figure.name == CPU][-1].values
    bounds = [
        bound
        for number in numbers
        for bound in (
            Figure(BY_N, "", [number / (latency / 1000 + cost / 1e6) for cost in costs], number),
            Figure(BY_CPU, "", [1e6 / cost for cost in costs], number),
        )
    ]
    return [*figures, *bounds, *memory]


def judge(found: Found) -> Judgement:
    """Look whether threads become more, and which limit the rate comes to first."""
    most, rate = found.curve("requests at once, async")[-1], found.curve("pages/s")[-1]
    one, many = _ends(found, "threads, async")
    crowd, late = found.curve("threads, threads")[-1], found.curve("beat late, p99")[-1]
    waits, thread = found.curve(BY_N)[-1], found.curve(BY_CPU)[-1]
    memory = f" One more in flight takes {found[MEMORY].text()}." if MEMORY in found else ""
    why = (
        f"with {most.text()} requests in flight the process has {many.text()} threads, as "
        f"against {one.text()} with {one.at:g} in flight; in the mode threads there are "
        f"{crowd.text()} with {crowd.at:g} in flight. "
        f"They give {rate.text()} pages/s; the number in flight allows {waits.text()} by N/(L+c), "
        f"one thread {thread.text()} by 1/c. The loop is {late.text()} late (p99).{memory}"
    )
    if many.median > one.median:
        return Judgement(Verdict.REFUTED, f"Threads become more: {why}")
    if thread.median < waits.median:
        return Judgement(Verdict.LIMITED, f"Until the CPU of one thread is the limit: {why}")
    return Judgement(Verdict.HOLDS, f"The waiting is the limit: {why}")


def must_show(found: Found) -> bool:
    """Requests at once outnumber the threads, which only become more in the mode threads."""
    most = found.curve("requests at once, async")[-1]
    (one, many), (few, crowd) = (_ends(found, f"threads, {mode}") for mode in ("async", "threads"))
    return one.median == many.median < most.median and few.median < crowd.median


def _ends(found: Found, name: str) -> tuple[Figure, Figure]:
    first, *_, last = found.curve(name)
    return first, last


def _crawls(stand: Stand, number: int, latency: int, scale: Scale) -> Iterator[Figure]:
    """Yield what so many in flight give in async, and beside it the mode threads counted."""
    probes = {mode: _Probe() for mode in ("async", "threads") if mode == "async" or number <= CROWD}
    ways = {mode: Way(mode, number, analyse=probe) for mode, probe in probes.items()}
    found = by_turns(stand, f"/p/{{}}?latency={latency}ms", TURNS * number, ways, scale)
    late = [percentile(one, 99) for one in probes["async"].late]
    yield Figure("pages/s", "", [run.pages_per_s for run in found["async"]], number)
    yield Figure(CPU, "µs/page", [1e6 * run.cpu for run in found["async"]], number)
    yield Figure("beat late, p99", "ms", late, number)
    for mode, runs in found.items():
        yield Figure(f"requests at once, {mode}", "", [run.most for run in runs], number)
        yield Figure(f"threads, {mode}", "", [probes[mode].threads], number)


def _memory(stand: Stand) -> Figure:
    few, _, _, many = IN_FLIGHT
    rounds = [
        [memory_in_flight(stand, "async", number) for number in (few, many)] for _ in range(ROUNDS)
    ]
    return Figure(MEMORY, "kB", [(last - first) / (many - few) / 1000 for first, last in rounds])
