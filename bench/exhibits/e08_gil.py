"""The GIL lets one thread at a time execute Python, however many threads and cores there are."""

import random
import sys
import sysconfig
import threading
import time

from bench.exhibits.exhibit import Figure, Found, Judgement, Scale, Verdict

__all__ = ["judge", "measure"]

THREADS = (1, 2, 4, 8)
#: Threads that execute Python at the same time keep more cores busy than this.
ONE_CORE = 1.2


def measure(scale: Scale) -> list[Figure]:
    """Return how many cores so many threads keep busy that execute nothing but Python."""
    times = scale.pick(4_000_000, 100_000)
    busy: dict[int, list[float]] = {threads: [] for threads in THREADS}
    for number in range(scale.rounds):
        for threads in random.Random(number).sample(THREADS, len(THREADS)):
            busy[threads].append(_cores_busy(threads, times // threads))
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    return [
        Figure("GIL enabled", "", [float(enabled())]),
        Figure("built without GIL", "", [float(bool(sysconfig.get_config_var("Py_GIL_DISABLED")))]),
        *(Figure(f"cores busy with {threads} threads", "", busy[threads]) for threads in THREADS),
    ]


def judge(found: Found) -> Judgement:
    """Count the cores that eight threads keep busy."""
    one, eight = found["cores busy with 1 threads"], found["cores busy with 8 threads"]
    said = f"1 thread keeps {one.text()} cores busy with Python, 8 threads {eight.text()}."
    if eight.median > ONE_CORE:
        return Judgement(Verdict.OUTDATED, f"{said} Since 3.13 a Python may be built without it.")
    return Judgement(Verdict.HOLDS, said)


def _spin(times: int) -> None:
    for _ in range(times):
        pass


def _cores_busy(threads: int, times: int) -> float:
    """Return CPU seconds a second; what others on the machine take makes it less, never more."""
    workers = [threading.Thread(target=_spin, args=(times,)) for _ in range(threads)]
    began, used = time.perf_counter(), time.process_time()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return (time.process_time() - used) / (time.perf_counter() - began)
