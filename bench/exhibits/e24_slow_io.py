"""Asyncio is ideal for slow I/O such as long requests, because it waits efficiently and scales."""

from collections.abc import Iterator
from statistics import linear_regression

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict, ratio
from bench.exhibits.turns import Way, by_turns
from bench.exhibits.waiting import memory_in_flight
from bench.stand import Stand, set_up

__all__ = ["judge", "measure", "must_show"]

LATENCY, BRIEF = 500, 100  # ms that the server thinks about a page
MODES = ("threads", "async")
IN_FLIGHT, QUICK = (10, 100, 300, 1000), (8,)
TURNS = 5  # pages for each place in flight
ROUNDS = 4  # a crawl lasts a second or more
MEMORY_ROUNDS = 2  # it hardly varies
#: Rates, and memory, that differ by less are alike: rounds of one mode differ by as much.
ALIKE = 1.1


def measure(scale: Scale) -> list[Figure]:
    """Crawl pages that take long in threads and in a loop; then see what a waiting one takes."""
    numbers = QUICK if scale.quick else IN_FLIGHT
    rounds = Scale(min(ROUNDS, scale.rounds), scale.quick)
    with set_up(size="2kB", links=5, pages=TURNS * max(numbers)) as stand:
        crawls = [one for number in numbers for one in _crawls(stand, number, rounds)]
        return crawls if scale.quick else [*crawls, *_memory(stand)]


def judge(found: Found) -> Judgement:
    """Compare rates for each number in flight, and the memory of one more that waits."""
    faster, rates = found.curve("async over threads"), found.curve("pages/s, async")
    told = ", ".join(f"{one.text()} with {one.at:g} in flight" for one in faster)
    why = (
        f"async is this many times as fast as threads: {told}; it gives {rates[-1].text()} pages/s "
        f"of at most {found.curve('most pages/s, async')[-1].text()} by its number in flight and "
        "the CPU of a page."
    )
    less = False
    if (name := _memory_of("async")) in found:
        threads, loop = found[_memory_of("threads")], found[name]
        why += f" One more that waits takes {loop.text()} in async and {threads.text()} in threads."
        less = loop.median * ALIKE < threads.median
    match = [one.at or 0 for one in faster if one.median < ALIKE]
    if less and not match:
        return Judgement(Verdict.HOLDS, f"At each number in flight: {why}")
    if not less and faster[-1].median < ALIKE:
        return Judgement(Verdict.REFUTED, f"Threads scale as well: {why}")
    limit = f"Threads are as fast with up to {max(match):g}" if match else "Not by its memory"
    return Judgement(Verdict.LIMITED, f"{limit}: {why}")


def must_show(found: Found) -> bool:
    """In threads and in a loop the server had as many requests open as were asked for."""
    few = [found.curve(f"requests at once, {mode}")[0] for mode in MODES]
    return all(one.median == one.at for one in few)


def _memory_of(mode: str) -> str:
    return f"memory of one more that waits, {mode}"


def _crawls(stand: Stand, number: int, scale: Scale) -> Iterator[Figure]:
    ways = {mode: Way(mode, number) for mode in MODES}
    latency = scale.pick(LATENCY, BRIEF)
    found = by_turns(stand, f"/p/{{}}?latency={latency}ms", TURNS * number, ways, scale)
    rates = {}
    for mode, turns in found.items():
        name = f"pages/s, {mode}"
        rates[mode] = Figure(name, "", [turn.pages_per_s for turn in turns], number)
        bounds = [min(number / (latency / 1000 + turn.cpu), 1 / turn.cpu) for turn in turns]
        yield rates[mode]
        yield Figure(f"most pages/s, {mode}", "", bounds, number)
        yield Figure(f"CPU, {mode}", "µs/page", [1e6 * turn.cpu for turn in turns], number)
        yield Figure(f"requests at once, {mode}", "", [turn.most for turn in turns], number)
    yield ratio("async over threads", rates["async"], rates["threads"])


def _memory(stand: Stand) -> Iterator[Figure]:
    """Yield what one more request in flight takes, by the slope from the fewest to the most."""
    few, *_, most = IN_FLIGHT
    for mode in MODES:
        rounds = [
            [memory_in_flight(stand, mode, number) / 1000 for number in (few, most)]
            for _ in range(MEMORY_ROUNDS)
        ]
        slopes = [linear_regression((few, most), one).slope for one in rounds]
        yield Figure(_memory_of(mode), "kB", slopes)
