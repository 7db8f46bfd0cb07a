"""For a program with a single thread the GIL is irrelevant."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from threading import Event, Thread

from bench.exhibits.beside import computing, gil_enabled, switching_every
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict, ratio
from bench.exhibits.spent import Spent, spent
from bench.stdlib_analysis import analyse_often

__all__ = ["judge", "measure", "must_show"]

ADDRESS = "http://127.0.0.1/page"
PAGE = (
    "<title>A page</title><body>" + "<p>Some words and <a href='/p/1'>a link</a>.</p>" * 100
).encode()
#: Times the CPU from which on something is dearer; others on the machine do that to some rounds.
DEARER = 1.1


@contextmanager
def _waiting() -> Iterator[None]:
    """Have another thread that waits until the body ends."""
    over = Event()
    other = Thread(target=over.wait)
    other.start()
    try:
        yield
    finally:
        over.set()
        other.join()


ALONE, COMPUTING = "alone", "beside a thread that computes"
#: In all but the last one thread has the GIL to itself.
SITUATIONS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    ALONE: nullcontext,
    "switch interval 0.1 ms": partial(switching_every, 0.0001),
    "switch interval 100 ms": partial(switching_every, 0.1),
    "beside a thread that waits": _waiting,
    COMPUTING: partial(computing, 1),
}
SINGLE = [name for name in SITUATIONS if name != COMPUTING]


def measure(scale: Scale) -> list[Figure]:
    """Analyse the same page in one thread, and change what only the GIL would make matter."""
    times, found = scale.pick(40, 4), defaultdict[str, list[Spent]](list)
    for number in range(scale.many_rounds):
        for name in random.Random(number).sample(list(SITUATIONS), len(SITUATIONS)):
            with SITUATIONS[name]():
                found[name].append(spent(partial(analyse_often, PAGE, ADDRESS, times)))
    cpu = {
        name: Figure(f"CPU, {name}", "ms", [1e3 * one.running for one in found[name]])
        for name in SITUATIONS
    }
    return [
        Figure("GIL enabled", "", [float(gil_enabled())]),
        *cpu.values(),
        *(ratio(f"CPU over alone, {name}", cpu[name], cpu[ALONE]) for name in SINGLE[1:]),
        *(
            Figure(f"times it waited, {name}", "", [one.waits for one in runs])
            for name, runs in found.items()
        ),
        *(
            Figure(f"waited, {name}", "%", [100 * one.waiting_share for one in runs])
            for name, runs in found.items()
        ),
    ]


def judge(found: Found) -> Judgement:
    """Compare the CPU of one thread, whatever is changed, with that of the same work alone."""
    changes = {name: found[f"CPU over alone, {name}"] for name in SINGLE[1:]}
    told = "; ".join(f"{name}: {change.text()}" for name, change in changes.items())
    why = (
        f"Times the CPU of one thread alone: {told}. It waited for {found['waited, alone'].text()} "
        f"of its time alone and for {found[f'waited, {COMPUTING}'].text()} {COMPUTING}. "
    )
    if not found["GIL enabled"].median:
        return Judgement(
            Verdict.LIMITED,
            f"{why}This Python, as may be since 3.13, has no GIL; what it costs one thread to do "
            "without would take a build with it to compare, and is not measured.",
        )
    why += "What a build without GIL costs one thread is not measured: this one has it."
    if any(change.median > DEARER for change in changes.values()):
        return Judgement(Verdict.REFUTED, why)
    return Judgement(Verdict.HOLDS, why)


def must_show(found: Found) -> bool:
    """One thread hardly ever waits; with a GIL it does once another one computes."""
    waits = {name: found[f"times it waited, {name}"].median for name in SITUATIONS}
    shared = bool(found["GIL enabled"].median)
    return not shared or max(waits[name] for name in SINGLE) < waits[COMPUTING]
