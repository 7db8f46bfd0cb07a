"""From how much work on a process pool pays, for pages of some sizes and two ways to cross."""

import math
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from bench.exhibits.crossing import Border, drive
from bench.exhibits.exhibit import Figure, Scale

__all__ = ["SIZES", "WAYS", "break_even", "pays", "pays_from", "speed_up", "speed_ups"]

SIZES = {"10 kB": 10_000, "100 kB": 100_000, "1 MB": 1_000_000}
WAYS = {"pickled": Border.pickled, "in shared memory": Border.shared}
WORK_MS = (0.05, 0.2, 0.7, 2.5, 10.0)
#: Of one run: milliseconds of work, the least and the most of pages, and of bytes.
ENOUGH, FEWEST, MOST, BYTES = 100.0, 10, 400, 40_000_000


def speed_up(size: str, way: str) -> str:
    """Return the name of a curve: how many times as fast as one process a pool is."""
    return f"times as fast, {size} {way}"


def pays(size: str, way: str) -> str:
    """Return the name of the figure that says from where on a curve stays above 1."""
    return f"pays from, {size} {way}"


def speed_ups(scale: Scale, ours: Border) -> Iterator[Figure]:
    """Yield for each size and way a curve over the milliseconds of CPU that a page takes.

    The CPU is spent on bytecode, so that the GIL is held.  Each time in a pool is compared
    with the time here right before or after it.
    """
    works = (0.2, 2.5) if scale.quick else WORK_MS
    keys = list(product(list(SIZES)[: scale.pick(len(SIZES), 1)], WAYS))
    cells = list(product(keys, works))
    found: dict[tuple[tuple[str, str], float], list[float]] = {cell: [] for cell in cells}
    loops = _loops_a_ms()
    for number in range(scale.rounds):
        for (size, way), work in random.Random(number).sample(cells, len(cells)):
            most = min(MOST, BYTES // SIZES[size])
            pages = max(FEWEST, min(most, int(ENOUGH / work)))
            todo = pages, int(work * loops), bytes(SIZES[size])
            seconds = {one: _seconds(one, ours, *todo) for one in _in_turn(way, number)}
            found[(size, way), work].append(seconds[None] / seconds[way])
    for key in keys:
        curve = [Figure(speed_up(*key), "", found[key, work], work) for work in works]
        yield from curve
        yield from pays_from(pays(*key), "ms", curve)


def pays_from(name: str, unit: str, curve: Sequence[Figure]) -> list[Figure]:
    """Return from where on a curve stays above 1 in each round; nothing if most rounds have none.

    A round without one is left out.
    """
    rounds = list(zip(*(one.values for one in curve), strict=True))
    found = [break_even((one.at or 0.0 for one in curve), values) for values in rounds]
    places = [place for place in found if place is not None]
    return [Figure(name, unit, places)] if len(places) > len(rounds) / 2 else []


def break_even(places: Iterable[float], speed_ups: Iterable[float]) -> float | None:
    """Return the place from which on speed-ups stay above 1; None if the last does not.

    Between two of the places, which are positive and rise, it is read off on a logarithmic axis.
    """
    found: float | None = None
    low, slower = 0.0, 0.0
    for place, faster in zip(places, speed_ups, strict=True):
        if faster <= 1:
            found = None
        elif found is None:
            share = (1 - slower) / (faster - slower)
            found = low * math.exp(share * math.log(place / low)) if low else place
        low, slower = place, faster
    return found


def spin(body: bytes, loops: int) -> int:
    """Hold the GIL for so many loops, and return the length of the body."""
    for _ in range(loops):
        pass
    return len(body)


def _in_turn(way: str, number: int) -> list[str | None]:
    """Return what is compared, this process being first in every other round."""
    return [None, way] if number % 2 else [way, None]


def _seconds(way: str | None, ours: Border, pages: int, loops: int, body: bytes) -> float:
    """Return how long so many pages take in a pool, or here if they go no way at all."""
    began = time.perf_counter()
    if way is None:
        lengths = [spin(body, loops) for _ in range(pages)]
    else:
        lengths = drive(lambda n: WAYS[way](ours, n, spin, body, loops), pages)
    seconds = time.perf_counter() - began
    assert lengths == [len(body)] * pages
    return seconds


def _loops_a_ms() -> float:
    """Return how many loops take a millisecond of CPU when nothing disturbs them."""
    loops, used = 200_000, []
    for _ in range(5):
        began = time.thread_time()
        spin(b"", loops)
        used.append(time.thread_time() - began)
    return loops / min(used) / 1000
