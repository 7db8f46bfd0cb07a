"""While a thread is in time.sleep it has let go of the GIL, as if it waited for I/O."""

import asyncio
import ctypes
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from bench.exhibits.beat import turns_during
from bench.exhibits.beside import gil_enabled, steps_during
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, SkippedError, Verdict

__all__ = ["judge", "measure", "must_show"]

NAP = 0.02  # seconds
#: The same function of the C library, called with the GIL let go of (CDLL) and kept (PyDLL).
LIBRARIES = {"usleep without the GIL": ctypes.CDLL, "usleep with the GIL": ctypes.PyDLL}
WAYS = SLEEP, FREE, HELD = "time.sleep", *LIBRARIES
#: Of a nap for each thread: a crowd that takes less has slept at the same time.
TOGETHER = 0.1


def measure(scale: Scale) -> list[Figure]:
    """Let a crowd of threads sleep in three ways, and look who else runs during one sleep."""
    ways, threads = _ways(), scale.pick(50, 4)
    naps, steps, turns = (defaultdict[str, list[float]](list) for _ in range(3))
    for number in range(scale.rounds):
        for way in random.Random(number).sample(WAYS, len(WAYS)):
            naps[way].append(_naps(ways[way], threads))
            steps[way].append(steps_during(ways[way]))
        for way, sleep in COROUTINES.items():
            turns[way].append(asyncio.run(turns_during(sleep())))
    measured = {
        "naps that a crowd takes": naps,
        "steps of another thread": steps,
        "turns of another task": turns,
    }
    return [
        Figure("threads", "", [threads]),
        Figure("GIL enabled", "", [float(gil_enabled())]),
        *(
            Figure(f"{what}, {way}", "", values)
            for what, found in measured.items()
            for way, values in found.items()
        ),
    ]


def judge(found: Found) -> Judgement:
    """Compare the crowd with one sleep, and the same sleep with and without the GIL."""
    threads = found["threads"]
    sleep, free, held = (found[f"naps that a crowd takes, {way}"] for way in (SLEEP, FREE, HELD))
    tasks = found["turns of another task, time.sleep"]
    why = (
        f"{threads.text()} threads that sleep at the same time take as long as {sleep.text()} "
        f"naps; in the C library’s usleep {free.text()} if the call lets go of the GIL and "
        f"{held.text()} if it keeps it. In a coroutine other tasks have {tasks.text()} turns "
        "meanwhile: to let go of the GIL is not to let the loop go on."
    )
    crowd = TOGETHER * threads.median
    if sleep.median > crowd:
        return Judgement(Verdict.REFUTED, why)
    if not found["GIL enabled"].median:
        return Judgement(Verdict.OUTDATED, f"{why} Since 3.13 a Python may be built without GIL.")
    return Judgement(Verdict.HOLDS, why)


def must_show(found: Found) -> bool:
    """Other threads run during a sleep if it lets go of the GIL, and other tasks never do."""
    threads = {way: max(found[f"steps of another thread, {way}"].values) for way in WAYS}
    tasks = {way: max(found[f"turns of another task, {way}"].values) for way in COROUTINES}
    blocked = [tasks[SLEEP], *([threads[HELD]] if found["GIL enabled"].median else [])]
    return max(blocked) == 0 < min(threads[SLEEP], threads[FREE], tasks["asyncio.sleep"])


def _ways() -> dict[str, Callable[[], object]]:
    try:
        ways = {way: load(None).usleep for way, load in LIBRARIES.items()}
    except (AttributeError, OSError, TypeError):
        raise SkippedError("This system has no usleep in its C library.") from None
    return {
        SLEEP: partial(time.sleep, NAP),
        **{way: partial(usleep, int(1e6 * NAP)) for way, usleep in ways.items()},
    }


def _naps(sleep: Callable[[], object], threads: int) -> float:
    """Return how many naps, one after the other, so many threads that sleep take as long as."""
    start = Barrier(threads + 1)

    def once() -> None:
        start.wait()
        sleep()

    with ThreadPoolExecutor(threads) as pool:
        sleeping = [pool.submit(once) for _ in range(threads)]
        began = time.perf_counter()
        start.wait()
        for one in sleeping:
            one.result()
        return (time.perf_counter() - began) / NAP


async def _blocking() -> None:
    time.sleep(NAP)  # noqa: ASYNC251 - the mistake is what is looked at


COROUTINES: dict[str, Callable[[], Awaitable[None]]] = {
    SLEEP: _blocking,
    "asyncio.sleep": lambda: asyncio.sleep(NAP),
}
