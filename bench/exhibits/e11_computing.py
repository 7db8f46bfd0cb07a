"""Threads that compute gain nothing from several cores: for the GIL they must take turns."""

import hashlib
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from bench.exhibits.beside import gil_enabled, steps_during
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict

__all__ = ["judge", "measure", "must_show"]

Work = Callable[[], object]

THREADS = 2
MB = 1_048_576
#: Bytes.  hashlib lets go of the GIL for more than 2047 at once, says its documentation; one
#: byte more or less depends on the Python.
STEP = (2047, 2048, 2049)
SIZES = (256, 512, 1024, *STEP, 4096, 16_384, 65_536, 262_144, MB)
QUICK_SIZES = (min(STEP), MB)
STEPS = "steps of another thread during sha256"
MARKUP = "<title>A page</title>" + "<p>Some words and <a href='/p/1'>a link</a>.</p>" * 500
KEPT = 16_000_000  # bytes
#: Threads that execute at the same time keep more cores busy than this.
ONE_CORE = 1.2
TRUE = "True of bytecode and of C that keeps the GIL."


class _Ran(NamedTuple):
    """How often a second the work was done, and how many cores that kept busy."""

    rate: float
    cores: float


def measure(scale: Scale) -> list[Figure]:
    """Do each kind of work in one thread and in two; count who else runs during a hash."""
    sizes = QUICK_SIZES if scale.quick else SIZES
    works = _works() | {f"sha256 of {size}": _hashing(size) for size in sizes}
    seconds = scale.pick(100, 10) / 1000
    alone, both = defaultdict[str, list[_Ran]](list), defaultdict[str, list[_Ran]](list)
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(scale.rounds):
            for name in random.Random(number).sample(list(works), len(works)):
                alone[name].append(_run(pool, 1, works[name], seconds))
                both[name].append(_run(pool, THREADS, works[name], seconds))
    figures = [Figure("GIL enabled", "", [float(gil_enabled())])]
    for name in works:
        what, _, size = name.partition(" of ")
        at = float(size) if size else None
        # Against one thread with a core to itself: what others take can only make less of it.
        times = [
            two.rate * one.cores / one.rate
            for one, two in zip(alone[name], both[name], strict=True)
        ]
        figures += [
            Figure(f"cores busy, {what}", "", [two.cores for two in both[name]], at),
            Figure(f"times as fast, {what}", "", times, at),
        ]
    for bytes_at_once in STEP:
        task = _hashing(bytes_at_once, 16 * MB)
        steps = [float(steps_during(task)) for _ in range(scale.rounds)]
        figures.append(Figure(STEPS, "", steps, bytes_at_once))
    return figures


def judge(found: Found) -> Judgement:
    """Look whether two threads ever keep more than one core busy, in Python and in hashing."""
    python, faster = found["cores busy, Python"], found["times as fast, Python"]
    cores = {int(one.at or 0): one for one in found.curve("cores busy, sha256")}
    most = cores[max(cores)]
    others = "; ".join(
        f"{name} {found[f'cores busy, {name}'].text()}"
        for name in ("html.parser", "re", "Lexbor")
        if f"cores busy, {name}" in found
    )
    steps = found.curve(STEPS)
    counted = ", ".join(f"{one.text()} at {one.at:g}" for one in steps)
    why = (
        f"Two threads of Python keep {python.text()} cores busy and are {faster.text()} times as "
        f"fast as one (cores busy with others: {others}); two that hash {most.at:.0f} bytes at "
        f"once keep {most.text()} busy. Steps that another thread takes meanwhile, by bytes at "
        f"once: {counted}."
    )
    # Others on the machine make less of the cores that are busy, and never more.
    if max(python.values) > ONE_CORE:
        return Judgement(Verdict.OUTDATED, f"{why} Since 3.13 a Python may be built without GIL.")
    if max(most.values) > ONE_CORE:
        return Judgement(Verdict.LIMITED, f"{TRUE} {why}")
    if max(steps[-1].values) > 0:
        return Judgement(
            Verdict.LIMITED,
            f"{TRUE} So the steps say; no second core was free to gain from it. {why}",
        )
    return Judgement(Verdict.HOLDS, why)


def must_show(found: Found) -> bool:
    """Another thread gets on while a long enough text is hashed; with a GIL only then."""
    kept, *_, free = found.curve(STEPS)
    return max(free.values) > 0 and (max(kept.values) == 0 or not found["GIL enabled"].median)


def _works() -> dict[str, Work]:
    """Return what holds the GIL, and Lexbor where it is installed."""
    words = re.compile(r"<a [^>]*>|\w+")

    def spin() -> None:
        for _ in range(20_000):
            pass

    works: dict[str, Work] = {
        "Python": spin,
        "html.parser": lambda: HTMLParser().feed(MARKUP),
        "re": lambda: words.findall(MARKUP),
    }
    if find_spec("selectolax"):
        lexbor, body = import_module("selectolax.lexbor"), MARKUP.encode()
        # glibc then keeps what is freed, as in our crawl: it has the system clear no page anew.
        bytes(KEPT)
        works["Lexbor"] = lambda: lexbor.LexborHTMLParser(body)
    return works


def _hashing(size: int, total: int = MB) -> Work:
    """Return what hashes *total* bytes, *size* of them at once."""
    text, times = bytes(size), total // size

    def hash_all() -> None:
        for _ in range(times):
            hashlib.sha256(text)

    return hash_all


def _run(pool: ThreadPoolExecutor, threads: int, work: Work, seconds: float) -> _Ran:
    """Let each of so many threads do *work* again and again until the time is up."""
    began, used = time.perf_counter(), time.process_time()

    def repeat() -> int:
        times = 0
        while time.perf_counter() < began + seconds:
            work()
            times += 1
        return times

    running = [pool.submit(repeat) for _ in range(threads)]
    times = sum(one.result() for one in running)
    took = time.perf_counter() - began
    return _Ran(times / took, (time.process_time() - used) / took)
