"""The GIL lets one thread at a time execute Python, however many threads and cores there are."""

import hashlib
import random
import sysconfig
import threading
import time
from collections.abc import Callable
from functools import partial

from bench.exhibits.beside import gil_enabled, steps_during
from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict

__all__ = ["judge", "measure", "must_show"]

THREADS = (1, 2, 4, 8)
#: C that lets go of the GIL, in two threads: it tells whether there is a second core at all.
CONTROL = "cores busy with 2 threads of C"
PYTHON, C = "steps of another thread, Python", "steps of another thread, C"
#: Threads that execute at the same time keep more cores busy than this.
ONE_CORE = 1.2


def measure(scale: Scale) -> list[Figure]:
    """Return how many cores so many threads keep busy that execute nothing but Python.

    Then count the steps of another thread beside one that does.
    """
    times = scale.pick(4_000_000, 500_000)
    cells = {
        **{f"cores busy with {threads} threads": (threads, _spin) for threads in THREADS},
        CONTROL: (2, _derive),
    }
    busy: dict[str, list[float]] = {name: [] for name in cells}
    for number in range(scale.rounds):
        for name in random.Random(number).sample(list(cells), len(cells)):
            threads, work = cells[name]
            busy[name].append(_cores_busy(threads, work, times // threads))
    steps = {
        language: [float(steps_during(partial(work, times))) for _ in range(scale.rounds)]
        for language, work in (("Python", _spin), ("C", _derive))
    }
    without = sysconfig.get_config_var("Py_GIL_DISABLED")
    return [
        Figure("GIL enabled", "", [float(gil_enabled())]),
        Figure("built without GIL", "", [float(bool(without))]),
        *(Figure(name, "", values) for name, values in busy.items()),
        *(Figure(f"steps of another thread, {name}", "", values) for name, values in steps.items()),
    ]


def judge(found: Found) -> Judgement:
    """Look at the most cores that eight threads ever kept busy: others can only make it less."""
    one, eight = found["cores busy with 1 threads"], found["cores busy with 8 threads"]
    why = (
        f"1 thread keeps {one.text()} cores busy with Python, 8 threads {eight.text()}; with C "
        f"that lets go of the GIL 2 threads keep {found[CONTROL].text()} busy. As long as nobody "
        f"is made to let go, another thread takes {found[PYTHON].text()} steps beside Python and "
        f"{found[C].text()} beside that C."
    )
    if max(eight.values) > ONE_CORE:
        return Judgement(Verdict.OUTDATED, f"{why} Since 3.13 a Python may be built without it.")
    return Judgement(Verdict.HOLDS if max(found[PYTHON].values) == 0 else Verdict.REFUTED, why)


def must_show(found: Found) -> bool:
    """Another thread gets on beside C that lets go of the GIL; with a GIL not beside Python."""
    blocked = max(found[PYTHON].values) == 0 or not found["GIL enabled"].median
    return blocked and max(found[C].values) > 0


def _spin(times: int) -> None:
    for _ in range(times):
        pass


def _derive(times: int) -> None:
    hashlib.pbkdf2_hmac("sha256", b"page", b"crawl", times // 10)  # it takes as long


def _cores_busy(threads: int, work: Callable[[int], None], times: int) -> float:
    """Return CPU seconds a second; what others on the machine take makes it less, never more."""
    workers = [threading.Thread(target=work, args=(times,)) for _ in range(threads)]
    began, used = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return (time.process_time() - used) / (time.perf_counter() - began)
